variable "name" {
  description = "Name of the web ACL, such as sample-prod"
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,60}$", var.name))
    error_message = "name must be 2 to 61 lower-case letters, digits and dashes and begin with a letter."
  }
}

variable "load_balancer_arns" {
  description = "Load balancers to stand in front of, by name"
  type        = map(string)
}

variable "managed_rules" {
  description = "Rule groups of AWS, in the order in which they are asked, and which of their rules only count: those that your application trips by right"
  type = list(object({
    name  = string
    count = optional(list(string), [])
  }))
  default = [
    { name = "AWSManagedRulesAmazonIpReputationList" },
    { name = "AWSManagedRulesCommonRuleSet" },
    { name = "AWSManagedRulesKnownBadInputsRuleSet" },
    { name = "AWSManagedRulesSQLiRuleSet" },
  ]

  validation {
    condition     = alltrue([for group in var.managed_rules : can(regex("^AWSManagedRules[A-Za-z0-9]+$", group.name))])
    error_message = "managed_rules must be names such as AWSManagedRulesCommonRuleSet."
  }
}

variable "count_only" {
  description = "Block nothing and count what would have been: for the first days"
  type        = bool
  default     = false
}

variable "requests_in_five_minutes" {
  description = "Requests of one address in five minutes, over which it is blocked; null for no limit"
  type        = number
  default     = 2000

  validation {
    condition     = coalesce(var.requests_in_five_minutes, 10) >= 10
    error_message = "requests_in_five_minutes must be at least 10."
  }
}

variable "blocked_cidrs" {
  description = "Addresses that get nothing"
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.blocked_cidrs : can(cidrhost(cidr, 0))])
    error_message = "blocked_cidrs must be ranges such as 203.0.113.0/24."
  }
}

variable "log_retention_days" {
  description = "Days for which blocked and counted requests are kept"
  type        = number
  default     = 30
}

variable "log_kms_key_arn" {
  description = "Key to encrypt the log with; CloudWatch's own when not given"
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags for everything that can have some"
  type        = map(string)
  default     = {}
}
