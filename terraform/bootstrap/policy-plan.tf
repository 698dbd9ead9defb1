# What a plan may do: read, and no secret. The code that a pull request's run plans is the pull request's, and it can call AWS
# with its role (a data source, an external program): so whatever that role can read, the author of a pull request can.

locals {
  read = [
    {
      Sid    = "Read"
      Effect = "Allow"
      Action = [
        "acm:DescribeCertificate", "acm:ListCertificates", "acm:ListTagsForCertificate",
        "application-autoscaling:Describe*", "application-autoscaling:ListTagsForResource",
        "autoscaling:Describe*",
        "budgets:ListTagsForResource", "budgets:ViewBudget",
        "cloudwatch:Describe*", "cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource",
        "ec2:Describe*", "ec2:GetSecurityGroupsForVpc",
        "ecr:DescribeRepositories", "ecr:GetLifecyclePolicy", "ecr:GetRepositoryPolicy", "ecr:ListTagsForResource",
        "ecs:Describe*", "ecs:List*",
        "elasticache:Describe*", "elasticache:ListTagsForResource",
        "elasticloadbalancing:Describe*",
        "events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule",
        "iam:GetInstanceProfile", "iam:GetOpenIDConnectProvider", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies",
        "iam:ListInstanceProfileTags", "iam:ListInstanceProfilesForRole", "iam:ListPolicyVersions", "iam:ListRolePolicies", "iam:ListRoleTags",
        "kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListAliases", "kms:ListResourceTags",
        "lambda:GetFunctionConfiguration", "lambda:GetFunctionCodeSigningConfig", "lambda:GetPolicy", "lambda:ListTags", "lambda:ListVersionsByFunction",
        "logs:Describe*", "logs:ListTagsForResource",
        "rds:Describe*", "rds:ListTagsForResource",
        "route53:GetHostedZone", "route53:ListHostedZones", "route53:ListResourceRecordSets", "route53:ListTagsForResource",
        "secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy",
        "sns:GetSubscriptionAttributes", "sns:GetTopicAttributes", "sns:ListTagsForResource",
        "sqs:GetQueueAttributes", "sqs:ListQueueTags",
        "ssm:DescribeParameters", "ssm:ListTagsForResource",
        "tag:GetResources",
        "wafv2:GetIPSet", "wafv2:GetLoggingConfiguration", "wafv2:GetWebACL", "wafv2:GetWebACLForResource", "wafv2:ListTagsForResource",
      ]
      Resource = ["*"]
    },
    {
      # Settings of buckets; what is in them stays closed.
      Sid    = "ReadSettingsOfBuckets"
      Effect = "Allow"
      Action = [
        "s3:GetAccelerateConfiguration", "s3:GetBucket*", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:GetReplicationConfiguration", "s3:ListBucket",
        "s3:ListTagsForResource",
      ]
      Resource = ["arn:${local.partition}:s3:::${var.project}-*"]
    },
    {
      # A read of a function fetches a link to its code as well: only the project's own.
      Sid      = "ReadFunctions"
      Effect   = "Allow"
      Action   = ["lambda:GetFunction"]
      Resource = ["arn:${local.partition}:lambda:*:${local.account}:function:${var.project}-*"]
    },
    {
      Sid    = "ReadImages"
      Effect = "Allow"
      Action = ["ssm:GetParameter", "ssm:GetParameters"]
      Resource = [
        "arn:${local.partition}:ssm:*:${local.account}:parameter/${var.project}/ami*",
        "arn:${local.partition}:ssm:*::parameter/aws/service/*",
      ]
    },
    {
      Sid    = "NeverASecret"
      Effect = "Deny"
      Action = [
        "ec2:GetPasswordData", "ecr:GetAuthorizationToken", "secretsmanager:GetSecretValue", "ssm:GetParameterHistory", "ssm:GetParametersByPath",
        "sts:AssumeRole",
      ]
      Resource = ["*"]
    },
  ]

  # States are read without a lock: a lock would be a way to stop deployments from a pull request.
  list_states = {
    Sid      = "ListStates"
    Effect   = "Allow"
    Action   = ["s3:ListBucket"]
    Resource = [local.state_arn]
  }

  read_key_of_states = [for statement in local.state_key : merge(statement, { Action = ["kms:Decrypt"] })]

  read_states = concat(
    [local.list_states, {
      Sid      = "ReadStates"
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = [for name in keys(var.environments) : "${local.state_arn}/${name}/*"]
    }],
    local.read_key_of_states,
  )

  read_own_states = {
    for name in keys(var.environments) : name => concat(
      [local.list_states, {
        Sid      = "ReadOwnStates"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["${local.state_arn}/${name}/*"]
      }],
      local.read_key_of_states,
    )
  }

  # Plans that wait for approval are encrypted with it; the run that plans writes them, the one that applies reads them.
  plan_key = {
    for name, environment in var.environments : name => [{
      Sid      = "KeyOfPlans"
      Effect   = "Allow"
      Action   = ["ssm:GetParameter"]
      Resource = [for region in environment.regions : "arn:${local.partition}:ssm:${region}:${local.account}:parameter/slipway/${name}/plan-key"]
    }]
  }
}
