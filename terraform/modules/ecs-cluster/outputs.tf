output "name" {
  description = "Name of the cluster (`cluster` in .github/slipway.yml)"
  value       = aws_ecs_cluster.this.name

  # A service may start only where its capacity provider is known.
  depends_on = [aws_ecs_cluster_capacity_providers.this]
}

output "arn" {
  description = "ARN of the cluster"
  value       = aws_ecs_cluster.this.arn
}
