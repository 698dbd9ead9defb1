mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

variables {
  name         = "sample-dev-web"
  service_name = "web"
  cluster_name = "sample-dev"
  vpc_id       = "vpc-0123456789abcdef0"
  subnet_ids   = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  container    = { name = "web", port = 8080 }

  load_balancer = {
    listener_arn      = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/sample/1/1"
    security_group_id = "sg-0123456789abcdef0"
    priority          = 100
  }
}

run "the_first_apply_starts_on_a_bootstrap_image" {
  assert {
    condition     = aws_ecs_task_definition.bootstrap.family == "sample-dev-web-bootstrap"
    error_message = "The bootstrap revision lies in the family of the pipeline's."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.bootstrap.container_definitions)[0].command == ["sh", "-c", "set -eu; file=\"$1$3\"; case \"$3\" in */) file=\"$file\"index.html;; esac; mkdir -p \"$(dirname \"$file\")\"; echo bootstrap > \"$file\"; exec httpd -f -p \"$2\" -h \"$1\"", "bootstrap", "/dev/shm/www", "8080", "/health"]
    error_message = "The bootstrap container does not answer the health path."
  }

  assert {
    condition     = aws_ecs_service.this.desired_count == 1 && aws_ecs_service.this.name == "web"
    error_message = "The service is not created with its least number of tasks and its own name."
  }
}

# A new bootstrap image, and another least number of tasks: the service that runs the pipeline's revision must not move.
run "a_later_apply_changes_neither_revision_nor_count" {
  variables {
    bootstrap   = { image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/sample-web:other" }
    autoscaling = { min = 3 }
  }

  assert {
    condition     = aws_ecs_service.this.task_definition == run.the_first_apply_starts_on_a_bootstrap_image.bootstrap_task_definition
    error_message = "The apply put the service on another revision."
  }

  assert {
    condition     = aws_ecs_service.this.desired_count == 1 && aws_appautoscaling_target.this.min_capacity == 3
    error_message = "The apply set the number of tasks instead of its bounds."
  }
}

run "rolling_by_default_with_the_breaker" {
  command = plan

  assert {
    condition     = aws_ecs_service.this.deployment_configuration[0].strategy == "ROLLING" && aws_ecs_service.this.deployment_circuit_breaker[0].enable && aws_ecs_service.this.deployment_circuit_breaker[0].rollback
    error_message = "The service is not rolling with a circuit breaker that goes back."
  }

  assert {
    condition     = length(aws_lb_target_group.this) == 1 && length(one(aws_ecs_service.this.load_balancer).advanced_configuration) == 0 && length(aws_iam_role.infrastructure) == 0
    error_message = "A rolling service got what only shifting traffic needs."
  }
}

run "follows_load_from_one_to_four" {
  command = plan

  assert {
    condition     = aws_appautoscaling_target.this.min_capacity == 1 && aws_appautoscaling_target.this.max_capacity == 4
    error_message = "The bounds are not 1 and 4."
  }

  assert {
    condition = {
      for key, policy in aws_appautoscaling_policy.this : key => policy.target_tracking_scaling_policy_configuration[0].target_value
    } == { cpu = 70, memory = 80 }
    error_message = "The targets are not 70 % CPU and 80 % memory."
  }

  assert {
    condition     = alltrue([for policy in aws_appautoscaling_policy.this : policy.target_tracking_scaling_policy_configuration[0].scale_out_cooldown == 60 && policy.target_tracking_scaling_policy_configuration[0].scale_in_cooldown == 300])
    error_message = "It does not scale out after 60 s and in after 300 s."
  }
}

run "canary_has_two_target_groups_and_a_role" {
  variables {
    deployment      = { strategy = "CANARY", canary_percent = 5, canary_bake = 10, bake = 15 }
    rollback_alarms = ["errors"]

    load_balancer = {
      listener_arn      = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/sample/1/1"
      test_listener     = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/sample/1/2" }
      security_group_id = "sg-0123456789abcdef0"
      priority          = 100
    }
  }

  assert {
    condition     = !aws_ecs_service.this.deployment_circuit_breaker[0].enable
    error_message = "AWS has the circuit breaker for rolling and blue/green."
  }

  assert {
    condition     = keys(aws_lb_target_group.this) == ["blue", "green"]
    error_message = "There are not two target groups."
  }

  assert {
    condition = (
      aws_ecs_service.this.deployment_configuration[0].canary_configuration[0].canary_percent == 5 &&
      aws_ecs_service.this.deployment_configuration[0].bake_time_in_minutes == "15" &&
      length(one(aws_ecs_service.this.load_balancer).advanced_configuration) == 1 &&
      length(aws_lb_listener_rule.test) == 1
    )
    error_message = "The service does not shift traffic by canary with a test listener."
  }

  assert {
    condition     = one(aws_ecs_service.this.alarms).rollback && one(aws_ecs_service.this.alarms).alarm_names == toset(["errors"])
    error_message = "The alarm does not turn the deployment back."
  }
}

run "a_worker_has_no_way_in" {
  command = plan

  variables {
    container     = { name = "worker" }
    load_balancer = null
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.load_balancer) == 0 && length(aws_ecs_service.this.load_balancer) == 0
    error_message = "A worker can be reached."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.bootstrap.container_definitions)[0].command == ["sleep", "infinity"]
    error_message = "A worker's bootstrap container serves something."
  }
}

run "out_goes_https_and_what_is_named" {
  command = plan

  variables {
    connections = { database = { security_group_id = "sg-1", port = 5432 } }
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.https.from_port == 443 && aws_vpc_security_group_egress_rule.https.to_port == 443
    error_message = "The open way out is not HTTPS alone."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.connection["database"].referenced_security_group_id == "sg-1" && aws_vpc_security_group_egress_rule.connection["database"].to_port == 5432
    error_message = "The database cannot be reached."
  }
}

run "the_execution_role_reads_only_the_secrets_named" {
  variables {
    secret_arns = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:sample-dev-database-AbCdEf", "arn:aws:ssm:eu-central-1:123456789012:parameter/sample/dev/token"]
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Resource if statement.Sid == "Secrets"] == [["arn:aws:secretsmanager:eu-central-1:123456789012:secret:sample-dev-database-AbCdEf"]]
    error_message = "The role reads other secrets than those named."
  }

  assert {
    condition     = length(aws_iam_role_policy.task) == 0
    error_message = "The application got rights that nobody gave it."
  }
}

run "shifting_traffic_without_a_load_balancer" {
  command = plan

  variables {
    load_balancer = null
    deployment    = { strategy = "BLUE_GREEN" }
  }

  expect_failures = [var.deployment]
}

run "sizes_that_fargate_does_not_know" {
  command = plan

  variables {
    container = { name = "web", port = 8080, cpu = 300, memory = 512 }
  }

  expect_failures = [var.container]
}

run "every_action_is_refused" {
  command = plan

  variables {
    task_policy = [{ Effect = "Allow", Action = "*", Resource = "*" }]
  }

  expect_failures = [var.task_policy]
}

run "example" {
  command = plan

  module {
    source = "./examples/complete"
  }
}

run "example_of_blue_green" {
  command = plan

  module {
    source = "./examples/blue-green"
  }
}

run "a_changed_capacity_replaces_no_service" {
  command = plan

  assert {
    condition     = aws_ecs_service.this.force_new_deployment
    error_message = "The provider would destroy the service to change its capacity."
  }
}

run "a_port_of_the_system_for_a_container_of_nobody" {
  variables {
    container = { name = "web", port = 80 }
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.bootstrap.container_definitions)[0].systemControls == [{ namespace = "net.ipv4.ip_unprivileged_port_start", value = "0" }]
    error_message = "The bootstrap container may not listen on port 80."
  }
}

run "a_size_that_fargate_does_not_know_is_refused" {
  command = plan

  variables {
    container = { name = "web", port = 8080, cpu = 512, memory = 1536 }
  }

  expect_failures = [var.container]
}

run "a_session_that_is_encrypted_with_a_key" {
  variables {
    enable_exec  = true
    exec_kms_key = { arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000" }
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.task[0].policy).Statement : statement.Resource if contains(statement.Action, "kms:Decrypt")] == [["arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"]]
    error_message = "The agent in the task cannot open the session."
  }
}
