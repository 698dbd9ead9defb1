mock_provider "aws" {
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

  mock_data "aws_ami" {
    defaults = { root_device_name = "/dev/sda1" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:/docker/sample-dev-docker-host" }
  }
}

variables {
  name            = "sample-dev-docker-host"
  environment     = "dev"
  vpc_id          = "vpc-0123456789abcdef0"
  subnet_ids      = ["subnet-0123456789abcdef0"]
  image_parameter = "/sample/ami"
  tags            = { Project = "sample" }
}

run "deployments_find_the_hosts_by_their_tags" {
  command = plan

  assert {
    condition = {
      for tag in aws_autoscaling_group.this.tag : tag.key => tag.value if tag.propagate_at_launch
      } == {
      "Name"                = "sample-dev-docker-host"
      "Project"             = "sample"
      "Role"                = "docker-host"
      "slipway:environment" = "dev"
      "slipway:host-group"  = "docker-host"
    }
    error_message = "The hosts do not carry the tags that deployments and the host program look for."
  }

  assert {
    condition     = aws_launch_template.this.metadata_options[0].instance_metadata_tags == "enabled"
    error_message = "The host program cannot read its tags."
  }
}

run "credentials_only_by_session_token_and_not_for_containers" {
  command = plan

  assert {
    condition     = aws_launch_template.this.metadata_options[0].http_tokens == "required" && aws_launch_template.this.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "A container can get the host's credentials."
  }
}

run "nothing_is_open_by_itself" {
  command = plan

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.public) == 0 && length(aws_vpc_security_group_ingress_rule.load_balancer) == 0
    error_message = "A port is open that nobody asked for."
  }
}

run "only_web_ports_open" {
  command = plan

  variables {
    public = {}
  }

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.public : "${rule.from_port}-${rule.to_port} ${rule.cidr_ipv4}"]) == toset(["80-80 0.0.0.0/0", "443-443 0.0.0.0/0"])
    error_message = "Other ports than 80 and 443 are open."
  }
}

run "ssh_is_refused" {
  command = plan

  variables {
    public = { ports = [22] }
  }

  expect_failures = [var.public]
}

run "the_image_of_the_parameter" {
  assert {
    condition     = aws_launch_template.this.image_id == "ami-0123456789abcdef0"
    error_message = "The hosts do not start from the image that the parameter names."
  }

  assert {
    condition     = aws_launch_template.this.block_device_mappings[0].ebs[0].encrypted == "true"
    error_message = "The root volume is not encrypted."
  }

  assert {
    condition     = aws_launch_template.this.block_device_mappings[0].device_name == "/dev/sda1"
    error_message = "The volume is a second one beside the image's root."
  }
}

run "a_new_image_replaces_the_hosts_one_before_the_other" {
  command = plan

  assert {
    condition     = aws_autoscaling_group.this.instance_refresh[0].preferences[0].min_healthy_percentage == 100 && aws_autoscaling_group.this.instance_refresh[0].preferences[0].max_healthy_percentage == 200
    error_message = "The old host goes before the new one is there."
  }
}

run "or_never_two_at_once" {
  command = plan

  variables {
    replace = "stop-first"
  }

  assert {
    condition     = aws_autoscaling_group.this.instance_refresh[0].preferences[0].min_healthy_percentage == 0 && aws_autoscaling_group.this.instance_refresh[0].preferences[0].max_healthy_percentage == 100
    error_message = "There can be two hosts at once."
  }
}

run "reads_its_own_parameters_and_no_others" {
  variables {
    secret_arns = ["arn:aws:ssm:eu-central-1:123456789012:parameter/sample/dev/bot/discord-token"]
  }

  assert {
    condition = flatten([for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : statement.Resource if contains(statement.Action, "ssm:GetParameter")]) == [
      "arn:aws:ssm:eu-central-1:123456789012:parameter/slipway/dev/docker-host",
      "arn:aws:ssm:eu-central-1:123456789012:parameter/slipway/dev/docker-host/*",
      "arn:aws:ssm:eu-central-1:123456789012:parameter/sample/dev/bot/discord-token",
    ]
    error_message = "A host can read other parameters than its own."
  }
}

run "neither_image_nor_parameter" {
  command = plan

  variables {
    image_parameter = null
  }

  expect_failures = [var.image_parameter]
}

run "example" {
  command = plan

  module {
    source = "./examples/complete"
  }
}

run "hosts_reach_what_is_named_and_nothing_else" {
  variables {
    connections = { database = { security_group_id = "sg-0123456789abcdef1", port = 5432 } }
  }

  assert {
    condition     = [for name, rule in aws_vpc_security_group_egress_rule.connection : "${name} ${rule.from_port} ${rule.referenced_security_group_id}"] == ["database 5432 sg-0123456789abcdef1"]
    error_message = "A bot on the hosts does not reach its database."
  }
}

run "a_tag_that_the_metadata_cannot_carry_is_refused" {
  command = plan

  variables {
    tags = { "team/owner" = "platform" }
  }

  expect_failures = [var.tags]
}
