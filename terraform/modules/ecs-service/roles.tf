# Two roles, apart: what ECS needs to start a task (images, secrets, logs), and what the application itself may do.

locals {
  tasks_trust = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      # Only for tasks of this account: a service that acts for somebody else cannot be made to use the role.
      Condition = {
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:ecs:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:*" }
      }
    }]
  })

  secrets    = [for arn in var.secret_arns : arn if can(regex(":secretsmanager:", arn))]
  parameters = [for arn in var.secret_arns : arn if can(regex(":ssm:", arn))]

  execution_statements = concat(
    [{
      Sid      = "Logs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = ["${aws_cloudwatch_log_group.this.arn}:*"]
    }],
    [for arns in [var.repository_arns] : {
      Sid      = "Login"
      Effect   = "Allow"
      Action   = ["ecr:GetAuthorizationToken"]
      Resource = ["*"]
    } if length(arns) > 0],
    [for arns in [var.repository_arns] : {
      Sid      = "Pull"
      Effect   = "Allow"
      Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource = arns
    } if length(arns) > 0],
    [for arns in [local.secrets] : {
      Sid      = "Secrets"
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = arns
    } if length(arns) > 0],
    [for arns in [local.parameters] : {
      Sid      = "Parameters"
      Effect   = "Allow"
      Action   = ["ssm:GetParameters"]
      Resource = arns
    } if length(arns) > 0],
    [for arns in [var.kms_key_arns] : {
      Sid      = "Keys"
      Effect   = "Allow"
      Action   = ["kms:Decrypt"]
      Resource = arns
    } if length(arns) > 0],
  )

  task_statements = concat(
    var.task_policy,
    [for enabled in [var.enable_exec] : {
      Sid      = "Exec"
      Effect   = "Allow"
      Action   = ["ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"]
      Resource = ["*"]
    } if enabled],
    # The agent in the task writes the record of a session itself, to the group of the module ecs-cluster.
    [for enabled in [var.enable_exec] : {
      Sid      = "ExecRecord"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
      Resource = ["arn:${data.aws_partition.current.partition}:logs:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:log-group:/ecs/${var.cluster_name}/exec:*"]
    } if enabled],
    [for key in [var.exec_kms_key] : {
      Sid      = "ExecKey"
      Effect   = "Allow"
      Action   = ["kms:Decrypt"]
      Resource = [key.arn]
    } if var.enable_exec && key != null],
    [for enabled in [var.enable_exec] : {
      Sid      = "ExecFindRecord"
      Effect   = "Allow"
      Action   = ["logs:DescribeLogGroups"]
      Resource = ["*"]
    } if enabled],
  )
}

resource "aws_iam_role" "execution" {
  name                 = "${var.name}-execution"
  description          = "Starts the tasks of ${var.name}"
  assume_role_policy   = local.tasks_trust
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags
}

resource "aws_iam_role_policy" "execution" {
  name   = "start"
  role   = aws_iam_role.execution.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.execution_statements })
}

resource "aws_iam_role" "task" {
  name                 = "${var.name}-task"
  description          = "The application of ${var.name}"
  assume_role_policy   = local.tasks_trust
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags
}

resource "aws_iam_role_policy" "task" {
  count = length(local.task_statements) > 0 ? 1 : 0

  name   = "application"
  role   = aws_iam_role.task.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.task_statements })
}

locals {
  # As the developer guide gives it, without a condition: ECS is not said to name the account when it takes this role, and a role that it cannot
  # take stops every deployment. Who may hand it to ECS, iam:PassRole says.
  ecs_trust = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

# With this one ECS moves the weights of the listener's rules.
resource "aws_iam_role" "infrastructure" {
  count = local.balanced && local.shifting ? 1 : 0

  name                 = "${var.name}-infrastructure"
  description          = "Shifts the traffic of ${var.name}"
  assume_role_policy   = local.ecs_trust
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags
}

# AWS's own list, which follows what ECS calls.
resource "aws_iam_role_policy_attachment" "infrastructure" {
  count = length(aws_iam_role.infrastructure)

  role       = aws_iam_role.infrastructure[0].name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers"
}

resource "aws_iam_role" "hooks" {
  count = length(var.lifecycle_hooks) > 0 ? 1 : 0

  name                 = "${var.name}-hooks"
  description          = "Asks the functions of ${var.name}'s deployments"
  assume_role_policy   = local.ecs_trust
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags
}

resource "aws_iam_role_policy" "hooks" {
  count = length(aws_iam_role.hooks)

  name = "ask"
  role = aws_iam_role.hooks[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Invoke"
      Effect   = "Allow"
      Action   = ["lambda:InvokeFunction"]
      Resource = distinct(flatten([for hook in var.lifecycle_hooks : [hook.function_arn, "${hook.function_arn}:*"]]))
    }]
  })
}
