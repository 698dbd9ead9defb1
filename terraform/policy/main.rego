# What every policy shares.
# The input is a plan as `terraform show -json` prints it. Each file adds to `findings`; what is excepted in
# `data.slipway.exceptions` is left out, and everything else is denied.
package main

import rego.v1

# Resources as they will be: created, changed or left alone. What is only destroyed is judged no more.
planned contains resource if {
	some resource in input.resource_changes
	resource.mode == "managed"
	resource.change.after != null
}

deny contains result if {
	some finding in findings
	not excepted(finding)
	result := {
		"msg": sprintf("%s: %s: %s", [finding.policy, finding.address, finding.what]),
		"policy": finding.policy,
		"address": finding.address,
	}
}

# Fail closed: an input that is no plan would pass every rule.
deny contains {"msg": "input: this is not a plan; make it with: terraform show -json PLANFILE", "policy": "input", "address": ""} if {
	not input.planned_values
}

deny contains {"msg": sprintf("exceptions: %s of %s gives no reason", [exception.policy, exception.address]), "policy": "exceptions", "address": exception.address} if {
	some exception in exceptions
	trim_space(object.get(exception, "reason", "")) == ""
}

warn contains {"msg": sprintf("exceptions: %s of %s is not needed (any more)", [exception.policy, exception.address])} if {
	some exception in exceptions
	every finding in findings {
		not covers(exception, finding)
	}
}

default exceptions := []

exceptions := data.slipway.exceptions

excepted(finding) if {
	some exception in exceptions
	trim_space(object.get(exception, "reason", "")) != ""
	not expired(exception)
	covers(exception, finding)
}

covers(exception, finding) if {
	exception.policy == finding.policy
	exception.address == finding.address
}

expired(exception) if time.now_ns() >= time.parse_rfc3339_ns(sprintf("%sT00:00:00Z", [exception.until]))

finding(policy, resource, what) := {"policy": policy, "address": resource.address, "what": what}

# The value of an argument, `fallback` where it is not given, and undefined where it is not known before apply.
given(resource, argument, fallback) := value if {
	not unknown(resource, argument)
	set := object.get(resource.change.after, argument, null)
	value := {true: fallback, false: set}[set == null]
}

unknown(resource, argument) if object.get(object.get(resource.change, "after_unknown", {}), argument, false) == true

# Whether the code gives the argument. A key that is created by the same plan is not known yet, and is given all the same;
# what nobody gave may be unknown too, since the provider will choose it.
is_set(resource, argument) if {
	unknown(resource, argument)
	[regex.replace(resource.address, `\[[^\]]*\]`, ""), argument] in in_code
}

is_set(resource, argument) if given(resource, argument, "") != ""

in_code contains [address, argument] if {
	some [address, argument, _] in code
}

# Every argument of every resource, in any module: its address without indexes, its name, and its expression.
code contains [address, argument, expression] if {
	walk(input.configuration, [path, resource])
	path[count(path) - 2] == "resources"
	resource.mode == "managed"
	some argument, expression in object.get(resource, "expressions", {})
	address := concat(".", array.concat(module_path(path), [resource.address]))
}

# root_module.module_calls.NAME.module.resources.0 → module.NAME
module_path(path) := [step |
	some index, part in path
	part == "module_calls"
	step := sprintf("module.%s", [path[index + 1]])
]

# Blocks that may not be there at all.
blocks(value, name) := [block |
	some block in object.get(value, name, [])
	block != null
]
