provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = { Project = "sample", Environment = "dev", ManagedBy = "terraform", "slipway:environment" = "dev" }
  }
}

module "network" {
  source = "../.."

  name  = "sample-dev"
  zones = ["eu-central-1a", "eu-central-1b"]
}

output "subnets" {
  description = "Subnets by kind"
  value = {
    public   = module.network.public_subnet_ids
    private  = module.network.private_subnet_ids
    database = module.network.database_subnet_ids
  }
}
