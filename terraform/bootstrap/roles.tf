# The roles and what they may do. Each environment has three: one that deploys (app, bot, ami), one that applies Terraform, and
# one that only plans it; so a deployment can change no infrastructure and hand itself no rights. Pull requests have one
# of their own, for the account, which reads and nothing else.

resource "aws_iam_role" "check" {
  name                 = "slipway-${var.project}-plan"
  description          = "Reads, for the plans of pull requests of ${var.repository.owner}/${var.repository.name}"
  assume_role_policy   = local.trust["check"]
  max_session_duration = 3600
  tags                 = var.tags
}

resource "aws_iam_role_policy" "check" {
  name   = "read"
  role   = aws_iam_role.check.id
  policy = jsonencode({ Version = "2012-10-17", Statement = concat(local.read, local.read_states) })
}

resource "aws_iam_role" "plan" {
  for_each = var.environments

  name                 = "slipway-${var.project}-${each.key}-plan"
  description          = "Plans the infrastructure of ${each.key}, and looks for drift"
  assume_role_policy   = local.trust["${each.key}/plan"]
  max_session_duration = 3600
  tags                 = merge(var.tags, { "slipway:environment" = each.key })
}

resource "aws_iam_role_policy" "plan" {
  for_each = var.environments

  name   = "read"
  role   = aws_iam_role.plan[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = concat(local.read, local.read_own_states[each.key], local.plan_key[each.key]) })
}

resource "aws_iam_role" "apply" {
  for_each = var.environments

  name                 = "slipway-${var.project}-${each.key}-apply"
  description          = "Plans and applies the infrastructure of ${each.key}"
  assume_role_policy   = local.trust["${each.key}/apply"]
  max_session_duration = 7200
  tags                 = merge(var.tags, { "slipway:environment" = each.key })

  lifecycle {
    precondition {
      condition     = sum([for statements in values(local.apply[each.key]) : length(jsonencode({ Version = "2012-10-17", Statement = statements }))]) <= 10240
      error_message = "The rights of ${each.key}'s applying role are longer than the 10,240 characters that IAM takes. Name fewer regions or zones for one environment."
    }
  }
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

  # IAM counts all inline policies of a role together, and says so only when one is put.
  lifecycle {
    precondition {
      condition     = sum([for statements in values(local.deploy[each.key]) : length(jsonencode({ Version = "2012-10-17", Statement = statements }))]) <= 10240
      error_message = "The rights of ${each.key}'s deploying role are longer than the 10,240 characters that IAM takes. Leave out capabilities that the environment does not use, or regions."
    }
  }
}

resource "aws_iam_role_policy" "deploy" {
  for_each = { for pair in flatten([for name, policies in local.deploy : [for policy, statements in policies : { key = "${name}/${policy}", name = name, policy = policy, statements = statements } if length(statements) > 0]]) : pair.key => pair }

  name   = each.value.policy
  role   = aws_iam_role.deploy[each.value.name].id
  policy = jsonencode({ Version = "2012-10-17", Statement = each.value.statements })
}
