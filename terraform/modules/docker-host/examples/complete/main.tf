provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = { Project = "sample", Environment = "dev", ManagedBy = "terraform", "slipway:environment" = "dev" }
  }
}

# One host in a public subnet that runs a bot and answers on 80 and 443.

module "host" {
  source = "../.."

  name            = "sample-dev-docker-host"
  environment     = "dev"
  vpc_id          = "vpc-0123456789abcdef0"
  subnet_ids      = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  image_parameter = "/sample/ami"
  instance_type   = "t3.micro"
  public          = {}
  public_address  = true
  repository_arns = ["arn:aws:ecr:eu-central-1:123456789012:repository/sample-bot"]
  secret_arns     = ["arn:aws:ssm:eu-central-1:123456789012:parameter/sample/dev/bot/discord-token"]

  tags = { Project = "sample", Environment = "dev", ManagedBy = "terraform" }
}

output "host_group" {
  description = "Target of deployments"
  value       = module.host.host_group
}
