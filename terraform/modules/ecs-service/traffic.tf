# Two target groups where traffic is shifted, one otherwise. Their port says nothing: ECS registers each task with its own.

resource "aws_lb_target_group" "this" {
  #checkov:skip=CKV_AWS_378:TLS ends at the load balancer; between it and the task is the VPC, and the task's security group lets nobody else in
  for_each = !local.balanced ? toset([]) : local.shifting ? toset(["blue", "green"]) : toset(["blue"])

  name                 = "${var.name}-${each.key}"
  target_type          = "ip"
  port                 = 80
  protocol             = "HTTP"
  vpc_id               = var.vpc_id
  deregistration_delay = var.health_check.drain
  tags                 = var.tags

  health_check {
    path                = var.health_check.path
    matcher             = var.health_check.matcher
    interval            = var.health_check.interval
    timeout             = var.health_check.timeout
    healthy_threshold   = var.health_check.healthy
    unhealthy_threshold = var.health_check.unhealthy
  }
}

# ECS moves the weights with every deployment that shifts traffic, and rewrites a plain forward into a weighted one with the
# first: what it wrote is left alone. A changed target group still comes through, by replacing the rule.
resource "aws_lb_listener_rule" "production" {
  count = local.balanced ? 1 : 0

  listener_arn = var.load_balancer.listener_arn
  priority     = var.load_balancer.priority
  tags         = var.tags

  action {
    type = "forward"

    forward {
      dynamic "target_group" {
        for_each = aws_lb_target_group.this

        content {
          arn    = target_group.value.arn
          weight = target_group.key == "blue" ? 100 : 0
        }
      }
    }
  }

  condition {
    path_pattern {
      values = var.load_balancer.paths
    }
  }

  dynamic "condition" {
    for_each = length(var.load_balancer.hosts) > 0 ? [var.load_balancer.hosts] : []

    content {
      host_header {
        values = condition.value
      }
    }
  }

  lifecycle {
    ignore_changes       = [action]
    replace_triggered_by = [aws_lb_target_group.this["blue"].arn]
  }
}

# Where the new version is asked before anybody else sees it.
resource "aws_lb_listener_rule" "test" {
  count = local.shifting && local.test_listener != null ? 1 : 0

  listener_arn = local.test_listener.arn
  priority     = var.load_balancer.priority
  tags         = var.tags

  action {
    type = "forward"

    forward {
      dynamic "target_group" {
        for_each = aws_lb_target_group.this

        content {
          arn    = target_group.value.arn
          weight = target_group.key == "blue" ? 100 : 0
        }
      }
    }
  }

  condition {
    path_pattern {
      values = var.load_balancer.paths
    }
  }

  dynamic "condition" {
    for_each = length(var.load_balancer.hosts) > 0 ? [var.load_balancer.hosts] : []

    content {
      host_header {
        values = condition.value
      }
    }
  }

  lifecycle {
    ignore_changes       = [action]
    replace_triggered_by = [aws_lb_target_group.this["blue"].arn]
  }
}
