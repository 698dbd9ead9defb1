variable "name" {
  description = "Name of the instance, such as sample-dev"
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,61}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name must be 2 to 63 lower-case letters, digits and single dashes, begin with a letter and not end with a dash."
  }
}

variable "vpc_id" {
  description = "VPC of the database"
  type        = string
}

variable "subnet_ids" {
  description = "Subnets in at least two zones, those without a way out"
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "A database needs subnets in at least two zones, also where it is in one."
  }
}

variable "client_security_group_ids" {
  description = "Who may connect, by name: security groups of tasks and hosts"
  type        = map(string)
  default     = {}
}

variable "engine_version" {
  description = "Major version of PostgreSQL; minor ones come by themselves in the maintenance window"
  type        = string
  default     = "17"

  validation {
    condition     = can(regex("^1[3-9](\\.[0-9]+)?$", var.engine_version))
    error_message = "engine_version must be a version of PostgreSQL from 13 on, such as 17."
  }
}

variable "major_upgrade" {
  description = "Let a change of engine_version go to another major version: minutes without a database, and no way back but a snapshot. RDS refuses it otherwise"
  type        = bool
  default     = false
}

variable "instance_class" {
  description = "Class of the instance"
  type        = string
  default     = "db.t4g.micro"

  validation {
    condition     = startswith(var.instance_class, "db.")
    error_message = "instance_class must be such as db.t4g.micro."
  }
}

variable "storage_gib" {
  description = "Storage at the start, and up to which it grows by itself"
  type = object({
    allocated = optional(number, 20)
    max       = optional(number, 100)
  })
  default = {}

  validation {
    condition     = var.storage_gib.allocated >= 20 && var.storage_gib.max >= var.storage_gib.allocated * 1.1
    error_message = "storage_gib.allocated must be at least 20 (gp3), and storage_gib.max a tenth more than that at least."
  }
}

variable "database" {
  description = "Name of the first database"
  type        = string
  default     = "app"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database))
    error_message = "database must be lower-case letters, digits and _ and begin with a letter."
  }
}

variable "username" {
  description = "Name of the master user. Its password is made and turned over by RDS, in Secrets Manager: it is in no state and no plan"
  type        = string
  default     = "owner"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,15}$", var.username)) && !contains(["postgres", "admin", "rdsadmin"], var.username)
    error_message = "username must be up to 16 lower-case letters, digits and _, begin with a letter and not be a reserved name."
  }
}

variable "password_rotation_days" {
  description = "Days between two passwords. RDS alone takes 7, after which containers that were given the old one cannot connect anew until they start again"
  type        = number
  default     = 90

  validation {
    condition     = var.password_rotation_days >= 1 && var.password_rotation_days <= 1000
    error_message = "password_rotation_days must be from 1 to 1000."
  }
}

variable "multi_az" {
  description = "A standby in another zone that takes over by itself"
  type        = bool
  default     = false
}

variable "backup_days" {
  description = "Days for which any second can be gone back to"
  type        = number
  default     = 7

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35
    error_message = "backup_days must be from 1 to 35: without backups nothing can be gone back to."
  }
}

variable "windows" {
  description = "When backups are made (UTC), and when maintenance may interrupt"
  type = object({
    backup      = optional(string, "02:00-03:00")
    maintenance = optional(string, "sun:03:30-sun:04:30")
  })
  default = {}
}

variable "deletion_protection" {
  description = "Refuse to be deleted"
  type        = bool
  default     = true
}

variable "skip_final_snapshot" {
  description = "Delete without a last snapshot"
  type        = bool
  default     = false
}

variable "apply_immediately" {
  description = "Apply changes that interrupt at once, and not in the maintenance window"
  type        = bool
  default     = false
}

variable "monitoring_seconds" {
  description = "Seconds between two looks at the operating system (enhanced monitoring); 0 for none"
  type        = number
  default     = 0

  validation {
    condition     = contains([0, 1, 5, 10, 15, 30, 60], var.monitoring_seconds)
    error_message = "monitoring_seconds must be 0, 1, 5, 10, 15, 30 or 60."
  }
}

variable "kms_key_arn" {
  description = "Key for storage, secret and insights; the account's own keys when not given"
  type        = string
  default     = null
}

variable "log_retention_days" {
  description = "Days for which the database's log is kept"
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
