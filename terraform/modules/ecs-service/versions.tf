terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # Blue/green is there from 6.4 on; canary and linear with their settings in the schema of 6.25.
      version = ">= 6.25"
    }
  }
}
