data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  version = coalesce(var.engine_version, var.engine == "redis" ? "7.1" : "8.0")
  major   = split(".", local.version)[0]
  family  = "${var.engine}${local.major}"

  # IAM wants the id of a user to be its name (user guide, "Authenticating with IAM"), and ids are one an account and region.
  user = "${var.name}-${var.application_user.name}"
}

resource "aws_elasticache_subnet_group" "this" {
  name        = var.name
  description = "Subnets of the cache ${var.name}"
  subnet_ids  = var.subnet_ids
  tags        = var.tags
}

resource "aws_elasticache_parameter_group" "this" {
  name        = "${var.name}-${local.family}"
  description = "${var.engine} ${local.major} for ${var.name}"
  family      = local.family
  tags        = var.tags

  dynamic "parameter" {
    for_each = var.parameters

    content {
      name  = parameter.key
      value = parameter.value
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

# Whoever connects without a name is this one, and may do nothing. The users' engine is redis also for valkey, which takes both: a group of the
# engine valkey refuses users without a password (user guide, "Role-Based Access Control"), and a password would be one to keep.
resource "aws_elasticache_user" "nobody" {
  user_id       = "${var.name}-nobody"
  user_name     = "default"
  engine        = "redis"
  access_string = "off ~keys* -@all"
  tags          = var.tags

  authentication_mode {
    type = "no-password-required"
  }
}

# No password, so none to keep, to leak and to turn over: the task's role signs a token (elasticache:Connect).
resource "aws_elasticache_user" "application" {
  lifecycle {
    precondition {
      condition     = length(local.user) <= 40
      error_message = "The user's id is ${local.user}, and ElastiCache takes 40 characters: shorten name or application_user.name."
    }
  }

  user_id       = local.user
  user_name     = local.user
  engine        = "redis"
  access_string = var.application_user.access
  tags          = var.tags

  authentication_mode {
    type = "iam"
  }
}

resource "aws_elasticache_user_group" "this" {
  user_group_id = var.name
  engine        = "redis"
  user_ids      = [aws_elasticache_user.nobody.user_id, aws_elasticache_user.application.user_id]
  tags          = var.tags
}

resource "aws_cloudwatch_log_group" "slow" {
  #checkov:skip=CKV_AWS_338:How long logs are kept is log_retention_days
  name              = "/elasticache/${var.name}/slow"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_elasticache_replication_group" "this" {
  #checkov:skip=CKV2_AWS_50:Automatic failover is there as soon as replicas are
  replication_group_id = var.name
  description          = "Cache ${var.name}"
  engine               = var.engine
  engine_version       = local.version
  node_type            = var.node_type
  port                 = 6379
  parameter_group_name = aws_elasticache_parameter_group.this.name

  num_cache_clusters         = var.replicas + 1
  automatic_failover_enabled = var.replicas > 0
  multi_az_enabled           = var.replicas > 0

  at_rest_encryption_enabled = true
  kms_key_id                 = var.kms_key_arn
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  user_group_ids             = [aws_elasticache_user_group.this.user_group_id]

  subnet_group_name  = aws_elasticache_subnet_group.this.name
  security_group_ids = [aws_security_group.this.id]

  maintenance_window         = var.maintenance_window
  auto_minor_version_upgrade = true
  snapshot_retention_limit   = var.snapshot_days
  snapshot_window            = var.snapshot_days > 0 ? "01:00-02:00" : null

  log_delivery_configuration {
    destination      = aws_cloudwatch_log_group.slow.name
    destination_type = "cloudwatch-logs"
    log_format       = "json"
    log_type         = "slow-log"
  }

  tags = var.tags
}
