mock_provider "aws" {}

variables {
  name  = "sample-dev"
  zones = ["eu-central-1a", "eu-central-1b"]
}

run "three_kinds_of_subnets_in_each_zone" {
  command = plan

  assert {
    condition = {
      for kind, subnets in { public = aws_subnet.public, private = aws_subnet.private, database = aws_subnet.database } : kind => [for zone, subnet in subnets : "${zone} ${subnet.cidr_block}"]
      } == {
      public   = ["eu-central-1a 10.0.0.0/20", "eu-central-1b 10.0.16.0/20"]
      private  = ["eu-central-1a 10.0.64.0/20", "eu-central-1b 10.0.80.0/20"]
      database = ["eu-central-1a 10.0.128.0/20", "eu-central-1b 10.0.144.0/20"]
    }
    error_message = "The subnets are not where they should be."
  }

  assert {
    condition     = alltrue([for subnet in aws_subnet.public : !subnet.map_public_ip_on_launch])
    error_message = "Whatever starts in a public subnet gets a public address."
  }
}

run "a_third_zone_moves_nothing" {
  command = plan

  variables {
    zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  }

  assert {
    condition     = aws_subnet.private["eu-central-1a"].cidr_block == "10.0.64.0/20" && aws_subnet.private["eu-central-1b"].cidr_block == "10.0.80.0/20" && aws_subnet.private["eu-central-1c"].cidr_block == "10.0.96.0/20"
    error_message = "A zone more moved the subnets of the others."
  }
}

run "one_gateway_for_all" {
  assert {
    condition     = keys(aws_nat_gateway.this) == ["eu-central-1a"] && length(aws_route.private) == 2 && length(distinct([for route in aws_route.private : route.nat_gateway_id])) == 1
    error_message = "single is not one gateway for all zones."
  }
}

run "a_gateway_in_each_zone" {
  variables {
    nat = "zone"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 2 && alltrue([for zone, route in aws_route.private : route.nat_gateway_id == aws_nat_gateway.this[zone].id])
    error_message = "A zone's private subnet does not use the zone's own gateway."
  }
}

run "no_way_out_but_endpoints" {
  command = plan

  variables {
    nat       = "none"
    endpoints = ["ecr.api", "ecr.dkr", "logs"]
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_eip.nat) == 0 && length(aws_route.private) == 0 && length(aws_vpc_endpoint.interface) == 3
    error_message = "none is not without a gateway."
  }
}

run "half_a_way_out" {
  command = plan

  variables {
    nat       = "none"
    endpoints = ["ecr.api"]
  }

  expect_failures = [var.endpoints]
}

run "what_is_in_no_group_is_closed" {
  command = plan

  assert {
    condition     = length(coalesce(aws_default_security_group.this.ingress, [])) == 0 && length(coalesce(aws_default_security_group.this.egress, [])) == 0
    error_message = "The default security group has rules."
  }
}

run "flow_logs_can_be_left_out" {
  command = plan

  variables {
    flow_logs = null
  }

  assert {
    condition     = length(aws_flow_log.this) == 0 && length(aws_iam_role.flow) == 0
    error_message = "There are flow logs that nobody asked for."
  }
}

run "one_zone_is_not_enough" {
  command = plan

  variables {
    zones = ["eu-central-1a"]
  }

  expect_failures = [var.zones]
}

run "example" {
  command = plan

  module {
    source = "./examples/complete"
  }
}

run "example_of_endpoints" {
  command = plan

  module {
    source = "./examples/endpoints"
  }
}
