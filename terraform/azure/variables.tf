variable "subscription_id" {
  description = "Subscription that everything is made in"
  type        = string
}

variable "name" {
  description = "Name of the app and start of the other names, such as sample-dev"
  type        = string
  default     = "sample-dev"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,27}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name must be 2 to 29 lower-case letters, digits and single dashes, begin with a letter and not end with a dash."
  }
}

variable "location" {
  description = "Region"
  type        = string
  default     = "germanywestcentral"
}

variable "image" {
  description = "Image of the web service by digest, REGISTRY/NAME@sha256:…"
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image must be given by digest (…@sha256:…): a tag can move under a running app."
  }
}

variable "registry" {
  description = "Azure Container Registry that the image lies in: its id, for the right to pull, and its host; null for a public image"
  type = object({
    id     = string
    server = string
  })
  default = null
}

variable "port" {
  description = "Port of the container"
  type        = number
  default     = 8080
}

variable "health_path" {
  description = "Path that says whether the container is healthy"
  type        = string
  default     = "/health"
}

variable "replicas" {
  description = "Least and most replicas, and requests at once of one from which another is started; with min = 0 an idle app costs nothing, and its first visitor waits"
  type = object({
    min      = optional(number, 1)
    max      = optional(number, 4)
    requests = optional(number, 50)
  })
  default = {}

  validation {
    condition     = var.replicas.min >= 0 && var.replicas.max >= max(1, var.replicas.min) && var.replicas.max <= 30
    error_message = "replicas.max must be at least replicas.min, at least 1, and at most 30."
  }
}

variable "environment" {
  description = "Environment variables; nothing secret"
  type        = map(string)
  default     = {}
}

variable "log_retention_days" {
  description = "Days for which logs are kept"
  type        = number
  default     = 30

  validation {
    condition     = var.log_retention_days >= 30 && var.log_retention_days <= 730
    error_message = "log_retention_days must be from 30 to 730."
  }
}

variable "tags" {
  description = "Tags of everything"
  type        = map(string)
  default = {
    Project     = "sample"
    Environment = "dev"
    ManagedBy   = "terraform"
  }
}
