output "group_name" {
  description = "Auto scaling group, for the module monitoring"
  value       = aws_autoscaling_group.this.name
}

output "host_group" {
  description = "Value of the tag slipway:host-group (`targets` in .github/slipway.yml)"
  value       = var.host_group
}

output "image_id" {
  description = "Machine image of the hosts"
  value       = local.image_id
}

output "role_arn" {
  description = "Role of the hosts"
  value       = aws_iam_role.this.arn
}

output "security_group_id" {
  description = "Security group of the hosts, for a database to let in"
  value       = aws_security_group.this.id
}

output "log_group_name" {
  description = "Log group for containers with the log driver awslogs"
  value       = aws_cloudwatch_log_group.containers.name
}

output "deployment_log_group_name" {
  description = "Log group for `log-group` of ssm-deploy"
  value       = aws_cloudwatch_log_group.deployments.name
}
