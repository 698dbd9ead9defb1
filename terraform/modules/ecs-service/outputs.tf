output "service_name" {
  description = "Name of the service (`service` in .github/slipway.yml)"
  value       = aws_ecs_service.this.name
}

output "security_group_id" {
  description = "Security group of the tasks, for a database to let in"
  value       = aws_security_group.this.id
}

output "execution_role_arn" {
  description = "Role for `executionRoleArn` of the task definition"
  value       = aws_iam_role.execution.arn
}

output "task_role_arn" {
  description = "Role for `taskRoleArn` of the task definition"
  value       = aws_iam_role.task.arn
}

output "log_group_name" {
  description = "Log group for `awslogs-group` of the task definition"
  value       = aws_cloudwatch_log_group.this.name
}

output "target_group_arns" {
  description = "Target groups by colour; empty without a load balancer"
  value       = { for colour, group in aws_lb_target_group.this : colour => group.arn }
}

output "target_group_arn_suffixes" {
  description = "Target groups by colour, as metrics name them"
  value       = { for colour, group in aws_lb_target_group.this : colour => group.arn_suffix }
}

output "bootstrap_task_definition" {
  description = "Revision that the first apply started"
  value       = aws_ecs_task_definition.bootstrap.arn
}
