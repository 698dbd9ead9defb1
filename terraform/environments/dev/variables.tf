variable "project" {
  description = "Start of all names, as in bootstrap: its roles may touch nothing else"
  type        = string
}

variable "environment" {
  description = "Name of the environment, as in .github/slipway.yml"
  type        = string
  default     = "dev"

  validation {
    condition     = var.environment == "dev"
    error_message = "This root is dev's. It was given environment = \"${var.environment}\": the wrong root, or the wrong environment."
  }
}

variable "account_id" {
  description = "Account that this environment lies in; an apply with credentials of another is refused"
  type        = string
  default     = null
}

variable "region" {
  description = "Region of everything"
  type        = string
  default     = "eu-central-1"
}

variable "zones" {
  description = "Two or three zones of the region"
  type        = list(string)
  default     = ["eu-central-1a", "eu-central-1b"]
}

variable "cidr" {
  description = "Addresses of the VPC; different ones for environments that may be connected one day"
  type        = string
  default     = "10.0.0.0/16"
}

variable "domain" {
  description = "Host name of the web service, such as dev.sample.test"
  type        = string
}

variable "zone_id" {
  description = "Public zone in Route 53 where the name lies"
  type        = string
}

variable "web" {
  description = "The web service's container: name as in its task definition, port, and the name of its ECR repository (PROJECT-web when not given)"
  type = object({
    container  = optional(string, "web")
    port       = optional(number, 8080)
    repository = optional(string)
  })
  default = {}
}

variable "bot" {
  description = "What the hosts run: ECR repositories (PROJECT-bot when not given), and the SSM parameters with its secrets (/PROJECT/dev/bot/*)"
  type = object({
    repositories = optional(list(string))
    secrets      = optional(list(string))
  })
  default = {}
}

variable "registry" {
  description = "Account and region of the registry; this account and region when not given"
  type = object({
    account = optional(string)
    region  = optional(string)
  })
  default = {}
}

variable "image_parameter" {
  description = "SSM parameter with the machine image of the hosts (component kind ami); /PROJECT/ami when not given"
  type        = string
  default     = null
}

variable "ami_id" {
  description = "Machine image itself, in place of image_parameter: `vars: { ami_id: '$${output:ami.ami-id}' }` in .github/slipway.yml"
  type        = string
  default     = null
}

variable "webhook_parameter" {
  description = "SSM parameter (SecureString) with the address of the Discord webhook for alarms; /PROJECT/dev/discord/alarms when empty, null for no Discord"
  type        = string
  default     = ""
}

variable "budget_emails" {
  description = "Who is told when the month's budget is spent, besides the channel for alarms"
  type        = list(string)
  default     = []
}

variable "budget_usd" {
  description = "Dollars a month"
  type        = number
  default     = 75
}

variable "permissions_boundary" {
  description = "Boundary of all roles (bootstrap's output): the pipeline's role can create none without"
  type        = string
}

variable "database" {
  description = "Have a PostgreSQL database here too"
  type        = bool
  default     = false
}
