provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = { Project = "sample", Environment = "dev", ManagedBy = "terraform", "slipway:environment" = "dev" }
  }
}

# A web service on Fargate and Fargate Spot, replaced task by task.

module "web" {
  source = "../.."

  name         = "sample-dev-web"
  service_name = "web"
  cluster_name = "sample-dev"
  vpc_id       = "vpc-0123456789abcdef0"
  subnet_ids   = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]

  container       = { name = "web", port = 8080 }
  capacity        = { on_demand_weight = 1, spot_weight = 3 }
  repository_arns = ["arn:aws:ecr:eu-central-1:123456789012:repository/sample-web"]
  secret_arns     = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:sample-dev-database-AbCdEf"]

  load_balancer = {
    listener_arn      = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/sample-dev/0123456789abcdef/0123456789abcdef"
    security_group_id = "sg-0123456789abcdef0"
    priority          = 100
  }

  connections = {
    database = { security_group_id = "sg-0123456789abcdef1", port = 5432 }
  }

  task_policy = [{
    Effect   = "Allow"
    Action   = ["s3:GetObject"]
    Resource = ["arn:aws:s3:::sample-dev-catalogue/*"]
  }]

}

output "task_definition" {
  description = "What the task definition of the pipeline has to name"
  value = {
    execution_role_arn = module.web.execution_role_arn
    task_role_arn      = module.web.task_role_arn
    log_group          = module.web.log_group_name
  }
}
