# What a deploying role may do, by capability. Each list is the one that the README of the action gives, narrowed to the
# environment's own cluster, hosts, parameters and repositories where AWS knows a resource or a condition for it.

locals {
  deploy = {
    for name, environment in var.environments : name => {
      ecs     = local.deploy_ecs[name]
      images  = local.deploy_images[name]
      hosts   = local.deploy_hosts[name]
      machine = local.deploy_machine[name]
    }
  }

  # The environment's own ARNs, one a region.
  here = {
    for name, environment in var.environments : name => {
      clusters     = [for region in environment.regions : "arn:${local.partition}:ecs:${region}:${local.account}:cluster/${var.project}-${name}"]
      services     = [for region in environment.regions : "arn:${local.partition}:ecs:${region}:${local.account}:service/${var.project}-${name}/*"]
      deployments  = [for region in environment.regions : "arn:${local.partition}:ecs:${region}:${local.account}:service-deployment/${var.project}-${name}/*"]
      definitions  = [for region in environment.regions : "arn:${local.partition}:ecs:${region}:${local.account}:task-definition/*"]
      logs         = flatten([for region in environment.regions : [for end in ["-*", "/*"] : "arn:${local.partition}:logs:${region}:${local.account}:log-group:/ecs/${var.project}-${name}${end}"]])
      repositories = flatten([for region in environment.regions : [for end in ["-*", "/*"] : "arn:${local.partition}:ecr:${region}:${local.account}:repository/${var.project}${end}"]])
      instances    = [for region in environment.regions : "arn:${local.partition}:ec2:${region}:${local.account}:instance/*"]
      documents    = [for region in environment.regions : "arn:${local.partition}:ssm:${region}:${local.account}:document/Slipway-Deploy-*"]
      state        = [for region in environment.regions : "arn:${local.partition}:ssm:${region}:${local.account}:parameter/slipway/${name}/*"]
      parameters   = flatten([for region in environment.regions : [for parameter in environment.parameters : "arn:${local.partition}:ssm:${region}:${local.account}:parameter${parameter}"]])
      images       = [for region in environment.regions : "arn:${local.partition}:ssm:${region}:${local.account}:parameter/${var.project}/ami*"]
      roles        = "${local.iam}:role/${local.prefix[name]}*"
    }
  }

  deploy_ecs = {
    for name, environment in var.environments : name => concat(
      [for statement in [
        {
          Sid    = "Service"
          Effect = "Allow"
          Action = [
            "ecs:DescribeServiceDeployments", "ecs:DescribeServiceRevisions", "ecs:DescribeServices", "ecs:DescribeTasks", "ecs:ListServiceDeployments",
            "ecs:ListTasks", "ecs:UpdateService",
          ]
          Resource  = ["*"]
          Condition = { ArnEquals = { "ecs:cluster" = local.here[name].clusters } }
        },
        {
          # Neither call knows a resource; what a revision can do is bounded by the roles that may be passed to it.
          Sid       = "Revisions"
          Effect    = "Allow"
          Action    = ["ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"]
          Resource  = ["*"]
          Condition = { StringEquals = { "aws:RequestedRegion" = environment.regions } }
        },
        {
          # Tagging knows no cluster: a service is named instead.
          Sid      = "TagReleases"
          Effect   = "Allow"
          Action   = ["ecs:TagResource"]
          Resource = concat(local.here[name].services, local.here[name].definitions)
        },
        {
          Sid      = "GoingBack"
          Effect   = "Allow"
          Action   = ["ecs:ContinueServiceDeployment", "ecs:StopServiceDeployment"]
          Resource = local.here[name].deployments
        },
        {
          Sid      = "Causes"
          Effect   = "Allow"
          Action   = ["logs:GetLogEvents"]
          Resource = local.here[name].logs
        },
        {
          Sid       = "LookBeforeAndAfter"
          Effect    = "Allow"
          Action    = ["cloudwatch:GetMetricData", "elasticloadbalancing:DescribeTargetHealth", "logs:DescribeLogGroups", "secretsmanager:DescribeSecret", "ssm:DescribeParameters"]
          Resource  = ["*"]
          Condition = { StringEquals = { "aws:RequestedRegion" = environment.regions } }
        },
        {
          Sid      = "RolesOfTasks"
          Effect   = "Allow"
          Action   = ["iam:GetRole"]
          Resource = [local.here[name].roles]
        },
        {
          Sid       = "PassToTasks"
          Effect    = "Allow"
          Action    = ["iam:PassRole"]
          Resource  = [local.here[name].roles]
          Condition = { StringEquals = { "iam:PassedToService" = ["ecs-tasks.amazonaws.com", "ecs.amazonaws.com"] } }
        },
      ] : statement if contains(environment.capabilities, "ecs")],
      [for statement in [{
        Sid       = "Tasks"
        Effect    = "Allow"
        Action    = ["ecs:DescribeTasks", "ecs:RunTask", "ecs:StopTask"]
        Resource  = ["*"]
        Condition = { ArnEquals = { "ecs:cluster" = local.here[name].clusters } }
      }] : statement if contains(environment.capabilities, "tasks") || contains(environment.capabilities, "register")],
      [for statement in [{
        Sid       = "CreateService"
        Effect    = "Allow"
        Action    = ["ecs:CreateService"]
        Resource  = ["*"]
        Condition = { ArnEquals = { "ecs:cluster" = local.here[name].clusters } }
      }] : statement if contains(environment.capabilities, "create-service")],
      [for statement in [{
        Sid       = "Unregister"
        Effect    = "Allow"
        Action    = ["ecs:DeregisterTaskDefinition"]
        Resource  = ["*"]
        Condition = { StringEquals = { "aws:RequestedRegion" = environment.regions } }
      }] : statement if contains(environment.capabilities, "register")],
      [for statement in [{
        # Who uses a revision has to be seen in every cluster of the region.
        Sid    = "Retention"
        Effect = "Allow"
        Action = [
          "ecs:DeregisterTaskDefinition", "ecs:DescribeServices", "ecs:DescribeTasks", "ecs:ListClusters", "ecs:ListServices", "ecs:ListTaskDefinitions", "ecs:ListTasks",
        ]
        Resource  = ["*"]
        Condition = { StringEquals = { "aws:RequestedRegion" = environment.regions } }
      }] : statement if contains(environment.capabilities, "retention")],
      [for statement in [
        {
          Sid    = "CodeDeploy"
          Effect = "Allow"
          Action = [
            "codedeploy:CreateDeployment", "codedeploy:GetDeployment", "codedeploy:GetDeploymentConfig", "codedeploy:GetDeploymentGroup",
            "codedeploy:RegisterApplicationRevision",
          ]
          Resource = flatten([for region in environment.regions : [
            "arn:${local.partition}:codedeploy:${region}:${local.account}:application:${local.prefix[name]}*",
            "arn:${local.partition}:codedeploy:${region}:${local.account}:deploymentgroup:${local.prefix[name]}*",
            "arn:${local.partition}:codedeploy:${region}:${local.account}:deploymentconfig:*",
          ]])
        },
        {
          # These know no resource.
          Sid       = "CodeDeployWhileItRuns"
          Effect    = "Allow"
          Action    = ["codedeploy:ContinueDeployment", "codedeploy:GetDeploymentTarget", "codedeploy:ListDeploymentTargets", "codedeploy:StopDeployment"]
          Resource  = ["*"]
          Condition = { StringEquals = { "aws:RequestedRegion" = environment.regions } }
        },
      ] : statement if contains(environment.capabilities, "codedeploy")],
    )
  }

  deploy_images = {
    for name, environment in var.environments : name => concat(
      [
        {
          Sid      = "Login"
          Effect   = "Allow"
          Action   = ["ecr:GetAuthorizationToken"]
          Resource = ["*"]
        },
        {
          # Every deployment resolves digests; preflight reads what an image is made for.
          Sid      = "ReadImages"
          Effect   = "Allow"
          Action   = ["ecr:BatchGetImage", "ecr:DescribeRepositories", "ecr:GetDownloadUrlForLayer"]
          Resource = local.here[name].repositories
        },
      ],
      [for statement in [{
        Sid      = "Push"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"]
        Resource = local.here[name].repositories
      }] : statement if length(setintersection(environment.capabilities, ["build", "promote"])) > 0],
      [for statement in [{
        Sid      = "Scan"
        Effect   = "Allow"
        Action   = ["ecr:DescribeImageScanFindings", "ecr:DescribeImages", "ecr:StartImageScan"]
        Resource = local.here[name].repositories
      }] : statement if contains(environment.capabilities, "scan")],
      [for statement in [
        {
          Sid      = "Prune"
          Effect   = "Allow"
          Action   = ["ecr:BatchDeleteImage", "ecr:DescribeImages"]
          Resource = local.here[name].repositories
        },
        {
          # What is used anywhere in the account stays, so anywhere has to be seen.
          Sid    = "WhatIsUsed"
          Effect = "Allow"
          Action = [
            "ecs:DescribeServices", "ecs:DescribeTaskDefinition", "ecs:DescribeTasks", "ecs:ListClusters", "ecs:ListServices", "ecs:ListTaskDefinitions", "ecs:ListTasks",
          ]
          Resource = ["*"]
        },
      ] : statement if contains(environment.capabilities, "prune")],
    )
  }

  deploy_hosts = {
    for name, environment in var.environments : name => concat(
      [for statement in [
        {
          Sid      = "OneDocument"
          Effect   = "Allow"
          Action   = ["ssm:CreateDocument", "ssm:DescribeDocument", "ssm:SendCommand"]
          Resource = local.here[name].documents
        },
        {
          # A command needs both its document and each of its instances allowed.
          Sid       = "OwnHosts"
          Effect    = "Allow"
          Action    = ["ssm:SendCommand"]
          Resource  = local.here[name].instances
          Condition = { StringEquals = { "ssm:resourceTag/slipway:environment" = name } }
        },
        {
          Sid       = "Watch"
          Effect    = "Allow"
          Action    = ["ssm:CancelCommand", "ssm:DescribeInstanceInformation", "ssm:GetCommandInvocation", "ssm:ListCommandInvocations", "ssm:ListCommands"]
          Resource  = ["*"]
          Condition = { StringEquals = { "aws:RequestedRegion" = environment.regions } }
        },
        {
          Sid      = "DesiredState"
          Effect   = "Allow"
          Action   = ["ssm:AddTagsToResource", "ssm:GetParameter", "ssm:GetParameterHistory", "ssm:PutParameter"]
          Resource = local.here[name].state
        },
        {
          Sid      = "WholeOutput"
          Effect   = "Allow"
          Action   = ["logs:DescribeLogStreams", "logs:GetLogEvents"]
          Resource = [for region in environment.regions : "arn:${local.partition}:logs:${region}:${local.account}:log-group:/slipway/deploy/${name}/*"]
        },
        {
          # A deployment has no business with plans of the infrastructure.
          Sid      = "NeverTheKeyOfPlans"
          Effect   = "Deny"
          Action   = ["ssm:*"]
          Resource = local.plan_key[name][0].Resource
        },
      ] : statement if contains(environment.capabilities, "ssm")],
      [for statement in [{
        Sid      = "ParametersOfTheConfigFile"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter"]
        Resource = local.here[name].parameters
      }] : statement if length(environment.parameters) > 0],
    )
  }

  # Packer's amazon-ebs builder, as its documentation lists it ("IAM Task or Instance Role"). What stops, ends or deletes
  # wants the tag that the template's run_tags give to everything of a build.
  deploy_machine = {
    for name, environment in var.environments : name => [for statement in [
      {
        Sid    = "BuildMachine"
        Effect = "Allow"
        Action = [
          "ec2:CopyImage", "ec2:CreateImage", "ec2:CreateKeyPair", "ec2:CreateSecurityGroup", "ec2:CreateSnapshot", "ec2:DescribeImageAttribute",
          "ec2:DescribeImageReferences", "ec2:DescribeImages", "ec2:DescribeInstanceStatus", "ec2:DescribeInstances", "ec2:DescribeRegions", "ec2:DescribeSecurityGroups", "ec2:DescribeSnapshots", "ec2:DescribeSubnets",
          "ec2:DescribeTags", "ec2:DescribeVolumes", "ec2:DescribeVpcs", "ec2:RunInstances",
        ]
        Resource  = ["*"]
        Condition = { StringEquals = { "aws:RequestedRegion" = environment.regions } }
      },
      {
        # Only while something is made: who could tag what is there could make another environment's hosts their own.
        Sid      = "TagWhatIsMade"
        Effect   = "Allow"
        Action   = ["ec2:CreateTags"]
        Resource = ["*"]
        Condition = {
          StringEquals = {
            "ec2:CreateAction"    = ["CopyImage", "CreateImage", "CreateKeyPair", "CreateSecurityGroup", "CreateSnapshot", "RunInstances"]
            "aws:RequestedRegion" = environment.regions
          }
        }
      },
      {
        # A copy, which an encrypted image is, gets its tags afterwards.
        Sid       = "TagImages"
        Effect    = "Allow"
        Action    = ["ec2:CreateTags"]
        Resource  = [for kind in ["image", "snapshot"] : "arn:${local.partition}:ec2:*::${kind}/*"]
        Condition = { Null = { "aws:ResourceTag/slipway:environment" = "true" } }
      },
      {
        Sid    = "EndOwnBuild"
        Effect = "Allow"
        Action = [
          "ec2:AuthorizeSecurityGroupIngress", "ec2:DeleteKeyPair", "ec2:DeleteSecurityGroup", "ec2:DeleteSnapshot", "ec2:DeregisterImage", "ec2:ModifyImageAttribute",
          "ec2:ModifyInstanceAttribute", "ec2:ModifySnapshotAttribute", "ec2:StopInstances", "ec2:TerminateInstances",
        ]
        Resource  = ["*"]
        Condition = { StringEquals = { "aws:ResourceTag/slipway" = ["ami", "ami-build"] } }
      },
      {
        # Session Manager instead of an open port.
        Sid       = "ReachBuildMachine"
        Effect    = "Allow"
        Action    = ["ssm:StartSession"]
        Resource  = local.here[name].instances
        Condition = { StringEquals = { "ssm:resourceTag/slipway" = "ami-build" } }
      },
      {
        Sid    = "ReachByPortForwarding"
        Effect = "Allow"
        Action = ["ssm:StartSession"]
        Resource = [
          for region in environment.regions : "arn:${local.partition}:ssm:${region}::document/AWS-StartPortForwardingSession"
        ]
      },
      {
        Sid      = "EndOwnSession"
        Effect   = "Allow"
        Action   = ["ssm:ResumeSession", "ssm:TerminateSession"]
        Resource = ["arn:${local.partition}:ssm:*:${local.account}:session/$${aws:userid}-*"]
      },
      {
        Sid      = "ProfileOfTheBuildMachine"
        Effect   = "Allow"
        Action   = ["iam:GetInstanceProfile"]
        Resource = ["${local.iam}:instance-profile/${local.prefix[name]}ami-build"]
      },
      {
        Sid       = "PassToBuildMachine"
        Effect    = "Allow"
        Action    = ["iam:PassRole"]
        Resource  = ["${local.iam}:role/${local.prefix[name]}ami-build"]
        Condition = { StringEquals = { "iam:PassedToService" = "ec2.amazonaws.com" } }
      },
      {
        Sid      = "NewestImage"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter", "ssm:PutParameter"]
        Resource = local.here[name].images
      },
    ] : statement if contains(environment.capabilities, "ami")]
  }
}
