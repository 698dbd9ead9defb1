# Plans only: what must never be destroyed could not be taken down after a test either.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000" }
  }

  mock_resource "aws_iam_openid_connect_provider" {
    defaults = { arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
  }
}

variables {
  project    = "sample"
  repository = { owner = "acme", name = "sample" }
  environments = {
    dev  = { regions = ["eu-central-1"] }
    prod = { regions = ["eu-central-1"], capabilities = ["ecs"] }
  }
}

run "a_state_that_is_private_encrypted_and_can_be_gone_back_to" {
  command = plan

  assert {
    condition     = aws_s3_bucket.state.bucket == "sample-terraform-123456789012-eu-central-1"
    error_message = "The bucket is not named by project, account and region."
  }

  assert {
    condition     = aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled"
    error_message = "A broken state cannot be gone back from."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms"
    error_message = "The state is not encrypted with the key."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.state.block_public_acls, aws_s3_bucket_public_access_block.state.block_public_policy,
      aws_s3_bucket_public_access_block.state.ignore_public_acls, aws_s3_bucket_public_access_block.state.restrict_public_buckets,
    ])
    error_message = "The bucket can be made public."
  }

  assert {
    condition     = one([for statement in jsondecode(aws_s3_bucket_policy.state.policy).Statement : statement.Condition if statement.Sid == "OnlyTheKey"]) == { StringEquals = { "s3:x-amz-server-side-encryption" = "AES256" } }
    error_message = "A state can be written with S3's own key, or none can with the bucket's default."
  }

  assert {
    condition     = output.backend["dev"].use_lockfile && output.backend["dev"].encrypt && output.backend["dev"].key == "dev/terraform.tfstate"
    error_message = "The backend's settings do not lock, or lie outside the environment's folder."
  }
}

run "pull_requests_get_the_role_that_reads_and_no_other" {
  command = plan

  assert {
    condition = {
      for name, document in merge(
        { check = aws_iam_role.check.assume_role_policy },
        { for name, role in aws_iam_role.plan : "${name}-plan" => role.assume_role_policy },
        { for name, role in aws_iam_role.apply : "${name}-apply" => role.assume_role_policy },
        { for name, role in aws_iam_role.deploy : name => role.assume_role_policy },
      ) : name => jsondecode(document).Statement[0].Condition.StringLike["token.actions.githubusercontent.com:sub"]
      } == {
      check      = ["repo:acme/sample:pull_request", "repo:acme@*/sample@*:pull_request"]
      dev-plan   = ["repo:acme/sample:environment:dev", "repo:acme@*/sample@*:environment:dev"]
      dev-apply  = ["repo:acme/sample:environment:dev", "repo:acme@*/sample@*:environment:dev"]
      dev        = ["repo:acme/sample:environment:dev", "repo:acme@*/sample@*:environment:dev"]
      prod-plan  = ["repo:acme/sample:environment:prod", "repo:acme@*/sample@*:environment:prod"]
      prod-apply = ["repo:acme/sample:environment:prod", "repo:acme@*/sample@*:environment:prod"]
      prod       = ["repo:acme/sample:environment:prod", "repo:acme@*/sample@*:environment:prod"]
    }
    error_message = "A role trusts another subject than its own, or not both of its forms."
  }

  assert {
    condition     = jsondecode(aws_iam_role.apply["dev"].assume_role_policy).Statement[0].Condition.StringLike["token.actions.githubusercontent.com:job_workflow_ref"] == ["slipway/slipway/.github/workflows/infra.yml@refs/tags/v1", "slipway/slipway/.github/workflows/infra.yml@refs/tags/v1.*", "slipway/slipway/.github/workflows/operate.yml@refs/tags/v1", "slipway/slipway/.github/workflows/operate.yml@refs/tags/v1.*"]
    error_message = "The applying role is taken by other workflows than those that apply."
  }
}

run "runs_of_main_take_the_roles_of_an_environment" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role.deploy["dev"].assume_role_policy).Statement[0].Condition.StringLike["token.actions.githubusercontent.com:ref"] == ["refs/heads/main"] && !can(jsondecode(aws_iam_role.check.assume_role_policy).Statement[0].Condition.StringLike["token.actions.githubusercontent.com:ref"])
    error_message = "A run of any branch takes the deploying role, or a pull request's cannot plan."
  }
}

run "no_role_of_an_environment_for_pull_requests" {
  command = plan

  variables {
    environments = { dev = { regions = ["eu-central-1"], refs = ["refs/pull/*"] } }
  }

  expect_failures = [var.environments]
}

run "exact_subjects_where_the_ids_are_known" {
  command = plan

  variables {
    repository = { owner = "acme", name = "sample", owner_id = "1001", id = "2002" }
  }

  assert {
    condition     = jsondecode(aws_iam_role.check.assume_role_policy).Statement[0].Condition.StringLike["token.actions.githubusercontent.com:sub"] == ["repo:acme/sample:pull_request", "repo:acme@1001/sample@2002:pull_request"]
    error_message = "The ids do not make the subject exact."
  }
}

run "rights_follow_capabilities" {
  command = plan

  assert {
    condition     = toset(keys(aws_iam_role_policy.deploy)) == toset(["dev/ecs", "dev/images", "dev/hosts", "prod/ecs", "prod/images"])
    error_message = "prod, which deploys to ECS alone, may send commands to hosts or build machine images."
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.deploy["prod/images"].policy, "ecr:PutImage") && strcontains(aws_iam_role_policy.deploy["dev/images"].policy, "ecr:PutImage")
    error_message = "Who builds and who does not are not told apart."
  }
}

run "only_who_builds_images_has_a_machine" {
  command = plan

  variables {
    environments = {
      dev  = { regions = ["eu-central-1"], capabilities = ["ami"] }
      prod = { regions = ["eu-central-1"], capabilities = ["ecs"] }
    }
  }

  assert {
    condition     = { for name, profile in aws_iam_instance_profile.machine : name => profile.name } == { dev = "sample-dev-ami-build" }
    error_message = "Another environment than dev builds images, or dev has no machine."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.deploy["dev/machine"].policy).Statement : can(statement.Condition) if contains(statement.Action, "ec2:CreateTags")])
    error_message = "Whatever is there can be tagged, and so made an environment's own."
  }
}

# IAM counts all inline policies of a role together: 10,240 characters.
run "policies_fit_into_a_role" {
  command = plan

  variables {
    environments = {
      dev = {
        regions      = ["eu-central-1"]
        capabilities = ["ecs", "tasks", "create-service", "register", "retention", "codedeploy", "ssm", "ami", "build", "promote", "scan", "prune"]
        parameters   = ["/sample/dev/*"]
      }
    }
  }

  assert {
    condition     = sum([for policy in aws_iam_role_policy.deploy : length(policy.policy)]) < 10240
    error_message = "The deploying role's policies are ${sum([for policy in aws_iam_role_policy.deploy : length(policy.policy)])} characters."
  }

  assert {
    condition     = sum([for policy in aws_iam_role_policy.apply : length(policy.policy)]) < 10240
    error_message = "The applying role's policies are ${sum([for policy in aws_iam_role_policy.apply : length(policy.policy)])} characters."
  }

  assert {
    condition     = length(aws_iam_role_policy.check.policy) < 10240 && length(aws_iam_role_policy.plan["dev"].policy) < 10240
    error_message = "The reading roles' policies are ${length(aws_iam_role_policy.check.policy)} characters."
  }
}

run "more_than_a_role_can_hold" {
  command = plan

  variables {
    environments = {
      dev = {
        regions      = ["eu-central-1", "eu-west-1", "us-east-1", "us-west-2"]
        capabilities = ["ecs", "tasks", "create-service", "register", "retention", "codedeploy", "ssm", "ami", "build", "promote", "scan", "prune"]
      }
    }
  }

  expect_failures = [aws_iam_role.deploy]
}

run "an_environment_whose_names_begin_like_anothers" {
  command = plan

  variables {
    environments = {
      dev   = { regions = ["eu-central-1"] }
      dev-2 = { regions = ["eu-central-1"] }
    }
  }

  expect_failures = [var.environments]
}

run "a_project_that_could_name_the_pipelines_roles" {
  command = plan

  variables {
    project = "slipway"
  }

  expect_failures = [var.project]
}

run "a_wildcard_for_a_repository" {
  command = plan

  variables {
    repository = { owner = "acme", name = "*" }
  }

  expect_failures = [var.repository]
}

run "workflows_of_any_ref" {
  command = plan

  variables {
    workflows = { refs = ["*"] }
  }

  expect_failures = [var.workflows]
}

run "example" {
  command = plan

  module {
    source = "./examples/complete"
  }
}

run "rights_longer_than_iam_takes_are_refused_early" {
  command = plan

  variables {
    environments = { dev = { regions = ["eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1", "eu-south-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"], capabilities = [] } }
  }

  expect_failures = [aws_iam_role.apply]
}

run "three_regions_fit" {
  command = plan

  variables {
    environments = { dev = { regions = ["eu-central-1", "eu-west-1", "us-east-1"] } }
  }

  assert {
    condition     = sum([for policy in aws_iam_role_policy.apply : length(policy.policy)]) < 10240
    error_message = "There is no room for a third region."
  }
}
