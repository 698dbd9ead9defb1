output "vpc_id" {
  description = "The VPC"
  value       = aws_vpc.this.id
}

output "cidr" {
  description = "Its addresses"
  value       = aws_vpc.this.cidr_block
}

output "public_subnet_ids" {
  description = "Public subnets, by the order of zones"
  value       = [for zone in var.zones : aws_subnet.public[zone].id]
}

output "private_subnet_ids" {
  description = "Private subnets, by the order of zones"
  value       = [for zone in var.zones : aws_subnet.private[zone].id]

  # A task that starts before the way out is there finds no image.
  depends_on = [aws_route.private, aws_vpc_endpoint.interface]
}

output "database_subnet_ids" {
  description = "Subnets without a way out, by the order of zones"
  value       = [for zone in var.zones : aws_subnet.database[zone].id]
}

output "nat_addresses" {
  description = "Public addresses that private subnets come from, for allow lists of others"
  value       = [for address in aws_eip.nat : address.public_ip]
}
