provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = { Project = "sample", Environment = "dev", ManagedBy = "terraform", "slipway:environment" = "dev" }
  }
}

module "alb" {
  source = "../.."

  name            = "sample-dev"
  vpc_id          = "vpc-0123456789abcdef0"
  subnet_ids      = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  test_listener   = { cidrs = ["10.0.0.0/16"] }
}

output "load_balancer" {
  description = "What the module ecs-service takes, but for the priority"
  value = {
    listener_arn      = module.alb.listener_arn
    test_listener     = { arn = module.alb.test_listener_arn }
    security_group_id = module.alb.security_group_id
  }
}
