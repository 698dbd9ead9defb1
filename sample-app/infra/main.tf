terraform {
  required_version = ">= 1.4"

  # Where the state lies is said at init time, one place per environment:
  #   terraform init -backend-config=path=/somewhere/dev.tfstate
  backend "local" {}
}

locals {
  cluster = coalesce(var.cluster, "sample-${var.environment}")
}

# What a real root would create, as resources that need no provider: a plan shows the same shape and an apply takes a second.
resource "terraform_data" "cluster" {
  input = {
    name        = local.cluster
    environment = var.environment
  }
}

resource "terraform_data" "hosts" {
  input = {
    group = var.host_group
    ami   = var.ami_id
  }

  # New hosts for a new machine image, as with a launch template.
  triggers_replace = [var.ami_id]
}

resource "terraform_data" "endpoint" {
  input = {
    url = var.web_url
  }

  lifecycle {
    precondition {
      condition     = can(regex("^https?://[^/]+", var.web_url))
      error_message = "web_url must be an http or https URL without a path, and is \"${var.web_url}\"."
    }
  }
}
