variable "environment" {
  description = "Name of the environment, as in .github/slipway.yml"
  type        = string
  default     = "dev"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*$", var.environment))
    error_message = "environment must be lower-case letters, digits and dashes."
  }
}

variable "cluster" {
  description = "ECS cluster; sample-ENVIRONMENT when not given"
  type        = string
  default     = null
}

variable "web_url" {
  description = "Where the web service answers, without a path"
  type        = string
  default     = "http://localhost:8080"
}

variable "host_group" {
  description = "Value of the Role tag of the EC2 hosts that run the bot"
  type        = string
  default     = "docker-host"
}

variable "ami_id" {
  description = "Machine image of the hosts; a new one replaces them"
  type        = string
  default     = "ami-00000000000000000"
}
