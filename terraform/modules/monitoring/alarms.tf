# Alarms as data: what is measured, from when on it is an alarm, what it means for whoever gets it. Severity is the first word
# of the description, which the function that tells Discord reads.

locals {
  minute = 60

  balanced = var.load_balancer != null
  lb       = { LoadBalancer = try(var.load_balancer.arn_suffix, "none") }

  # The load balancer's own errors are requests that reached no target, which RequestCount leaves out.
  # A metric is silent while nothing is counted: FILL makes that a 0.
  error_queries = [
    {
      id         = "share"
      expression = "IF(FILL(requests, 0) + FILL(refused, 0) > 0, 100 * (FILL(failed, 0) + FILL(refused, 0)) / (FILL(requests, 0) + FILL(refused, 0)), 0)"
      label      = "5xx, per cent"
      metric     = null
    },
    { id = "requests", expression = null, label = null, metric = "RequestCount" },
    { id = "failed", expression = null, label = null, metric = "HTTPCode_Target_5XX_Count" },
    { id = "refused", expression = null, label = null, metric = "HTTPCode_ELB_5XX_Count" },
  ]

  # Share of the error budget: at 14.4 times the rate a month's budget is gone in two days, at 6 times in five.
  budget = 100 - var.thresholds.availability
  burns = !local.balanced ? {} : {
    fast-short = { period = 300, rate = 14.4, text = "5 minutes" }
    fast-long  = { period = 3600, rate = 14.4, text = "an hour" }
    slow-short = { period = 1800, rate = 6, text = "30 minutes" }
    slow-long  = { period = 21600, rate = 6, text = "6 hours" }
  }

  metric = merge(
    !local.balanced ? {} : {
      latency = {
        severity = "warning", text = "The 95th percentile of answers has been over ${var.thresholds.latency} s for 5 minutes.", above = true, threshold = var.thresholds.latency
        minutes  = 5, missing = "notBreaching", namespace = "AWS/ApplicationELB", name = "TargetResponseTime", stat = "p95", dimensions = local.lb
      }
    },
    merge([for name, service in var.services : {
      "${name}-cpu" = {
        severity = "warning", text = "${name} has used over ${var.thresholds.cpu} % of its CPU for 5 minutes: it scales out, or is at its most.", above = true, threshold = var.thresholds.cpu
        minutes  = 5, missing = "notBreaching", namespace = "AWS/ECS", name = "CPUUtilization", stat = "Average", dimensions = { ClusterName = service.cluster, ServiceName = service.service }
      }
      "${name}-memory" = {
        severity   = "warning", text = "${name} has used over ${var.thresholds.memory} % of its memory for 5 minutes: the next thing is a killed container.", above = true
        minutes    = 5, missing = "notBreaching", namespace = "AWS/ECS", name = "MemoryUtilization", stat = "Average", threshold = var.thresholds.memory
        dimensions = { ClusterName = service.cluster, ServiceName = service.service }
      }
    }]...),
    merge([for name, service in var.services : {
      "${name}-down" = {
        severity = "critical", text = "No task of ${name} runs.", above = false, threshold = 1, minutes = 2, missing = "breaching", namespace = "ECS/ContainerInsights"
        name     = "RunningTaskCount", stat = "Average", dimensions = { ClusterName = service.cluster, ServiceName = service.service }
      }
    } if length(service.target_groups) == 0]...),
    merge([for name, hosts in var.host_groups : {
      "${name}-cpu" = {
        # One average over five minutes: without detailed monitoring EC2 tells every five, and four minutes of five would be missing.
        severity = "warning", text = "Hosts ${name} have used over ${var.thresholds.cpu} % of their CPU for 5 minutes.", above = true, threshold = var.thresholds.cpu, minutes = 5, whole = true
        missing  = "notBreaching", namespace = "AWS/EC2", name = "CPUUtilization", stat = "Average", dimensions = { AutoScalingGroupName = hosts.group }
      }
      "${name}-memory" = {
        severity = "warning", text = "A host of ${name} has used over ${var.thresholds.memory} % of its memory for 5 minutes.", above = true, threshold = var.thresholds.memory, minutes = 5
        missing  = "notBreaching", namespace = "Slipway/Hosts", name = "memory_used_percent", stat = "Maximum", dimensions = { AutoScalingGroupName = hosts.group }
      }
      "${name}-disk" = {
        severity   = "warning", text = "A host of ${name} has less than ${100 - var.thresholds.disk} % of its disk left. Old images go after a week; logs and volumes do not.", above = true
        minutes    = 5, missing = "notBreaching", namespace = "Slipway/Hosts", name = "disk_used_percent", stat = "Maximum", threshold = var.thresholds.disk
        dimensions = { AutoScalingGroupName = hosts.group }
      }
      "${name}-hosts" = {
        severity  = "critical", text = "There are fewer than ${hosts.min} hosts ${name}.", above = false, threshold = hosts.min, minutes = 2, missing = "breaching"
        namespace = "AWS/AutoScaling", name = "GroupInServiceInstances", stat = "Minimum", dimensions = { AutoScalingGroupName = hosts.group }
      }
      "${name}-status" = {
        severity = "critical", text = "A host of ${name} does not pass EC2's checks.", above = true, threshold = 0, minutes = 2, missing = "notBreaching", namespace = "AWS/EC2"
        name     = "StatusCheckFailed", stat = "Maximum", dimensions = { AutoScalingGroupName = hosts.group }
      }
    }]...),
    merge([for name, database in var.databases : {
      "${name}-cpu" = {
        severity = "warning", text = "Database ${name} has used over ${var.thresholds.cpu} % of its CPU for 5 minutes.", above = true, threshold = var.thresholds.cpu, minutes = 5
        missing  = "notBreaching", namespace = "AWS/RDS", name = "CPUUtilization", stat = "Average", dimensions = { DBInstanceIdentifier = database.identifier }
      }
      "${name}-disk" = {
        severity   = "critical", text = "Database ${name} has less than ${100 - var.thresholds.disk} % of its storage left, and stops when it is full.", above = false, minutes = 5
        missing    = "notBreaching", namespace = "AWS/RDS", name = "FreeStorageSpace", stat = "Minimum", threshold = database.storage_gib * 1073741824 * (100 - var.thresholds.disk) / 100
        dimensions = { DBInstanceIdentifier = database.identifier }
      }
    }]...),
    merge([for node in var.caches : {
      "${node}-cpu" = {
        severity = "warning", text = "Cache ${node} has used over ${var.thresholds.cpu} % of its core for 5 minutes.", above = true, threshold = var.thresholds.cpu, minutes = 5
        missing  = "notBreaching", namespace = "AWS/ElastiCache", name = "EngineCPUUtilization", stat = "Average", dimensions = { CacheClusterId = node }
      }
      "${node}-memory" = {
        severity = "warning", text = "Cache ${node} has used over ${var.thresholds.memory} % of its memory for 5 minutes.", above = true, threshold = var.thresholds.memory, minutes = 5
        missing  = "notBreaching", namespace = "AWS/ElastiCache", name = "DatabaseMemoryUsagePercentage", stat = "Average", dimensions = { CacheClusterId = node }
      }
    }]...),
  )

  actions = concat([aws_sns_topic.this.arn], var.more_actions)
}

resource "aws_cloudwatch_metric_alarm" "metric" {
  for_each = local.metric

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "[${each.value.severity}] ${each.value.text}"
  namespace           = each.value.namespace
  metric_name         = each.value.name
  dimensions          = each.value.dimensions
  statistic           = startswith(each.value.stat, "p") ? null : each.value.stat
  extended_statistic  = startswith(each.value.stat, "p") ? each.value.stat : null
  period              = try(each.value.whole, false) ? local.minute * each.value.minutes : local.minute
  evaluation_periods  = try(each.value.whole, false) ? 1 : each.value.minutes
  comparison_operator = each.value.above ? "GreaterThanThreshold" : "LessThanThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing
  alarm_actions       = local.actions
  ok_actions          = local.actions
  tags                = var.tags
}

# More than so many per cent of requests fail, for five minutes.
resource "aws_cloudwatch_metric_alarm" "errors" {
  count = local.balanced ? 1 : 0

  alarm_name          = "${var.name}-errors"
  alarm_description   = "[critical] Over ${var.thresholds.errors} % of requests have failed (5xx) for 5 minutes."
  evaluation_periods  = 5
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.thresholds.errors
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.actions
  ok_actions          = local.actions
  tags                = var.tags

  dynamic "metric_query" {
    for_each = local.error_queries

    content {
      id          = metric_query.value.id
      expression  = metric_query.value.expression
      label       = metric_query.value.label
      return_data = metric_query.value.expression != null

      dynamic "metric" {
        for_each = metric_query.value.metric == null ? [] : [metric_query.value.metric]

        content {
          namespace   = "AWS/ApplicationELB"
          metric_name = metric.value
          stat        = "Sum"
          period      = 60
          dimensions  = local.lb
        }
      }
    }
  }
}

# No healthy task in any of a service's target groups; with blue/green the idle one says nothing, and that is no alarm.
resource "aws_cloudwatch_metric_alarm" "down" {
  for_each = { for name, service in var.services : name => service if length(service.target_groups) > 0 }

  alarm_name          = "${var.name}-${each.key}-down"
  alarm_description   = "[critical] No task of ${each.key} has been healthy for a minute: nobody gets an answer."
  evaluation_periods  = 1
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = local.actions
  ok_actions          = local.actions
  tags                = var.tags

  metric_query {
    id          = "healthy"
    expression  = join(" + ", [for index, _ in each.value.target_groups : "FILL(group${index}, 0)"])
    label       = "Healthy tasks"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { for index, group in each.value.target_groups : "group${index}" => group }

    content {
      id          = metric_query.key
      return_data = false

      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = "HealthyHostCount"
        stat        = "Maximum"
        period      = 60
        dimensions  = { LoadBalancer = var.load_balancer.arn_suffix, TargetGroup = metric_query.value }
      }
    }
  }
}

# The availability objective, by how fast its error budget burns: over a long window, so that a single failure calls nobody,
# and over a short one, so that the alarm ends soon after the trouble does.
resource "aws_cloudwatch_metric_alarm" "burn" {
  for_each = local.burns

  alarm_name          = "${var.name}-slo-${each.key}"
  alarm_description   = "Errors over ${each.value.text} at ${each.value.rate} times what ${var.thresholds.availability} % allows. Part of another alarm, and tells nobody itself."
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.rate * local.budget
  treat_missing_data  = "notBreaching"
  tags                = var.tags

  dynamic "metric_query" {
    for_each = local.error_queries

    content {
      id          = metric_query.value.id
      expression  = metric_query.value.expression
      label       = metric_query.value.label
      return_data = metric_query.value.expression != null

      dynamic "metric" {
        for_each = metric_query.value.metric == null ? [] : [metric_query.value.metric]

        content {
          namespace   = "AWS/ApplicationELB"
          metric_name = metric.value
          stat        = "Sum"
          period      = each.value.period
          dimensions  = local.lb
        }
      }
    }
  }
}

resource "aws_cloudwatch_composite_alarm" "slo" {
  for_each = !local.balanced ? {} : {
    fast = "[critical] The availability objective of ${var.thresholds.availability} % is being broken: at this rate a month's errors are spent in two days."
    slow = "[warning] The availability objective of ${var.thresholds.availability} % is in danger: at this rate a month's errors are spent in five days."
  }

  alarm_name        = "${var.name}-slo-${each.key}"
  alarm_description = each.value
  alarm_rule        = join(" AND ", [for window in ["short", "long"] : "ALARM(\"${aws_cloudwatch_metric_alarm.burn["${each.key}-${window}"].alarm_name}\")"])
  alarm_actions     = local.actions
  ok_actions        = local.actions
  tags              = var.tags
}
