terraform {
  required_version = ">= 1.11"

  # Where the state lies is said at init time: `-backend-config=backend.hcl`, or `backend-config` in .github/slipway.yml.
  # bootstrap's output `backend` has the values.
  backend "s3" {}

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }
}
