terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.25" # tags that stay movable: later than 6.4
    }
  }
}
