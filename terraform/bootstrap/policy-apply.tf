# What an applying role may do: manage what the modules here consist of, in the environment's regions; create roles only
# under its own prefix and with the boundary; never touch another environment, the state of another root's environment, or
# what this bootstrap made. Accounts are the stronger wall: where environments matter to each other, give each its own.

locals {
  # What the modules manage, by the prefix of the service's actions: services whose things have ids that AWS hands out, or names in many forms.
  managed_services = [
    "acm", "application-autoscaling", "autoscaling", "ec2", "elasticache", "elasticloadbalancing", "kms", "logs", "rds", "wafv2",
  ]

  # Services whose things are known by their names: the environment's alone. The regions are a condition, so that many take no more room.
  named = {
    for name in keys(var.environments) : name => [
      for end in [
        "cloudwatch:*:${local.account}:alarm:${local.prefix[name]}*", "cloudwatch::${local.account}:dashboard/${var.project}-${name}",
        "cloudwatch::${local.account}:dashboard/${local.prefix[name]}*", "ecs:*:${local.account}:cluster/${var.project}-${name}",
        "ecs:*:${local.account}:service/${var.project}-${name}/*", "ecs:*:${local.account}:task-definition/${local.prefix[name]}*",
        "lambda:*:${local.account}:function:${local.prefix[name]}*", "sns:*:${local.account}:${local.prefix[name]}*", "sqs:*:${local.account}:${local.prefix[name]}*",
      ] : "arn:${local.partition}:${end}"
    ]
  }

  never = [
    "acm:ExportCertificate",
    "ec2:*ClientVpn*", "ec2:*KeyPair", "ec2:*TransitGateway*", "ec2:*VpcPeeringConnection", "ec2:*VpnConnection*", "ec2:*VpnGateway", "ec2:CreateInstanceExportTask",
    "ec2:CreateStoreImageTask", "ec2:ExportImage", "ec2:GetConsole*", "ec2:GetPasswordData", "ec2:ModifyImageAttribute", "ec2:ModifySnapshotAttribute", "ec2:Purchase*",
    "ecs:ExecuteCommand", "ecs:RunTask", "ecs:StartTask",
    "elasticache:Connect", "elasticache:CopySnapshot", "elasticache:Purchase*",
    "lambda:CreateFunctionUrlConfig", "lambda:Invoke*",
    "logs:CreateExportTask", "logs:FilterLogEvents", "logs:Get*Events", "logs:GetLogRecord", "logs:GetQueryResults", "logs:PutSubscriptionFilter", "logs:Start*", "logs:Unmask",
    "rds:Download*", "rds:ModifyDB*SnapshotAttribute", "rds:Purchase*", "rds:StartExportTask",
    "sns:Publish",
    "sqs:PurgeQueue", "sqs:ReceiveMessage", "sqs:SendMessage",
  ]

  service_linked = [
    "autoscaling.amazonaws.com", "ecs.amazonaws.com", "ecs.application-autoscaling.amazonaws.com", "elasticache.amazonaws.com", "elasticloadbalancing.amazonaws.com",
    "rds.amazonaws.com", "wafv2.amazonaws.com",
  ]

  passed_to = [
    "ec2.amazonaws.com", "ecs-tasks.amazonaws.com", "ecs.amazonaws.com", "lambda.amazonaws.com", "monitoring.rds.amazonaws.com", "vpc-flow-logs.amazonaws.com",
  ]

  apply = {
    for name, environment in var.environments : name => {
      infrastructure = [
        {
          Sid       = "Infrastructure"
          Effect    = "Allow"
          Action    = [for service in local.managed_services : "${service}:*"]
          Resource  = ["*"]
          Condition = { StringEquals = { "aws:RequestedRegion" = environment.regions } }
        },
        {
          Sid       = "ByName"
          Effect    = "Allow"
          Action    = ["cloudwatch:*", "ecs:*", "lambda:*", "sns:*", "sqs:*"]
          Resource  = local.named[name]
          Condition = { StringEquals = { "aws:RequestedRegion" = environment.regions } }
        },
        {
          # Of the same services, what lists and what knows no name.
          Sid    = "WithoutName"
          Effect = "Allow"
          Action = [
            "cloudwatch:Describe*", "cloudwatch:List*", "ecs:CreateCluster", "ecs:DeregisterTaskDefinition", "ecs:Describe*", "ecs:List*", "ecs:RegisterTaskDefinition",
            "lambda:List*", "sns:GetSubscriptionAttributes", "sns:List*", "sns:SetSubscriptionAttributes", "sns:Unsubscribe", "sqs:ListQueues",
          ]
          Resource  = ["*"]
          Condition = { StringEquals = { "aws:RequestedRegion" = environment.regions } }
        },
        {
          Sid      = "Names"
          Effect   = "Allow"
          Action   = ["route53:GetChange", "route53:GetHostedZone", "route53:List*"]
          Resource = ["*"]
        },
        {
          Sid      = "OwnZones"
          Effect   = "Allow"
          Action   = ["route53:ChangeResourceRecordSets"]
          Resource = [for zone in environment.zones : "arn:${local.partition}:route53:::hostedzone/${zone}"]
        },
        {
          Sid      = "OwnBudgets"
          Effect   = "Allow"
          Action   = ["budgets:*"]
          Resource = [for budget in ["${var.project}-${name}", "${local.prefix[name]}*"] : "arn:${local.partition}:budgets::${local.account}:budget/${budget}"]
        },
        {
          Sid      = "OwnBuckets"
          Effect   = "Allow"
          Action   = ["s3:*"]
          Resource = ["arn:${local.partition}:s3:::${local.prefix[name]}*"]
        },
        {
          # Names only: values of secrets are written by whoever knows them, and RDS makes its own.
          Sid    = "OwnSecrets"
          Effect = "Allow"
          Action = [
            "secretsmanager:CancelRotateSecret", "secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy",
            "secretsmanager:PutResourcePolicy", "secretsmanager:RestoreSecret", "secretsmanager:RotateSecret", "secretsmanager:TagResource",
            "secretsmanager:UntagResource", "secretsmanager:UpdateSecret",
          ]
          Resource  = [for secret in ["${local.prefix[name]}*", "rds!*"] : "arn:${local.partition}:secretsmanager:*:${local.account}:secret:${secret}"]
          Condition = { StringEquals = { "aws:RequestedRegion" = environment.regions } }
        },
        {
          Sid    = "OwnParameters"
          Effect = "Allow"
          Action = [
            "ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:GetParameter", "ssm:GetParameters", "ssm:ListTagsForResource", "ssm:PutParameter", "ssm:RemoveTagsFromResource",
          ]
          Resource  = [for path in ["slipway/${name}", "${var.project}/${name}"] : "arn:${local.partition}:ssm:*:${local.account}:parameter/${path}/*"]
          Condition = { StringEquals = { "aws:RequestedRegion" = environment.regions } }
        },
        {
          # Its value is bootstrap's.
          Sid      = "NeverChangeTheKeyOfPlans"
          Effect   = "Deny"
          Action   = ["ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:DeleteParameters", "ssm:PutParameter", "ssm:RemoveTagsFromResource"]
          Resource = local.plan_key[name][0].Resource
        },
        {
          # The machine image of the hosts, and the public ones of AWS.
          Sid      = "ReadImages"
          Effect   = "Allow"
          Action   = ["ssm:GetParameter", "ssm:GetParameters"]
          Resource = concat(local.here[name].images, [for region in environment.regions : "arn:${local.partition}:ssm:${region}::parameter/aws/service/*"])
        },
        {
          Sid       = "Listing"
          Effect    = "Allow"
          Action    = ["ecr:Describe*", "ecr:GetLifecyclePolicy", "ecr:GetRepositoryPolicy", "ecr:ListTagsForResource", "secretsmanager:ListSecrets", "ssm:DescribeParameters", "tag:GetResources"]
          Resource  = ["*"]
          Condition = { StringEquals = { "aws:RequestedRegion" = environment.regions } }
        },
        {
          # Another environment of this account, wherever the resource says whose it is.
          Sid    = "NeverAnotherEnvironment"
          Effect = "Deny"
          Action = [
            "autoscaling:*", "cloudwatch:*", "ec2:*", "ecs:*", "elasticache:*", "elasticloadbalancing:*", "kms:*", "lambda:*", "logs:*", "rds:*", "secretsmanager:*", "sns:*",
            "sqs:*", "ssm:*", "wafv2:*",
          ]
          Resource = ["*"]
          Condition = {
            StringNotEquals = { "aws:ResourceTag/slipway:environment" = name }
            Null            = { "aws:ResourceTag/slipway:environment" = "false" }
          }
        },
      ]

      # Terraform sets things up. It reads nothing of what is in them, starts nothing in them, shares nothing with other accounts and networks, and buys
      # nothing for years.
      never = [
        {
          Sid      = "NeverWhatIsInside"
          Effect   = "Deny"
          Action   = local.never
          Resource = ["*"]
        },
        {
          # Services use keys for what they make, in this role's name; the role itself has nothing to decrypt.
          Sid       = "NeverAKeyByHand"
          Effect    = "Deny"
          Action    = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:Sign"]
          Resource  = ["*"]
          Condition = { Null = { "kms:ViaService" = "true" } }
        },
        {
          Sid       = "GrantsForServicesOnly"
          Effect    = "Deny"
          Action    = ["kms:CreateGrant"]
          Resource  = ["*"]
          Condition = { BoolIfExists = { "kms:GrantIsForAWSResource" = "false" } }
        },
      ]

      roles = [
        {
          Sid       = "CreateBoundedRoles"
          Effect    = "Allow"
          Action    = ["iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
          Resource  = [local.here[name].roles]
          Condition = { StringEquals = { "iam:PermissionsBoundary" = local.boundary_arn } }
        },
        {
          Sid    = "KeepOwnRoles"
          Effect = "Allow"
          Action = [
            "iam:DeleteRole", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListRolePolicies", "iam:ListRoleTags",
            "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription",
          ]
          Resource = [local.here[name].roles]
        },
        {
          Sid    = "OwnInstanceProfiles"
          Effect = "Allow"
          Action = [
            "iam:AddRoleToInstanceProfile", "iam:CreateInstanceProfile", "iam:DeleteInstanceProfile", "iam:GetInstanceProfile", "iam:ListInstanceProfileTags",
            "iam:RemoveRoleFromInstanceProfile", "iam:TagInstanceProfile", "iam:UntagInstanceProfile",
          ]
          Resource = ["${local.iam}:instance-profile/${local.prefix[name]}*"]
        },
        {
          Sid       = "PassOwnRoles"
          Effect    = "Allow"
          Action    = ["iam:PassRole"]
          Resource  = [local.here[name].roles]
          Condition = { StringEquals = { "iam:PassedToService" = local.passed_to } }
        },
        {
          Sid       = "RolesOfServices"
          Effect    = "Allow"
          Action    = ["iam:CreateServiceLinkedRole"]
          Resource  = ["${local.iam}:role/aws-service-role/*"]
          Condition = { StringEquals = { "iam:AWSServiceName" = local.service_linked } }
        },
        {
          Sid      = "ReadPolicies"
          Effect   = "Allow"
          Action   = ["iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListPolicyVersions"]
          Resource = ["arn:${local.partition}:iam::aws:policy/*", local.boundary_arn]
        },
        {
          Sid      = "NeverWithoutBoundary"
          Effect   = "Deny"
          Action   = ["iam:DeleteRolePermissionsBoundary"]
          Resource = ["*"]
        },
        {
          Sid       = "NeverThePipeline"
          Effect    = "Deny"
          NotAction = ["iam:Get*", "iam:List*"]
          Resource  = ["${local.iam}:role/slipway-*", "${local.iam}:policy/slipway-*", "${local.iam}:oidc-provider/*"]
        },
      ]

      state = concat(
        [
          {
            Sid      = "ListStates"
            Effect   = "Allow"
            Action   = ["s3:ListBucket"]
            Resource = [local.state_arn]
          },
          {
            Sid      = "OwnStates"
            Effect   = "Allow"
            Action   = ["s3:GetObject", "s3:PutObject"]
            Resource = ["${local.state_arn}/${name}/*"]
          },
          {
            # A lock is a file that is created only where none is, and deleted.
            Sid      = "OwnLocks"
            Effect   = "Allow"
            Action   = ["s3:DeleteObject"]
            Resource = ["${local.state_arn}/${name}/*.tflock"]
          },
          {
            # The state of a root of this environment, in another's folder, is not this role's.
            Sid         = "NeverOtherStates"
            Effect      = "Deny"
            Action      = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
            NotResource = ["${local.state_arn}/${name}/*", "arn:${local.partition}:s3:::${local.prefix[name]}*"]
          },
        ],
        local.state_key,
        [{
          Sid       = "NeverTheStatesKeyItself"
          Effect    = "Deny"
          NotAction = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
          Resource  = [aws_kms_key.state.arn]
        }],
      )
    }
  }

  # Only through S3, and only for this bucket: with a bucket key the encryption context is the bucket's ARN.
  state_key = [{
    Sid      = "KeyOfStates"
    Effect   = "Allow"
    Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource = [aws_kms_key.state.arn]
    Condition = {
      StringEquals = {
        "kms:ViaService"                   = "s3.${local.region}.amazonaws.com"
        "kms:EncryptionContext:aws:s3:arn" = local.state_arn
      }
    }
  }]
}
