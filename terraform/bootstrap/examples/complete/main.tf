# One account with two environments; prod could as well be another account with a bootstrap of its own.

provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = { Project = "sample", Environment = "shared", ManagedBy = "terraform" }
  }
}

module "bootstrap" {
  source = "../.."

  project    = "sample"
  repository = { owner = "acme", name = "sample", owner_id = "1001", id = "2002" }

  environments = {
    dev = {
      regions      = ["eu-central-1"]
      capabilities = ["ecs", "tasks", "ssm", "ami", "build", "scan"]
      parameters   = ["/sample/dev/*"]
      zones        = ["Z0123456789ABCDEFGHIJ"]
    }
    prod = {
      regions      = ["eu-central-1"]
      capabilities = ["ecs", "tasks", "ssm", "promote"]
    }
  }

  repositories = ["sample-web", "sample-bot"]
}

output "roles" {
  description = "What .github/slipway.yml has to name"
  value = {
    role         = module.bootstrap.deploy_roles
    infra-role   = module.bootstrap.apply_roles
    plan-role    = module.bootstrap.plan_roles
    pull_request = module.bootstrap.pull_request_role
  }
}

output "backend" {
  description = "Backend of each environment"
  value       = module.bootstrap.backend
}
