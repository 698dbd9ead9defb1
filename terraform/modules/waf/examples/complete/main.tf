provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = { Project = "sample", Environment = "dev", ManagedBy = "terraform", "slipway:environment" = "dev" }
  }
}

module "waf" {
  source = "../.."

  name               = "sample-dev"
  load_balancer_arns = { web = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/sample-dev/0123456789abcdef" }
  blocked_cidrs      = ["203.0.113.0/24"]

  managed_rules = [
    { name = "AWSManagedRulesAmazonIpReputationList" },
    { name = "AWSManagedRulesCommonRuleSet", count = ["SizeRestrictions_BODY"] },
  ]
}
