mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_ssm_parameter" {
    defaults = { insecure_value = "ami-0123456789abcdef0" }
  }

  mock_resource "aws_acm_certificate" {
    defaults = {
      arn                       = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
      domain_validation_options = [{ domain_name = "staging.sample.test", resource_record_name = "_proof.staging.sample.test.", resource_record_type = "CNAME", resource_record_value = "_value.acm-validations.aws." }]
    }
  }

  mock_resource "aws_acm_certificate_validation" {
    defaults = { certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/1" }
  }

  mock_resource "aws_db_instance" {
    defaults = { master_user_secret = [{ kms_key_id = "", secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-0", secret_status = "active" }] }
  }
}

variables {
  project              = "sample"
  domain               = "staging.sample.test"
  zone_id              = "Z0123456789ABCDEFGHIJ"
  permissions_boundary = "arn:aws:iam::123456789012:policy/slipway-sample-boundary"
}

run "what_the_pipeline_reads" {
  command = plan

  assert {
    condition     = output.cluster == "sample-staging" && output.web_url == "https://staging.sample.test" && output.host_group == "docker-host" && output.environment == "staging"
    error_message = "The outputs are not those that .github/slipway.yml refers to."
  }

  assert {
    condition     = output.web.service == "web" && output.web.log_group == "/ecs/sample-staging-web"
    error_message = "The service is not called as in .github/slipway.yml."
  }
}

run "the_root_of_another_environment" {
  command = plan

  variables {
    environment = "prod"
  }

  expect_failures = [var.environment]
}

# Nothing of the sample's is anybody else's default.
run "of_another_project" {
  command = plan

  variables {
    project = "acme"
  }

  assert {
    condition     = !strcontains(jsonencode([local.name, local.ecr, local.web_repository, local.bot_repositories, local.bot_secrets, local.image_parameter, local.webhook]), "sample")
    error_message = "A name of the sample's is left in another project's environment."
  }

  assert {
    condition     = local.webhook == "/acme/staging/discord/alarms" && local.image_parameter == "/acme/ami"
    error_message = "Parameters are not called by the project."
  }
}
