variable "region" {
  type    = string
  default = "eu-central-1"
}

variable "distribution" {
  type        = string
  default     = "ubuntu-24.04"
  description = "ubuntu-24.04, ubuntu-22.04, debian-13 or debian-12"

  validation {
    condition     = contains(["ubuntu-24.04", "ubuntu-22.04", "debian-13", "debian-12"], var.distribution)
    error_message = "The distribution must be ubuntu-24.04, ubuntu-22.04, debian-13 or debian-12."
  }
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

variable "name" {
  type        = string
  default     = "slipway-host"
  description = "Start of the image's name; distribution, architecture and time of the build follow"
}

# --- What the hosts will be like -----------------------------------------------------------------------------------

variable "ssh" {
  type        = string
  default     = "none"
  description = "SSH on the hosts: none (Session Manager is the way in), hardened (keys only, never root), keep (as the distribution has it)"

  validation {
    condition     = contains(["none", "hardened", "keep"], var.ssh)
    error_message = "The value of ssh must be none, hardened or keep."
  }
}

variable "log_group" {
  type        = string
  default     = ""
  description = "CloudWatch log group for what containers print, in the host's region; empty keeps 3 files of 10 MB a container on the host"
}

variable "metrics" {
  type        = string
  default     = "loopback"
  description = "Who reaches the node exporter on port 9100: loopback, or private (10/8, 172.16/12, 192.168/16; open the security group too)"

  validation {
    condition     = contains(["loopback", "private"], var.metrics)
    error_message = "The value of metrics must be loopback or private."
  }
}

variable "volume_gib" {
  type    = number
  default = 16
}

# --- How it is built -----------------------------------------------------------------------------------------------

variable "instance_type" {
  type        = string
  default     = ""
  description = "For the build alone; empty: t3.small, or t4g.small for arm64"
}

variable "subnet_id" {
  type        = string
  default     = null
  description = "Subnet for the build, with a way to the internet; the default VPC's when not given"
}

variable "instance_profile" {
  type        = string
  default     = ""
  description = "Instance profile with AmazonSSMManagedInstanceCore: an Ubuntu build then goes through Session Manager and opens no port"
}

variable "ssh_interface" {
  type        = string
  default     = ""
  description = "How the build is reached: public_ip, private_ip or session_manager. Empty: session_manager for Ubuntu with an instance_profile, else public_ip"
}

variable "end_after_minutes" {
  type        = number
  default     = 90
  description = "A build instance that nobody ends (the runner was lost) ends itself after this time"
}

# --- Where it goes -------------------------------------------------------------------------------------------------

variable "ami_regions" {
  type        = list(string)
  default     = []
  description = "Further regions that get a copy. The action packer can do it as well (its input regions) and keeps track of the copies"
}

variable "ami_users" {
  type        = list(string)
  default     = []
  description = "Accounts that may start it; needs a kms_key_id that they may use"
}

variable "kms_key_id" {
  type        = string
  default     = null
  description = "KMS key of the volume in the region of the build; the account's default key for EBS when not given"
}

variable "region_kms_key_ids" {
  type        = map(string)
  default     = null
  description = "KMS key for each of ami_regions; the default keys when not given"
}

variable "tags" {
  type    = map(string)
  default = {}
}
