variable "name" {
  description = "Start of the names of alarms, and name of dashboard and topic, such as sample-dev"
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,39}$", var.name))
    error_message = "name must be 2 to 40 lower-case letters, digits and dashes and begin with a letter."
  }
}

variable "discord" {
  description = "Discord channel for alarms: name of the SSM parameter (SecureString) that holds the webhook's address, and its key unless it is the account's own. null for a topic alone"
  type = object({
    webhook_parameter = string
    kms_key_arn       = optional(string)
  })
  default = null

  validation {
    condition     = try(startswith(var.discord.webhook_parameter, "/"), var.discord == null)
    error_message = "discord.webhook_parameter must be the full name of a parameter, such as /sample/dev/discord/alarms, and never the address itself."
  }
}

variable "more_actions" {
  description = "Further receivers of alarms, by ARN (topics of a pager, say)"
  type        = list(string)
  default     = []
}

variable "load_balancer" {
  description = "Load balancer as metrics name it (arn_suffix of the module alb)"
  type = object({
    arn_suffix = string
  })
  default = null
}

variable "services" {
  description = "ECS services by name: cluster, service and target groups as metrics name them (target_group_arn_suffixes of the module ecs-service); a worker has none, and is watched by Container Insights, which its cluster has to have on"
  type = map(object({
    cluster       = string
    service       = string
    target_groups = optional(list(string), [])
  }))
  default = {}

  validation {
    condition     = var.load_balancer != null || alltrue([for service in values(var.services) : length(service.target_groups) == 0])
    error_message = "A service with target groups needs load_balancer."
  }
}

variable "host_groups" {
  description = "Docker hosts by name: auto scaling group and the number of hosts below which it is an alarm"
  type = map(object({
    group = string
    min   = optional(number, 1)
  }))
  default = {}
}

variable "databases" {
  description = "RDS instances by name: identifier, and their storage (GiB)"
  type = map(object({
    identifier  = string
    storage_gib = number
  }))
  default = {}
}

variable "caches" {
  description = "Nodes of ElastiCache (node_ids of the module redis)"
  type        = list(string)
  default     = []
}

variable "thresholds" {
  description = "When it is an alarm: latency (p95, seconds), errors (per cent of 5xx), cpu, memory and disk (per cent used), availability (per cent, over 30 days)"
  type = object({
    latency      = optional(number, 0.5)
    errors       = optional(number, 5)
    cpu          = optional(number, 80)
    memory       = optional(number, 85)
    disk         = optional(number, 85)
    availability = optional(number, 99.9)
  })
  default = {}

  validation {
    condition     = var.thresholds.availability >= 95 && var.thresholds.availability <= 99.99
    error_message = "thresholds.availability must be from 95 to 99.99: under that, 14.4 times the rate that it allows is more than all requests; over that, one failed request in an hour would be an alarm."
  }

  validation {
    condition     = alltrue([for used in [var.thresholds.cpu, var.thresholds.memory, var.thresholds.disk, var.thresholds.errors] : used > 0 && used < 100]) && var.thresholds.latency > 0
    error_message = "thresholds must be over 0, and under 100 where they are per cent."
  }
}

variable "kms_key" {
  description = "Key for the topic, whose policy lets CloudWatch and budgets use it; one is made when not given (they cannot publish through AWS's own)"
  type = object({
    arn = string
  })
  default = null
}

variable "log_retention_days" {
  description = "Days for which the log of the function that tells Discord is kept"
  type        = number
  default     = 30
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
