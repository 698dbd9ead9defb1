variable "name" {
  description = "Name of the load balancer, such as sample-dev"
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}[a-z0-9]$", var.name)) && !startswith(var.name, "internal-")
    error_message = "name must be 2 to 32 lower-case letters, digits and dashes, begin with a letter, not end with a dash and not begin with internal-."
  }
}

variable "vpc_id" {
  description = "VPC of the load balancer"
  type        = string
}

variable "subnet_ids" {
  description = "Subnets in at least two zones: public ones, or private ones with internal"
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "A load balancer needs subnets in at least two zones."
  }
}

variable "certificate_arn" {
  description = "Certificate of the HTTPS listener, issued"
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:(acm|iam):", var.certificate_arn))
    error_message = "certificate_arn must be the ARN of a certificate in ACM (or IAM)."
  }
}

variable "more_certificate_arns" {
  description = "Certificates of further host names, by a name of yours"
  type        = map(string)
  default     = {}
}

variable "ssl_policy" {
  description = "Which versions of TLS and ciphers are spoken: TLS 1.2 with forward secrecy and 1.3 by default"
  type        = string
  default     = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"

  validation {
    condition     = can(regex("^ELBSecurityPolicy-(TLS13-1-[23]|FS-1-2)", var.ssl_policy))
    error_message = "ssl_policy must be one that begins with TLS 1.2 or later (ELBSecurityPolicy-TLS13-1-2-…, -TLS13-1-3-…, -FS-1-2-…)."
  }
}

variable "internal" {
  description = "Reachable in the VPC only"
  type        = bool
  default     = false
}

variable "allowed_cidrs" {
  description = "Who may connect to 80 and 443"
  type        = set(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = alltrue([for cidr in var.allowed_cidrs : can(cidrhost(cidr, 0))])
    error_message = "allowed_cidrs must be ranges such as 203.0.113.0/24."
  }
}

variable "test_listener" {
  description = "HTTPS listener where a deployment that shifts traffic shows the new version first; reachable from `cidrs` alone, which may be none: the rule is what ECS needs"
  type = object({
    port  = optional(number, 8443)
    cidrs = optional(set(string), [])
  })
  default = null

  validation {
    condition     = try(!contains([80, 443], var.test_listener.port) && alltrue([for cidr in var.test_listener.cidrs : can(cidrhost(cidr, 0)) && !endswith(cidr, "/0")]), var.test_listener == null)
    error_message = "test_listener.port must be neither 80 nor 443, and test_listener.cidrs ranges that are not the whole world."
  }
}

variable "access_logs" {
  description = "Access logs, in a bucket of the load balancer's own, and for how many days. null for none"
  type = object({
    days = optional(number, 90)
  })
  default = {}
}

variable "idle_timeout" {
  description = "Seconds after which a silent connection is closed; longer than that of the application's server makes 502s rare"
  type        = number
  default     = 60

  validation {
    condition     = var.idle_timeout >= 1 && var.idle_timeout <= 4000
    error_message = "idle_timeout must be from 1 to 4000."
  }
}

variable "deletion_protection" {
  description = "Refuse to be deleted"
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags for everything that can have some"
  type        = map(string)
  default     = {}
}
