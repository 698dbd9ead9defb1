output "topic_arn" {
  description = "Topic of alarms, for budgets and other tellers"
  value       = aws_sns_topic.this.arn

  # A budget whose topic does not let it publish is refused.
  depends_on = [aws_sns_topic_policy.this]
}

output "deployment_alarms" {
  description = "Alarms that should turn a deployment back (`rollback_alarms` of a service): errors and latency. Name the services here by text, and not by the module's output, or the two wait for each other"
  value       = local.balanced ? [aws_cloudwatch_metric_alarm.errors[0].alarm_name, aws_cloudwatch_metric_alarm.metric["latency"].alarm_name] : []
}

output "alarm_names" {
  description = "All alarms that tell somebody"
  value = sort(concat(
    [for alarm in aws_cloudwatch_metric_alarm.metric : alarm.alarm_name],
    [for alarm in aws_cloudwatch_metric_alarm.errors : alarm.alarm_name],
    [for alarm in aws_cloudwatch_metric_alarm.down : alarm.alarm_name],
    [for alarm in aws_cloudwatch_composite_alarm.slo : alarm.alarm_name],
  ))
}

output "dashboard_name" {
  description = "Name of the dashboard"
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}
