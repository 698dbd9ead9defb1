provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = { Project = "sample", Environment = "dev", ManagedBy = "terraform", "slipway:environment" = "dev" }
  }
}

# No NAT gateway: tasks reach AWS through endpoints, and nothing else.

module "network" {
  source = "../.."

  name      = "sample-dev"
  zones     = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  nat       = "none"
  endpoints = ["ecr.api", "ecr.dkr", "logs", "secretsmanager"]
}
