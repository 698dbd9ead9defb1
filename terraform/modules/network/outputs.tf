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

  # A load balancer is refused in a VPC without an internet gateway, and a host that starts before its way out has nothing to fetch.
  depends_on = [aws_route.public, aws_route_table_association.public]
}

output "private_subnet_ids" {
  description = "Private subnets, by the order of zones"
  value       = [for zone in var.zones : aws_subnet.private[zone].id]

  # A task that starts before the way out is there finds no image.
  depends_on = [aws_route.private, aws_route_table_association.private, aws_vpc_endpoint.interface, aws_vpc_endpoint.s3]
}

output "database_subnet_ids" {
  description = "Subnets without a way out, by the order of zones"
  value       = [for zone in var.zones : aws_subnet.database[zone].id]
}

output "nat_addresses" {
  description = "Public addresses that private subnets come from, for allow lists of others"
  value       = [for address in aws_eip.nat : address.public_ip]
}
