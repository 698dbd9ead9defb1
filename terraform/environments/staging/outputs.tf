output "environment" {
  description = "The environment that this root describes"
  value       = var.environment
}

output "cluster" {
  description = "ECS cluster (`cluster` in .github/slipway.yml)"
  value       = module.cluster.name
}

output "web_url" {
  description = "Where the web service answers"
  value       = "https://${var.domain}"
}

output "web" {
  description = "What the web service's task definition has to name"
  value = {
    service            = module.web.service_name
    execution_role_arn = module.web.execution_role_arn
    task_role_arn      = module.web.task_role_arn
    log_group          = module.web.log_group_name
    database_secret    = module.database.secret_arn
  }
}

output "host_group" {
  description = "Group of the hosts that run the bot (tags Role and slipway:host-group)"
  value       = module.hosts.host_group
}

output "dashboard" {
  description = "Dashboard in CloudWatch"
  value       = module.monitoring.dashboard_name
}
