variable "name" {
  description = "Name of the VPC, and start of its parts' names, such as sample-dev"
  type        = string
}

variable "cidr" {
  description = "Addresses of the VPC, /16 to /20. Each subnet gets a sixteenth"
  type        = string
  default     = "10.0.0.0/16"

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 20, false)
    error_message = "cidr must be a range from /16 to /20, such as 10.0.0.0/16."
  }
}

variable "zones" {
  description = "Two or three zones by name. They are named here and not looked up, so that a zone that AWS adds moves nothing; add new ones at the end"
  type        = list(string)

  validation {
    condition     = length(var.zones) >= 2 && length(var.zones) <= 3 && length(distinct(var.zones)) == length(var.zones)
    error_message = "zones must be two or three different zones."
  }

  validation {
    condition     = alltrue([for zone in var.zones : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]+[a-z]$", zone))])
    error_message = "zones must be names such as eu-central-1a."
  }
}

variable "nat" {
  description = "How private subnets reach the internet: none (endpoints only), single (one gateway, a zone's loss takes it from all) or zone (one in each)"
  type        = string
  default     = "single"

  validation {
    condition     = contains(["none", "single", "zone"], var.nat)
    error_message = "nat must be none, single or zone."
  }
}

variable "endpoints" {
  description = "AWS services with an endpoint in the private subnets, such as ecr.api. With nat = none tasks in private subnets need ecr.api, ecr.dkr and logs, and secretsmanager, ssm, ssmmessages for what they use; without any, nothing there reaches anything, which is right where tasks run in public subnets. S3's is always there and free"
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for service in var.endpoints : can(regex("^[a-z0-9.-]+$", service))]) && !contains(var.endpoints, "s3")
    error_message = "endpoints must be names such as ecr.api; s3 has one already."
  }

  validation {
    condition     = var.nat != "none" || length(var.endpoints) == 0 || length(setsubtract(["ecr.api", "ecr.dkr", "logs"], var.endpoints)) == 0
    error_message = "With nat = none, endpoints must have ecr.api, ecr.dkr and logs, or nothing at all: tasks in private subnets could not be started otherwise."
  }
}

variable "flow_logs" {
  description = "Flow logs to CloudWatch: which traffic (ALL, ACCEPT, REJECT) and for how many days; null for none"
  type = object({
    traffic = optional(string, "ALL")
    days    = optional(number, 30)
  })
  default = {}

  validation {
    condition     = try(contains(["ALL", "ACCEPT", "REJECT"], var.flow_logs.traffic), var.flow_logs == null)
    error_message = "flow_logs.traffic must be ALL, ACCEPT or REJECT."
  }
}

variable "log_kms_key_arn" {
  description = "Key to encrypt flow logs with; CloudWatch's own when not given"
  type        = string
  default     = null
}

variable "permissions_boundary" {
  description = "Boundary of the roles, as bootstrap gives it; the pipeline's role can create none without"
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags for everything that can have some"
  type        = map(string)
  default     = {}
}
