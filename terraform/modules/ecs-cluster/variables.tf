variable "name" {
  description = "Name of the cluster, such as sample-dev"
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 63 lower-case letters, digits and dashes, begin with a letter and not end with a dash."
  }
}

variable "container_insights" {
  description = "Metrics of tasks and containers: enhanced, enabled or disabled. They are billed by metric, some dollars a month a service"
  type        = string
  default     = "enabled"

  validation {
    condition     = contains(["enhanced", "enabled", "disabled"], var.container_insights)
    error_message = "container_insights must be enhanced, enabled or disabled."
  }
}

variable "default_spot_weight" {
  description = "Share of Fargate Spot, against 1 for Fargate, for tasks that say nothing themselves"
  type        = number
  default     = 0

  validation {
    condition     = var.default_spot_weight >= 0 && var.default_spot_weight <= 1000
    error_message = "default_spot_weight must be from 0 to 1000."
  }
}

variable "log_retention_days" {
  description = "Days for which what was typed in `aws ecs execute-command` is kept"
  type        = number
  default     = 90
}

variable "kms_key_arn" {
  description = "Key for sessions of execute-command and their log; CloudWatch's own, and none for the session beside TLS, when not given"
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags for everything that can have some"
  type        = map(string)
  default     = {}
}
