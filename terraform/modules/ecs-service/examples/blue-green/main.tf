provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = { Project = "sample", Environment = "dev", ManagedBy = "terraform", "slipway:environment" = "dev" }
  }
}

# A tenth of the traffic goes to the new version first, and an alarm turns it back.

module "web" {
  source = "../.."

  name         = "sample-prod-web"
  service_name = "web"
  cluster_name = "sample-prod"
  vpc_id       = "vpc-0123456789abcdef0"
  subnet_ids   = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1", "subnet-0123456789abcdef2"]

  container   = { name = "web", port = 8080, cpu = 512, memory = 1024 }
  autoscaling = { min = 2 }

  deployment = {
    strategy       = "CANARY"
    canary_percent = 10
    canary_bake    = 10
  }

  rollback_alarms = ["sample-prod-errors"]

  lifecycle_hooks = [{
    function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:sample-prod-smoke"
    stages       = ["POST_TEST_TRAFFIC_SHIFT"]
  }]

  load_balancer = {
    listener_arn      = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/sample-prod/0123456789abcdef/0123456789abcdef"
    test_listener     = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/sample-prod/0123456789abcdef/fedcba9876543210" }
    security_group_id = "sg-0123456789abcdef0"
    priority          = 100
    hosts             = ["www.sample.test"]
  }

}
