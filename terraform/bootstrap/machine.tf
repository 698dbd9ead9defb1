# The machine that an image is built on, where an environment builds images: the SSM agent's own calls, so that Packer reaches it
# through Session Manager and opens no port, and nothing else.

locals {
  builders = { for name, environment in var.environments : name => "${local.prefix[name]}ami-build" if contains(environment.capabilities, "ami") }
}

resource "aws_iam_role" "machine" {
  for_each = local.builders

  name                 = each.value
  description          = "Machines that images of ${each.key} are built on"
  permissions_boundary = aws_iam_policy.boundary.arn
  tags                 = merge(var.tags, { "slipway:environment" = each.key })

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "machine" {
  #checkov:skip=CKV_AWS_290:The agent's own calls know no resource
  #checkov:skip=CKV_AWS_355:The agent's own calls know no resource
  for_each = local.builders

  name = "agent"
  role = aws_iam_role.machine[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "Agent"
      Effect = "Allow"
      Action = [
        "ec2messages:AcknowledgeMessage", "ec2messages:DeleteMessage", "ec2messages:FailMessage", "ec2messages:GetEndpoint", "ec2messages:GetMessages",
        "ec2messages:SendReply", "ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
      ]
      Resource = ["*"]
    }]
  })
}

resource "aws_iam_instance_profile" "machine" {
  for_each = local.builders

  name = each.value
  role = aws_iam_role.machine[each.key].name
  tags = var.tags
}
