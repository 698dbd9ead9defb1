resource "aws_cloudwatch_log_group" "exec" {
  #checkov:skip=CKV_AWS_338:How long sessions are kept is log_retention_days
  name              = "/ecs/${var.name}/exec"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_ecs_cluster" "this" {
  #checkov:skip=CKV_AWS_224:What is typed in a session is logged, and encrypted by CloudWatch; a key of one's own comes by kms_key_arn
  #checkov:skip=CKV_AWS_65:Container Insights are on unless container_insights says disabled, which a small environment may
  name = var.name
  tags = var.tags

  setting {
    name  = "containerInsights"
    value = var.container_insights
  }

  # Whoever opens a shell in a container leaves a record.
  configuration {
    execute_command_configuration {
      logging    = "OVERRIDE"
      kms_key_id = var.kms_key_arn

      log_configuration {
        cloud_watch_log_group_name     = aws_cloudwatch_log_group.exec.name
        cloud_watch_encryption_enabled = var.kms_key_arn != null
      }
    }
  }
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]

  default_capacity_provider_strategy {
    capacity_provider = "FARGATE"
    weight            = 1
    base              = var.default_spot_weight > 0 ? 0 : 1
  }

  dynamic "default_capacity_provider_strategy" {
    for_each = var.default_spot_weight > 0 ? [var.default_spot_weight] : []

    content {
      capacity_provider = "FARGATE_SPOT"
      weight            = default_capacity_provider_strategy.value
    }
  }
}
