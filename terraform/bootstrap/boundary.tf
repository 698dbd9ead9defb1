# The most that a role can do which an apply creates, whatever policies it is given. Without it, whoever may apply could make
# themselves an administrator: create a role with every right, and hand it to a task.

resource "aws_iam_policy" "boundary" {
  name        = local.boundary_name
  description = "The most that roles of ${var.project}'s workloads can do"
  tags        = var.tags

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Workloads"
        Effect   = "Allow"
        Action   = [for service in sort(var.workload_services) : "${service}:*"]
        Resource = "*"
      },
      {
        Sid      = "NeverTheState"
        Effect   = "Deny"
        Action   = "s3:*"
        Resource = [local.state_arn, "${local.state_arn}/*"]
      },
      {
        Sid      = "NeverItsKey"
        Effect   = "Deny"
        Action   = "kms:*"
        Resource = aws_kms_key.state.arn
      },
      {
        Sid      = "NeverAKeyOfPlans"
        Effect   = "Deny"
        Action   = "ssm:*"
        Resource = "arn:${local.partition}:ssm:*:${local.account}:parameter/slipway/*/plan-key"
      },
    ]
  })
}
