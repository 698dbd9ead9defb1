provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = { Project = "sample", Environment = "dev", ManagedBy = "terraform", "slipway:environment" = "dev" }
  }
}

module "cluster" {
  source = "../.."

  name                = "sample-dev"
  default_spot_weight = 3
}

output "cluster" {
  description = "Name of the cluster"
  value       = module.cluster.name
}
