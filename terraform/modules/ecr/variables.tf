variable "name" {
  description = "Name of the repository"
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]+([._/-][a-z0-9]+)*$", var.name)) && length(var.name) >= 2 && length(var.name) <= 256
    error_message = "name must be 2 to 256 lower-case letters, digits and single . _ - / between them."
  }
}

variable "mutable_tags" {
  description = "Tags that may move, as filters with *; every other tag is written once. At most five"
  type        = list(string)
  default     = ["latest", "branch-*", "pr-*", "cache*"]

  validation {
    condition     = length(var.mutable_tags) <= 5 && alltrue([for filter in var.mutable_tags : can(regex("^[A-Za-z0-9._*-]{1,128}$", filter)) && length(split("*", filter)) <= 3])
    error_message = "mutable_tags takes at most five filters of up to 128 letters, digits and . _ - with at most two *."
  }
}

variable "expire_days" {
  description = "Days after which images go that have only tags of expire_tags; 0 never. Nothing else expires by age: ECR does not know what runs"
  type        = number
  default     = 14

  validation {
    condition     = var.expire_days >= 0 && floor(var.expire_days) == var.expire_days
    error_message = "expire_days must be a whole number of days, 0 for never."
  }
}

variable "expire_tags" {
  description = "Tags of pull requests and branches, as filters with *"
  type        = list(string)
  default     = ["pr-*", "branch-*"]

  validation {
    condition     = length(var.expire_tags) > 0 && alltrue([for filter in var.expire_tags : length(replace(filter, "*", "")) >= 3])
    error_message = "expire_tags needs filters with at least three letters beside the *: * alone would delete what runs."
  }
}

variable "keep_tags" {
  description = "Tags of what may be deployed, as filters with *: an image that has one is out of reach of expire_days, whatever else it is called"
  type        = list(string)
  default     = ["fp-*", "sha-*", "*.*.*"]
}

variable "scan_on_push" {
  description = "Scan each image when it is pushed (basic scanning)"
  type        = bool
  default     = true
}

variable "kms_key_arn" {
  description = "Key to encrypt layers with; AES-256 by ECR when not given. It cannot be changed later, and copies without transfer need the same on both sides"
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key."
  }
}

variable "pull_accounts" {
  description = "Other accounts whose roles may pull, by id"
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for account in var.pull_accounts : can(regex("^[0-9]{12}$", account))])
    error_message = "pull_accounts are ids of 12 digits."
  }
}

variable "force_delete" {
  description = "Let a destroy delete the images too"
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags for everything that can have some"
  type        = map(string)
  default     = {}
}
