# One page for whoever is called: is it up, is it slow, what is full.

locals {
  region = data.aws_region.current.region

  rows = concat(
    !local.balanced ? [] : [[
      {
        title = "Requests and errors", stat = "Sum", metrics = [
          ["AWS/ApplicationELB", "RequestCount", "LoadBalancer", local.lb.LoadBalancer],
          ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "LoadBalancer", local.lb.LoadBalancer],
          ["AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "LoadBalancer", local.lb.LoadBalancer],
        ]
      },
      {
        title = "Latency (p95, seconds)", stat = "p95", metrics = [["AWS/ApplicationELB", "TargetResponseTime", "LoadBalancer", local.lb.LoadBalancer]]
      },
    ]],
    length(var.services) == 0 ? [] : [[
      { title = "Services: CPU (%)", stat = "Average", metrics = [for service in var.services : ["AWS/ECS", "CPUUtilization", "ClusterName", service.cluster, "ServiceName", service.service]] },
      { title = "Services: memory (%)", stat = "Average", metrics = [for service in var.services : ["AWS/ECS", "MemoryUtilization", "ClusterName", service.cluster, "ServiceName", service.service]] },
    ]],
    length([for service in var.services : true if length(service.target_groups) > 0]) == 0 ? [] : [[
      {
        title = "Healthy tasks", stat = "Maximum", metrics = flatten([
          for service in var.services : [for group in service.target_groups : { metric = ["AWS/ApplicationELB", "HealthyHostCount", "TargetGroup", group, "LoadBalancer", local.lb.LoadBalancer] }]
        ])[*].metric
      },
    ]],
    length(var.host_groups) == 0 ? [] : [[
      { title = "Hosts: CPU (%)", stat = "Average", metrics = [for hosts in var.host_groups : ["AWS/EC2", "CPUUtilization", "AutoScalingGroupName", hosts.group]] },
      {
        title = "Hosts: memory and disk (%)", stat = "Maximum", metrics = concat(
          [for hosts in var.host_groups : ["Slipway/Hosts", "memory_used_percent", "AutoScalingGroupName", hosts.group]],
          [for hosts in var.host_groups : ["Slipway/Hosts", "disk_used_percent", "AutoScalingGroupName", hosts.group]],
        )
      },
    ]],
    length(var.databases) == 0 ? [] : [[
      { title = "Databases: CPU (%)", stat = "Average", metrics = [for database in var.databases : ["AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", database.identifier]] },
      { title = "Databases: connections", stat = "Maximum", metrics = [for database in var.databases : ["AWS/RDS", "DatabaseConnections", "DBInstanceIdentifier", database.identifier]] },
      { title = "Databases: free storage (bytes)", stat = "Minimum", metrics = [for database in var.databases : ["AWS/RDS", "FreeStorageSpace", "DBInstanceIdentifier", database.identifier]] },
    ]],
    length(var.caches) == 0 ? [] : [[
      { title = "Caches: memory (%)", stat = "Average", metrics = [for node in var.caches : ["AWS/ElastiCache", "DatabaseMemoryUsagePercentage", "CacheClusterId", node]] },
      { title = "Caches: hit rate (%)", stat = "Average", metrics = [for node in var.caches : ["AWS/ElastiCache", "CacheHitRate", "CacheClusterId", node]] },
    ]],
  )
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = concat(
      [{
        type = "alarm", x = 0, y = 0, width = 24, height = 3
        properties = {
          title = "Alarms of ${var.name}"
          alarms = concat(
            [for alarm in aws_cloudwatch_metric_alarm.errors : alarm.arn],
            [for alarm in aws_cloudwatch_metric_alarm.down : alarm.arn],
            [for alarm in aws_cloudwatch_composite_alarm.slo : alarm.arn],
            [for alarm in aws_cloudwatch_metric_alarm.metric : alarm.arn],
          )
        }
      }],
      flatten([
        for y, row in local.rows : [
          for x, widget in row : {
            type   = "metric"
            x      = x * floor(24 / length(row))
            y      = 3 + y * 6
            width  = floor(24 / length(row))
            height = 6
            properties = {
              title   = widget.title
              region  = local.region
              stat    = widget.stat
              period  = 60
              view    = "timeSeries"
              metrics = widget.metrics
            }
          }
        ]
      ]),
    )
  })
}
