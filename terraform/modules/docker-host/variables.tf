variable "name" {
  description = "Start of the names of the group's parts, such as sample-dev-docker-host"
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,50}$", var.name))
    error_message = "name must be 2 to 51 lower-case letters, digits and dashes and begin with a letter."
  }
}

variable "environment" {
  description = "Environment, as in .github/slipway.yml: the tag slipway:environment, by which deployments find the hosts and may reach them"
  type        = string
}

variable "host_group" {
  description = "Group: the tag slipway:host-group, and the folder /slipway/ENVIRONMENT/GROUP/ of parameters that says what runs on it"
  type        = string
  default     = "docker-host"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,62}$", var.host_group)) && var.host_group != "plan-key"
    error_message = "host_group must be up to 63 lower-case letters, digits and dashes, begin with a letter and not be plan-key."
  }
}

variable "vpc_id" {
  description = "VPC of the hosts"
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the hosts: public ones where they answer the world themselves, private ones behind a load balancer or for bots"
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "There must be a subnet."
  }
}

variable "image_parameter" {
  description = "SSM parameter with the id of our machine image, which the packer action writes. It is read by the plan, so that a new image is a change that replaces the hosts"
  type        = string
  default     = null

  validation {
    condition     = (var.image_parameter == null) != (var.image_id == null)
    error_message = "Give image_parameter or image_id, and not both."
  }
}

variable "image_id" {
  description = "Id of the machine image itself, such as the output ami-id of an earlier component"
  type        = string
  default     = null

  validation {
    condition     = var.image_id == null || can(regex("^ami-[0-9a-f]{8,17}$", var.image_id))
    error_message = "image_id must be such as ami-0123456789abcdef0."
  }
}

variable "instance_type" {
  description = "Type of the hosts, of the image's architecture"
  type        = string
  default     = "t3.small"
}

variable "hosts" {
  description = "Number of hosts, and how many there may be while they are replaced or grow"
  type = object({
    min = optional(number, 1)
    max = optional(number, 2)
  })
  default = {}

  validation {
    condition     = var.hosts.min >= 0 && var.hosts.max >= max(1, var.hosts.min)
    error_message = "hosts.max must be at least hosts.min, and at least 1."
  }
}

variable "replace" {
  description = "How a new image or setting reaches the hosts: start-first (the new one is there before the old one goes) or stop-first (never two at once, as some bots want)"
  type        = string
  default     = "start-first"

  validation {
    condition     = contains(["start-first", "stop-first"], var.replace)
    error_message = "replace must be start-first or stop-first."
  }
}

variable "public" {
  description = "Answer the world on these ports (80, 443), from these ranges; null for hosts that nobody connects to. There is no other way in: shells come by Session Manager"
  type = object({
    ports = optional(set(number), [80, 443])
    cidrs = optional(set(string), ["0.0.0.0/0"])
  })
  default = null

  validation {
    condition     = try(length(setsubtract(var.public.ports, [80, 443])) == 0, var.public == null)
    error_message = "public.ports can be 80 and 443 only; the host's proxy shares them by host name."
  }
}

variable "load_balancer" {
  description = "Target groups that the hosts register with, and the security group of the load balancer that may connect to `port`"
  type = object({
    target_group_arns = list(string)
    security_group_id = string
    port              = optional(number, 80)
  })
  default = null
}

variable "connections" {
  description = "What hosts may connect to besides HTTPS and HTTP, by name: a security group and a port, for a database or a cache"
  type = map(object({
    security_group_id = string
    port              = number
  }))
  default = {}
}

variable "public_address" {
  description = "Give each host a public address: needed in public subnets"
  type        = bool
  default     = false
}

variable "volume_gib" {
  description = "Size of the root volume, where images and volumes lie"
  type        = number
  default     = 30

  validation {
    condition     = var.volume_gib >= 16 && var.volume_gib <= 16384
    error_message = "volume_gib must be from 16 (the image's own) to 16384."
  }
}

variable "kms_key_arn" {
  description = "Key for the root volume; the account's key for EBS when not given. Its policy has to let the role AWSServiceRoleForAutoScaling use it and grant its use: no host starts otherwise"
  type        = string
  default     = null
}

variable "repository_arns" {
  description = "ECR repositories that hosts may pull from"
  type        = list(string)
  default     = []
}

variable "secret_arns" {
  description = "Secrets Manager secrets and SSM parameters that hosts may read for their containers"
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.secret_arns : can(regex("^arn:aws[a-z-]*:(secretsmanager:[^:]*:[^:]*:secret:|ssm:[^:]*:[^:]*:parameter/).+$", arn))])
    error_message = "secret_arns must be ARNs of Secrets Manager secrets or SSM parameters."
  }
}

variable "kms_key_arns" {
  description = "Keys that those secrets are encrypted with, unless it is the account's own key for the service"
  type        = list(string)
  default     = []
}

variable "log_retention_days" {
  description = "Days for which logs of containers with the driver awslogs are kept (group /docker/NAME)"
  type        = number
  default     = 30
}

variable "log_kms_key_arn" {
  description = "Key to encrypt logs with; CloudWatch's own when not given"
  type        = string
  default     = null
}

variable "metrics" {
  description = "Memory and disk of the hosts as metrics, every minute (namespace Slipway/Hosts); EC2 knows neither"
  type        = bool
  default     = true
}

variable "detailed_monitoring" {
  description = "EC2's own metrics every minute and not every five; some dollars a month a host"
  type        = bool
  default     = true
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

  # User guide, "Work with instance tags in instance metadata".
  validation {
    condition     = alltrue([for key in keys(var.tags) : can(regex("^[A-Za-z0-9+=.,_:@-]+$", key))])
    error_message = "Keys of tags must be of letters, digits and + - = . , _ : @ only: hosts read their tags from the instance's metadata, and one with another key is not started."
  }
}
