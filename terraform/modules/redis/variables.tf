variable "name" {
  description = "Name of the cache, such as sample-dev"
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,31}$", var.name)) && !endswith(var.name, "-") && !strcontains(var.name, "--")
    error_message = "name must be up to 32 lower-case letters, digits and single dashes, begin with a letter and not end with a dash."
  }
}

variable "vpc_id" {
  description = "VPC of the cache"
  type        = string
}

variable "subnet_ids" {
  description = "Subnets, those without a way out"
  type        = list(string)
}

variable "client_security_group_ids" {
  description = "Who may connect, by name: security groups of tasks and hosts"
  type        = map(string)
  default     = {}
}

variable "engine" {
  description = "valkey (the same protocol, a fifth cheaper) or redis"
  type        = string
  default     = "redis"

  validation {
    condition     = contains(["redis", "valkey"], var.engine)
    error_message = "engine must be redis or valkey."
  }
}

variable "engine_version" {
  description = "Version; 7.1 for redis and 8.0 for valkey when not given"
  type        = string
  default     = null
}

variable "node_type" {
  description = "Type of the nodes"
  type        = string
  default     = "cache.t4g.micro"

  validation {
    condition     = startswith(var.node_type, "cache.")
    error_message = "node_type must be such as cache.t4g.micro."
  }
}

variable "replicas" {
  description = "Replicas in other zones; with one at least, one of them takes over by itself"
  type        = number
  default     = 0

  validation {
    condition     = var.replicas >= 0 && var.replicas <= 5
    error_message = "replicas must be from 0 to 5."
  }
}

variable "application_user" {
  description = "User of the application, which connects with a token of its role (IAM) and no password; what it may do, as Redis writes it"
  type = object({
    name   = optional(string, "app")
    access = optional(string, "on ~* &* +@all -@admin -@dangerous +info")
  })
  default = {}

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,19}$", var.application_user.name)) && var.application_user.name != "default"
    error_message = "application_user.name must be up to 20 lower-case letters, digits and dashes, begin with a letter and not be default."
  }
}

variable "parameters" {
  description = "Settings of the engine by name, such as maxmemory-policy"
  type        = map(string)
  default     = { "maxmemory-policy" = "allkeys-lru" }
}

variable "snapshot_days" {
  description = "Days for which a daily snapshot is kept; 0 for none, where the cache can be filled anew"
  type        = number
  default     = 0

  validation {
    condition     = var.snapshot_days >= 0 && var.snapshot_days <= 35
    error_message = "snapshot_days must be from 0 to 35."
  }
}

variable "maintenance_window" {
  description = "When maintenance may interrupt (UTC)"
  type        = string
  default     = "sun:03:30-sun:04:30"
}

variable "kms_key_arn" {
  description = "Key to encrypt with; ElastiCache's own when not given"
  type        = string
  default     = null
}

variable "log_retention_days" {
  description = "Days for which slow commands are kept"
  type        = number
  default     = 14
}

variable "tags" {
  description = "Tags for everything that can have some"
  type        = map(string)
  default     = {}
}
