# The world reaches ports 80 and 443, and nothing else.
package main

import rego.v1

open_ports := {80, 443}

findings contains finding("open-ingress", resource, sprintf("%s may reach %s; only ports 80 and 443 may be open to the world", [range, ports(rule)])) if {
	some resource in planned
	some rule in ingress_rules(resource)
	some range in rule.ranges
	wide(range)
	not allowed(rule)
}

findings contains finding("open-ingress", resource, sprintf("%s is not known before apply, so nobody can say whom it lets in", [argument])) if {
	some resource in planned
	some argument in range_arguments[resource.type]
	unknown(resource, argument)
	is_set(resource, argument)
}

range_arguments := {
	"aws_security_group": {"ingress"},
	"aws_security_group_rule": {"cidr_blocks", "ipv6_cidr_blocks"},
	"aws_vpc_security_group_ingress_rule": {"cidr_ipv4", "cidr_ipv6"},
}

ingress_rules(resource) := [rule |
	some block in blocks(resource.change.after, "ingress")
	rule := as_rule(block, "protocol", lists(block))
] if {
	resource.type in {"aws_security_group", "aws_default_security_group"}
}

ingress_rules(resource) := [as_rule(resource.change.after, "protocol", lists(resource.change.after))] if {
	resource.type == "aws_security_group_rule"
	resource.change.after.type == "ingress"
}

ingress_rules(resource) := [as_rule(resource.change.after, "ip_protocol", ranges)] if {
	resource.type == "aws_vpc_security_group_ingress_rule"
	ranges := [range |
		some argument in ["cidr_ipv4", "cidr_ipv6"]
		range := object.get(resource.change.after, argument, null)
		range != null
	]
}

as_rule(value, protocol, ranges) := {
	"protocol": object.get(value, protocol, "-1"),
	"from": object.get(value, "from_port", null),
	"to": object.get(value, "to_port", null),
	"ranges": ranges,
}

lists(value) := [range |
	some argument in ["cidr_blocks", "ipv6_cidr_blocks"]
	some range in blocks(value, argument)
]

# Half of the internet is the internet: two rules of a /1 are a rule for everybody.
wide(range) if to_number(split(range, "/")[1]) < 8

# One port: a span from 80 to 443 opens all between them.
allowed(rule) if {
	rule.protocol in {"tcp", "6", "udp", "17"}
	rule.from == rule.to
	rule.from in open_ports
}

ports(rule) := "every port" if rule.protocol in {"-1", "all"}

else := sprintf("port %v", [rule.from]) if rule.from == rule.to

else := sprintf("ports %v to %v", [rule.from, rule.to])
