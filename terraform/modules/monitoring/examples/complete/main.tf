provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = { Project = "sample", Environment = "dev", ManagedBy = "terraform", "slipway:environment" = "dev" }
  }
}

module "monitoring" {
  source = "../.."

  name          = "sample-dev"
  discord       = { webhook_parameter = "/sample/dev/discord/alarms" }
  load_balancer = { arn_suffix = "app/sample-dev/0123456789abcdef" }

  services = {
    web = {
      cluster       = "sample-dev"
      service       = "web"
      target_groups = ["targetgroup/sample-dev-web-blue/0123456789abcdef", "targetgroup/sample-dev-web-green/0123456789abcdef"]
    }
    worker = { cluster = "sample-dev", service = "worker" }
  }

  host_groups = { docker-host = { group = "sample-dev-docker-host" } }
  databases   = { database = { identifier = "sample-dev", storage_gib = 20 } }
  caches      = ["sample-dev-001"]
}

output "alarms" {
  description = "What calls somebody"
  value       = module.monitoring.alarm_names
}
