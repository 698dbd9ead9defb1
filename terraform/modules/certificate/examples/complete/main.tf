provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = { Project = "sample", Environment = "dev", ManagedBy = "terraform", "slipway:environment" = "dev" }
  }
}

module "certificate" {
  source = "../.."

  domain  = "dev.sample.test"
  zone_id = "Z0123456789ABCDEFGHIJ"
}

output "certificate_arn" {
  description = "For a listener"
  value       = module.certificate.arn
}
