# What an account needs once, before the first run: a place for states, GitHub as an identity provider, and the roles of the
# pipeline. A person with administrator's rights applies it; the pipeline never does, and its roles may not change it.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region

  iam          = "arn:${local.partition}:iam::${local.account}"
  state_bucket = coalesce(var.state_bucket, "${var.project}-terraform-${local.account}-${local.region}")
  state_arn    = "arn:${local.partition}:s3:::${local.state_bucket}"

  # What an environment's roles may touch by name. The pipeline's own names begin with slipway-, which no project's do.
  prefix = { for name in keys(var.environments) : name => "${var.project}-${name}-" }

  boundary_name = "slipway-${var.project}-boundary"
  boundary_arn  = "${local.iam}:policy/${local.boundary_name}"
}

# Images first, environments afterwards: the registry is one, and environments are promoted to.
module "ecr" {
  source   = "../modules/ecr"
  for_each = var.repositories

  name          = each.key
  pull_accounts = var.pull_accounts
  tags          = var.tags
}
