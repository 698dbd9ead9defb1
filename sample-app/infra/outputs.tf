output "environment" {
  description = "The environment that this root describes"
  value       = var.environment
}

output "cluster" {
  description = "ECS cluster that runs the web service"
  value       = terraform_data.cluster.output.name
}

output "web_url" {
  description = "Where the web service answers"
  value       = terraform_data.endpoint.output.url
}

output "host_group" {
  description = "Role tag of the hosts that run the bot"
  value       = terraform_data.hosts.output.group
}
