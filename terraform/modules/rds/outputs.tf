output "address" {
  description = "Host name of the database"
  value       = aws_db_instance.this.address
}

output "port" {
  description = "Its port"
  value       = 5432
}

output "database" {
  description = "Name of the first database"
  value       = var.database
}

output "secret_arn" {
  description = "Secret with the keys username and password: ARN:password:: in a task definition"
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}

output "identifier" {
  description = "Name of the instance, for the module monitoring"
  value       = aws_db_instance.this.identifier
}

output "resource_id" {
  description = "Id for rds-db:connect in a policy (tokens instead of passwords)"
  value       = aws_db_instance.this.resource_id
}

output "security_group_id" {
  description = "Security group of the database, for `connections` of a service"
  value       = aws_security_group.this.id
}
