# The roles and what they may do. Each environment has two: one that deploys (app, bot, ami) and one that applies Terraform,
# so that a deployment can change no infrastructure and hand itself no rights.

resource "aws_iam_role" "plan" {
  name                 = "slipway-${var.project}-plan"
  description          = "Reads, for the plans of pull requests of ${var.repository.owner}/${var.repository.name}"
  assume_role_policy   = local.trust["plan"]
  max_session_duration = 3600
  tags                 = var.tags
}

resource "aws_iam_role_policy" "plan" {
  name   = "read"
  role   = aws_iam_role.plan.id
  policy = jsonencode({ Version = "2012-10-17", Statement = concat(local.read, local.plan_state) })
}

resource "aws_iam_role" "apply" {
  for_each = var.environments

  name                 = "slipway-${var.project}-${each.key}-apply"
  description          = "Plans and applies the infrastructure of ${each.key}"
  assume_role_policy   = local.trust["${each.key}/apply"]
  max_session_duration = 7200
  tags                 = merge(var.tags, { "slipway:environment" = each.key })
}

resource "aws_iam_role_policy" "apply" {
  for_each = { for pair in flatten([for name, policies in local.apply : [for policy, statements in policies : { key = "${name}/${policy}", name = name, policy = policy, statements = statements }]]) : pair.key => pair }

  name   = each.value.policy
  role   = aws_iam_role.apply[each.value.name].id
  policy = jsonencode({ Version = "2012-10-17", Statement = each.value.statements })
}

resource "aws_iam_role" "deploy" {
  for_each = var.environments

  name               = "slipway-${var.project}-${each.key}"
  description        = "Builds and deploys to ${each.key}"
  assume_role_policy = local.trust["${each.key}/deploy"]

  # Linear and canary rollouts with their bake times outlast an hour; the action renews, other steps cannot.
  max_session_duration = 14400
  tags                 = merge(var.tags, { "slipway:environment" = each.key })
}

resource "aws_iam_role_policy" "deploy" {
  for_each = { for pair in flatten([for name, policies in local.deploy : [for policy, statements in policies : { key = "${name}/${policy}", name = name, policy = policy, statements = statements } if length(statements) > 0]]) : pair.key => pair }

  name   = each.value.policy
  role   = aws_iam_role.deploy[each.value.name].id
  policy = jsonencode({ Version = "2012-10-17", Statement = each.value.statements })
}
