data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  service_name = coalesce(var.service_name, var.name)
  balanced     = var.load_balancer != null
  shifting     = var.deployment.strategy != "ROLLING"
  exposed      = var.container.port != null
  breaker      = contains(["ROLLING", "BLUE_GREEN"], var.deployment.strategy)

  # Not by try(), which knows nothing of an object while one of its parts is not known yet.
  test_listener = var.load_balancer == null ? null : var.load_balancer.test_listener
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:How long logs are kept is log_retention_days; a year of a development environment's logs helps nobody
  name              = "/ecs/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_kms_key_arn
  tags              = var.tags
}

# The service. Terraform owns how it runs; which revision runs, and how many tasks, belong to the pipeline and to autoscaling.
# An apply after a deployment therefore plans nothing. `deployment` in .github/slipway.yml should leave out what is said here.
resource "aws_ecs_service" "this" {
  name            = local.service_name
  cluster         = "arn:${data.aws_partition.current.partition}:ecs:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:cluster/${var.cluster_name}"
  task_definition = aws_ecs_task_definition.bootstrap.arn
  desired_count   = var.autoscaling.min

  propagate_tags                    = "SERVICE"
  enable_ecs_managed_tags           = true
  enable_execute_command            = var.enable_exec
  health_check_grace_period_seconds = local.balanced ? var.health_check.grace : null
  availability_zone_rebalancing     = "ENABLED"
  tags                              = var.tags

  # Without it the provider takes a changed capacity as a reason to destroy the service and to create another, on the bootstrap image. With it
  # a changed service starts its running revision anew.
  force_new_deployment = true

  # The first apply does not wait: the pipeline's first deployment does, and knows why when it fails.
  wait_for_steady_state = false

  deployment_minimum_healthy_percent = var.deployment.minimum_percent
  deployment_maximum_percent         = var.deployment.maximum_percent

  # For rolling and blue/green ("Deployment failure detection", developer guide). With canary and linear, alarms and hooks turn back,
  # and ecs-deploy does where tasks end alike.
  deployment_circuit_breaker {
    enable   = local.breaker
    rollback = local.breaker
  }

  deployment_configuration {
    strategy             = var.deployment.strategy
    bake_time_in_minutes = local.shifting ? tostring(var.deployment.bake) : null

    dynamic "canary_configuration" {
      for_each = var.deployment.strategy == "CANARY" ? [var.deployment] : []

      content {
        canary_percent              = canary_configuration.value.canary_percent
        canary_bake_time_in_minutes = tostring(canary_configuration.value.canary_bake)
      }
    }

    dynamic "linear_configuration" {
      for_each = var.deployment.strategy == "LINEAR" ? [var.deployment] : []

      content {
        step_percent              = linear_configuration.value.step_percent
        step_bake_time_in_minutes = tostring(linear_configuration.value.step_bake)
      }
    }

    dynamic "lifecycle_hook" {
      for_each = var.lifecycle_hooks

      content {
        hook_target_arn  = lifecycle_hook.value.function_arn
        role_arn         = aws_iam_role.hooks[0].arn
        lifecycle_stages = lifecycle_hook.value.stages
      }
    }
  }

  dynamic "alarms" {
    for_each = length(var.rollback_alarms) > 0 ? [var.rollback_alarms] : []

    content {
      alarm_names = alarms.value
      enable      = true
      rollback    = true
    }
  }

  dynamic "capacity_provider_strategy" {
    for_each = [
      for provider in [
        { name = "FARGATE", weight = var.capacity.on_demand_weight, base = var.capacity.on_demand },
        { name = "FARGATE_SPOT", weight = var.capacity.spot_weight, base = 0 },
      ] : provider if provider.weight > 0 || provider.base > 0
    ]

    content {
      capacity_provider = capacity_provider_strategy.value.name
      weight            = capacity_provider_strategy.value.weight
      base              = capacity_provider_strategy.value.base
    }
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.this.id]
    assign_public_ip = var.assign_public_ip
  }

  dynamic "load_balancer" {
    for_each = local.balanced ? [var.load_balancer] : []

    content {
      target_group_arn = aws_lb_target_group.this["blue"].arn
      container_name   = var.container.name
      container_port   = var.container.port

      dynamic "advanced_configuration" {
        for_each = local.shifting ? [load_balancer.value] : []

        content {
          alternate_target_group_arn = aws_lb_target_group.this["green"].arn
          production_listener_rule   = aws_lb_listener_rule.production[0].arn
          test_listener_rule         = one(aws_lb_listener_rule.test[*].arn)
          role_arn                   = aws_iam_role.infrastructure[0].arn
        }
      }
    }
  }

  # Each deployment tags the service with what it is (actions/ecs-deploy/release.ts), and finds itself by that.
  lifecycle {
    ignore_changes = [
      desired_count,
      task_definition,
      tags["slipway:component"], tags["slipway:environment"], tags["slipway:release"], tags["slipway:revision"],
      tags_all["slipway:component"], tags_all["slipway:environment"], tags_all["slipway:release"], tags_all["slipway:revision"],
    ]
  }

  # A target group that no listener knows is refused; a service that is deleted after its roles' policies stays draining; and a task that
  # starts before its way out is open has no image.
  depends_on = [
    aws_vpc_security_group_egress_rule.https, aws_vpc_security_group_egress_rule.connection, aws_vpc_security_group_egress_rule.load_balancer,
    aws_vpc_security_group_ingress_rule.load_balancer,
    aws_lb_listener_rule.production, aws_iam_role_policy.execution, aws_iam_role_policy.task, aws_iam_role_policy.hooks,
    aws_iam_role_policy_attachment.infrastructure,
  ]
}
