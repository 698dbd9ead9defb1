variable "name" {
  description = "Name of the budget, such as sample-dev"
  type        = string
}

variable "limit_usd" {
  description = "Dollars a month"
  type        = number

  validation {
    condition     = var.limit_usd > 0
    error_message = "limit_usd must be over 0."
  }
}

variable "cost_tag" {
  description = "Count only what has this tag (which has to be activated as a cost allocation tag in the payer's account); null counts the whole account"
  type = object({
    key   = string
    value = string
  })
  default = null
}

variable "actual_percent" {
  description = "Per cent of the limit at which it is told what was spent"
  type        = list(number)
  default     = [80, 100]

  validation {
    condition     = length(var.actual_percent) <= 4 && alltrue([for percent in var.actual_percent : percent > 0 && percent <= 1000])
    error_message = "actual_percent takes up to four numbers from 1 to 1000: a budget tells five times, once of them what is forecast."
  }
}

variable "forecast_percent" {
  description = "Per cent of the limit at which it is told what is forecast"
  type        = number
  default     = 100
}

variable "topic_arn" {
  description = "Topic to tell, such as that of the module monitoring, whose policy lets budgets publish"
  type        = string
  default     = null
}

variable "emails" {
  description = "Addresses to tell"
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for email in var.emails : can(regex("^[^@\\s]+@[^@\\s]+$", email))]) && length(var.emails) <= 10
    error_message = "emails must be up to ten addresses."
  }

  validation {
    condition     = length(var.emails) > 0 || var.topic_arn != null
    error_message = "Give emails or topic_arn: a budget that tells nobody is none."
  }
}

variable "tags" {
  description = "Tags for everything that can have some"
  type        = map(string)
  default     = {}
}
