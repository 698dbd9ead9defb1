variable "region" {
  type    = string
  default = "eu-central-1"
}

variable "name" {
  type        = string
  default     = "slipway-host"
  description = "Start of the image's name; the time of the build follows"
}

variable "architecture" {
  type        = string
  default     = "x86_64"
  description = "x86_64 or arm64; fits the platform of the container images"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "The architecture must be x86_64 or arm64."
  }
}

variable "instance_type" {
  type        = string
  default     = "t3.small"
  description = "For the build alone; of the same architecture"
}

variable "subnet_id" {
  type        = string
  default     = null
  description = "Subnet for the build, with a way to the internet; the default VPC's when not given"
}

variable "instance_profile" {
  type        = string
  default     = ""
  description = "Instance profile with AmazonSSMManagedInstanceCore; the build then needs no open port"
}

variable "volume_gib" {
  type    = number
  default = 16
}

variable "tags" {
  type    = map(string)
  default = {}
}
