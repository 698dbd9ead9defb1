output "name" {
  description = "Name of the repository"
  value       = aws_ecr_repository.this.name
}

output "arn" {
  description = "ARN of the repository"
  value       = aws_ecr_repository.this.arn
}

output "url" {
  description = "HOST/NAME, to put a digest behind"
  value       = aws_ecr_repository.this.repository_url
}
