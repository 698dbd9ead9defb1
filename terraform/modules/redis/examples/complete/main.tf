provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = { Project = "sample", Environment = "dev", ManagedBy = "terraform", "slipway:environment" = "dev" }
  }
}

module "cache" {
  source = "../.."

  name                      = "sample-dev"
  vpc_id                    = "vpc-0123456789abcdef0"
  subnet_ids                = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  client_security_group_ids = { web = "sg-0123456789abcdef0" }
  replicas                  = 1
}

output "connect" {
  description = "What the task's role needs"
  value       = module.cache.connect_statement
}
