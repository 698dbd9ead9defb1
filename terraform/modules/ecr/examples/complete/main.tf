provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = { Project = "sample", Environment = "dev", ManagedBy = "terraform", "slipway:environment" = "dev" }
  }
}

module "repository" {
  source = "../.."

  name          = "sample-web"
  expire_days   = 7
  pull_accounts = ["210987654321"]
}

output "url" {
  description = "Where to push to"
  value       = module.repository.url
}
