output "arn" {
  description = "ARN of the load balancer, for the module waf"
  value       = aws_lb.this.arn
}

output "arn_suffix" {
  description = "The load balancer as metrics name it"
  value       = aws_lb.this.arn_suffix
}

output "dns_name" {
  description = "Name for an alias record"
  value       = aws_lb.this.dns_name
}

output "zone_id" {
  description = "Zone of dns_name, for an alias record"
  value       = aws_lb.this.zone_id
}

output "security_group_id" {
  description = "Security group of the load balancer"
  value       = aws_security_group.this.id
}

output "listener_arn" {
  description = "HTTPS listener, for rules of services"
  value       = aws_lb_listener.https.arn
}

output "test_listener_arn" {
  description = "Test listener; null without one"
  value       = one(aws_lb_listener.test[*].arn)
}
