output "address" {
  description = "Host name of the node that is written to; with TLS"
  value       = aws_elasticache_replication_group.this.primary_endpoint_address
}

output "reader_address" {
  description = "Host name that spreads reads over replicas"
  value       = aws_elasticache_replication_group.this.reader_endpoint_address
}

output "port" {
  description = "Its port"
  value       = 6379
}

output "user" {
  description = "User of the application, who connects with a token (IAM)"
  value       = aws_elasticache_user.application.user_name
}

output "connect_statement" {
  description = "Statement for `task_policy` of a service that connects"
  value = {
    Sid    = "Cache"
    Effect = "Allow"
    Action = ["elasticache:Connect"]
    Resource = [
      "arn:${data.aws_partition.current.partition}:elasticache:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:replicationgroup:${var.name}",
      "arn:${data.aws_partition.current.partition}:elasticache:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:user:${local.user}",
    ]
  }
}

output "node_ids" {
  description = "Nodes, for the module monitoring"
  value       = [for index in range(var.replicas + 1) : format("%s-%03d", var.name, index + 1)]
}

output "security_group_id" {
  description = "Security group of the cache, for `connections` of a service"
  value       = aws_security_group.this.id
}
