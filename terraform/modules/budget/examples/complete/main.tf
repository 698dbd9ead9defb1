provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = { Project = "sample", Environment = "dev", ManagedBy = "terraform", "slipway:environment" = "dev" }
  }
}

module "budget" {
  source = "../.."

  name      = "sample-dev"
  limit_usd = 60
  cost_tag  = { key = "Environment", value = "dev" }
  emails    = ["platform@sample.test"]
}
