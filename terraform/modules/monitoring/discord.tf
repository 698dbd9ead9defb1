# Alarms to Discord. SNS cannot write what a webhook reads, and EventBridge's API destinations would hold the address, which is
# the secret, in Terraform's state. So a small function reads it from Parameter Store when it needs it.

locals {
  tells        = var.discord != null
  function     = "${var.name}-discord"
  function_arn = "arn:${data.aws_partition.current.partition}:lambda:${data.aws_region.current.region}:${local.account}:function:${local.function}"
}

resource "aws_cloudwatch_log_group" "discord" {
  #checkov:skip=CKV_AWS_158:It tells that an alarm was sent, or not; encrypted by CloudWatch
  #checkov:skip=CKV_AWS_338:How long the log is kept is log_retention_days
  count = local.tells ? 1 : 0

  name              = "/aws/lambda/${local.function}"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}

# What could not be told is kept for two weeks.
resource "aws_sqs_queue" "untold" {
  count = local.tells ? 1 : 0

  name                      = "${local.function}-untold"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
  tags                      = var.tags
}

resource "aws_iam_role" "discord" {
  count = local.tells ? 1 : 0

  name                 = local.function
  description          = "Tells Discord of alarms of ${var.name}"
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "discord" {
  count = local.tells ? 1 : 0

  name = "tell"
  role = aws_iam_role.discord[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "Log"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = ["${aws_cloudwatch_log_group.discord[0].arn}:*"]
        },
        {
          Sid      = "Address"
          Effect   = "Allow"
          Action   = ["ssm:GetParameter"]
          Resource = ["arn:${data.aws_partition.current.partition}:ssm:${data.aws_region.current.region}:${local.account}:parameter${var.discord.webhook_parameter}"]
        },
        {
          Sid      = "Untold"
          Effect   = "Allow"
          Action   = ["sqs:SendMessage"]
          Resource = [aws_sqs_queue.untold[0].arn]
        },
      ],
      [for key in [var.discord.kms_key_arn] : {
        Sid      = "KeyOfAddress"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = [key]
      } if key != null],
    )
  })
}

resource "aws_lambda_function" "discord" {
  #checkov:skip=CKV_AWS_115:An account's concurrency is shared by purpose: a flood of alarms is held back by Discord's own limits and retried
  #checkov:skip=CKV_AWS_117:It talks to AWS and Discord alone; in a VPC it would need a NAT gateway for that
  #checkov:skip=CKV_AWS_50:A trace of one request says less than its log
  #checkov:skip=CKV_AWS_272:The zip is committed, and its hash is part of the plan
  #checkov:skip=CKV_AWS_173:The one variable is the name of a parameter
  count = local.tells ? 1 : 0

  function_name    = local.function
  description      = "Tells Discord of alarms of ${var.name}"
  role             = aws_iam_role.discord[0].arn
  runtime          = "nodejs22.x"
  architectures    = ["arm64"]
  handler          = "index.handler"
  filename         = "${path.module}/notifier.zip"
  source_code_hash = filebase64sha256("${path.module}/notifier.zip")
  timeout          = 60
  memory_size      = 256
  tags             = var.tags

  environment {
    variables = {
      WEBHOOK_PARAMETER_NAME = var.discord.webhook_parameter
    }
  }

  dead_letter_config {
    target_arn = aws_sqs_queue.untold[0].arn
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.discord[0].name
  }

  depends_on = [aws_iam_role_policy.discord]
}

resource "aws_lambda_permission" "topic" {
  count = local.tells ? 1 : 0

  statement_id  = "AlarmsTopic"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.discord[0].function_name
  principal     = "sns.amazonaws.com"
  source_arn    = aws_sns_topic.this.arn
}

resource "aws_sns_topic_subscription" "discord" {
  count = local.tells ? 1 : 0

  topic_arn = aws_sns_topic.this.arn
  protocol  = "lambda"
  endpoint  = local.function_arn

  depends_on = [aws_lambda_permission.topic]
}
