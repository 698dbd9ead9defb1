# Hosts that run containers outside of ECS. What runs on them is not said here: the host program of the image reads it from
# /slipway/ENVIRONMENT/GROUP/ when it starts, so that a host that is replaced comes up with what the last deployment left.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

# resolve:ssm: in the launch template would give new hosts the newest image, but a new image would be no change of the
# template: the old hosts would stay, and no plan would show it.
data "aws_ssm_parameter" "image" {
  count = var.image_parameter == null ? 0 : 1

  name = var.image_parameter
}

# The root device has another name in each distribution's images, and a wrong one would be a second volume beside a plain first.
data "aws_ami" "this" {
  filter {
    name   = "image-id"
    values = [local.image_id]
  }
}

locals {
  image_id = var.image_id != null ? var.image_id : data.aws_ssm_parameter.image[0].insecure_value

  # How deployments find the hosts, and who of them may: see the deploying role in bootstrap.
  identity = {
    "Name"                = var.name
    "Role"                = var.host_group
    "slipway:environment" = var.environment
    "slipway:host-group"  = var.host_group
  }
  tags = merge(var.tags, local.identity)
}

resource "aws_cloudwatch_log_group" "containers" {
  #checkov:skip=CKV_AWS_338:How long logs are kept is log_retention_days
  name              = "/docker/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_kms_key_arn
  tags              = var.tags
}

# The whole output of deployments, for `log-group` of ssm-deploy: SSM itself keeps the first 24,000 characters.
resource "aws_cloudwatch_log_group" "deployments" {
  #checkov:skip=CKV_AWS_338:How long logs are kept is log_retention_days
  name              = "/slipway/deploy/${var.environment}/${var.host_group}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_kms_key_arn
  tags              = var.tags
}

resource "aws_launch_template" "this" {
  #checkov:skip=CKV_AWS_88:A public address is asked for by public_address, for hosts that answer the world themselves
  name_prefix            = "${var.name}-"
  description            = "Docker hosts of ${var.environment}"
  image_id               = local.image_id
  instance_type          = var.instance_type
  update_default_version = true
  ebs_optimized          = true
  tags                   = local.tags

  user_data = var.metrics ? base64encode(templatefile("${path.module}/user-data.sh", { group = var.name, region = data.aws_region.current.region })) : null

  iam_instance_profile {
    arn = aws_iam_instance_profile.this.arn
  }

  # Session tokens only, and not for containers, whose packets take a second hop: the role is the host's. Tags are how the
  # host program knows where it is.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    instance_metadata_tags      = "enabled"
  }

  block_device_mappings {
    device_name = data.aws_ami.this.root_device_name

    ebs {
      volume_type           = "gp3"
      volume_size           = var.volume_gib
      encrypted             = true
      kms_key_id            = var.kms_key_arn
      delete_on_termination = true
    }
  }

  network_interfaces {
    associate_public_ip_address = var.public_address
    security_groups             = [aws_security_group.this.id]
    delete_on_termination       = true
  }

  monitoring {
    enabled = var.detailed_monitoring
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume", "network-interface"])

    content {
      resource_type = tag_specifications.value
      tags          = local.tags
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_autoscaling_group" "this" {
  name                      = var.name
  min_size                  = var.hosts.min
  max_size                  = var.hosts.max
  vpc_zone_identifier       = var.subnet_ids
  target_group_arns         = try(var.load_balancer.target_group_arns, [])
  health_check_type         = var.load_balancer == null ? "EC2" : "ELB"
  health_check_grace_period = 180
  enabled_metrics           = ["GroupDesiredCapacity", "GroupInServiceInstances"]

  launch_template {
    id      = aws_launch_template.this.id
    version = aws_launch_template.this.latest_version
  }

  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = var.replace == "start-first" ? 100 : 0
      max_healthy_percentage = var.replace == "start-first" ? 200 : 100
      instance_warmup        = 120
      skip_matching          = true
      auto_rollback          = true
    }
  }

  dynamic "tag" {
    for_each = local.tags

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }

  # How many hosts there are beyond the least is for whoever scales.
  lifecycle {
    ignore_changes = [desired_capacity]
  }

  # A host that starts before its way out is open fetches nothing at its start.
  depends_on = [
    aws_vpc_security_group_egress_rule.connection, aws_vpc_security_group_egress_rule.load_balancer, aws_vpc_security_group_egress_rule.web,
    aws_vpc_security_group_ingress_rule.load_balancer,
  ]
}
