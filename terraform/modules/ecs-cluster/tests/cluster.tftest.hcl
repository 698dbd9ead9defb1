mock_provider "aws" {}

variables {
  name = "sample-dev"
}

run "on_demand_by_default" {
  command = plan

  assert {
    condition     = [for strategy in aws_ecs_cluster_capacity_providers.this.default_capacity_provider_strategy : strategy.capacity_provider] == ["FARGATE"]
    error_message = "Tasks that say nothing run on Spot."
  }
}

run "spot_by_weight" {
  command = plan

  variables {
    default_spot_weight = 3
  }

  assert {
    condition     = { for strategy in aws_ecs_cluster_capacity_providers.this.default_capacity_provider_strategy : strategy.capacity_provider => strategy.weight } == { FARGATE = 1, FARGATE_SPOT = 3 }
    error_message = "Three of four tasks do not go to Spot."
  }
}

run "a_shell_leaves_a_record" {
  command = plan

  assert {
    condition     = aws_ecs_cluster.this.configuration[0].execute_command_configuration[0].logging == "OVERRIDE" && aws_ecs_cluster.this.configuration[0].execute_command_configuration[0].log_configuration[0].cloud_watch_log_group_name == "/ecs/sample-dev/exec"
    error_message = "Sessions of execute-command are not logged."
  }
}

run "insights_by_another_name" {
  command = plan

  variables {
    container_insights = "on"
  }

  expect_failures = [var.container_insights]
}

run "example" {
  command = plan

  module {
    source = "./examples/complete"
  }
}
