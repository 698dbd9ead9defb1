resource "aws_ecr_repository" "this" {
  name                 = var.name
  image_tag_mutability = length(var.mutable_tags) == 0 ? "IMMUTABLE" : "IMMUTABLE_WITH_EXCLUSION"
  force_delete         = var.force_delete
  tags                 = var.tags

  dynamic "image_tag_mutability_exclusion_filter" {
    for_each = var.mutable_tags

    content {
      filter      = image_tag_mutability_exclusion_filter.value
      filter_type = "WILDCARD"
    }
  }

  image_scanning_configuration {
    scan_on_push = var.scan_on_push
  }

  encryption_configuration {
    encryption_type = var.kms_key_arn == null ? "AES256" : "KMS"
    kms_key         = var.kms_key_arn
  }
}

# An image of a branch often carries other tags too, and may be the one that runs, which ECR does not know. So the first rules
# select what may be deployed, for a hundred years: an image that one rule selects, no later one can expire. Patterns in one
# list would all have to match one image, hence a rule each. The rest is for slipway's prune, which knows what was deployed.
locals {
  rules = concat(
    [for filter in var.keep_tags : { filter = filter, days = 36500, description = "${filter} may be deployed, out of reach of later rules" }],
    [for filter in var.expire_tags : { filter = filter, days = var.expire_days, description = "${filter} expires after ${var.expire_days} days" }],
  )
}

resource "aws_ecr_lifecycle_policy" "this" {
  count = var.expire_days == 0 ? 0 : 1

  repository = aws_ecr_repository.this.name

  policy = jsonencode({
    rules = [
      for index, rule in local.rules : {
        rulePriority = index + 1
        description  = rule.description
        selection = {
          tagStatus      = "tagged"
          tagPatternList = [rule.filter]
          countType      = "sinceImagePushed"
          countUnit      = "days"
          countNumber    = rule.days
        }
        action = { type = "expire" }
      }
    ]
  })
}

resource "aws_ecr_repository_policy" "this" {
  count = length(var.pull_accounts) == 0 ? 0 : 1

  repository = aws_ecr_repository.this.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "PullFromOtherAccounts"
      Effect    = "Allow"
      Principal = { AWS = [for account in sort(var.pull_accounts) : "arn:${data.aws_partition.current.partition}:iam::${account}:root"] }
      Action    = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:DescribeImages", "ecr:DescribeRepositories", "ecr:GetDownloadUrlForLayer"]
    }]
  })
}

data "aws_partition" "current" {}
