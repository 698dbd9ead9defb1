variable "domain" {
  description = "Host name, such as dev.sample.test"
  type        = string

  validation {
    condition     = can(regex("^(\\*\\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain must be a host name in lower-case letters, such as dev.sample.test."
  }
}

variable "zone_id" {
  description = "Public zone in Route 53 where the name lies, which proves to ACM that it is yours"
  type        = string
}

variable "tags" {
  description = "Tags for everything that can have some"
  type        = map(string)
  default     = {}
}
