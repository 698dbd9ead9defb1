terraform {
  # 1.11: `use_lockfile` of the S3 backend is no longer experimental.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.25" # tags that stay movable: later than 6.4
    }
  }
}
