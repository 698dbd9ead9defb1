# No secret is written down.
# What a plan or a state holds, everybody who may read it knows. Secrets are made by the service that owns them
# (manage_master_user_password), or come by reference: Secrets Manager, Parameter Store, write-only arguments.
package main

import rego.v1

secret_name := `(?i)(passw(or)?d|passphrase|secret|token|api_?key|access_?key|private_?key|webhook|credential)`

# Names that look like secrets and are none: references to one, and settings about one.
harmless_name := `(?i)(_arn|_arns|_id|_ids|_name|_names|_path|_prefix|_version|_length|_enabled|_days|_ttl|_parameter|_parameters|_from|_file|_url_path)$`

looks_secret(name) if {
	regex.match(secret_name, name)
	not regex.match(harmless_name, name)
}

# 1. Arguments with the secret's text in the code, in any module.
findings contains {"policy": "plaintext-secrets", "address": address, "what": sprintf("%s is written in the code", [argument])} if {
	some [address, argument, expression] in code
	looks_secret(argument)
	is_string(expression.constant_value)
	trim_space(expression.constant_value) != ""
}

# 2. Variables that would be secrets, with a default.
findings contains {"policy": "plaintext-secrets", "address": sprintf("var.%s", [name]), "what": "a secret's variable has a default in the code"} if {
	some name, variable in input.configuration.root_module.variables
	looks_secret(name)
	value := object.get(variable, "default", null)
	is_string(value)
	trim_space(value) != ""
}

# 3. Passwords that pass through the state, however they got there.
stored := {
	"aws_db_instance": {"password"},
	"aws_elasticache_replication_group": {"auth_token"},
	"aws_rds_cluster": {"master_password"},
	"aws_secretsmanager_secret_version": {"secret_string"},
}

findings contains finding("plaintext-secrets", resource, sprintf("%s ends up in the state; use %s", [argument, instead[argument]])) if {
	some resource in planned
	some argument in stored[resource.type]
	is_set(resource, argument)
}

instead := {
	"password": "manage_master_user_password, or password_wo",
	"auth_token": "users with IAM authentication (user_group_ids)",
	"master_password": "manage_master_user_password, or master_password_wo",
	"secret_string": "secret_string_wo",
}

findings contains finding("plaintext-secrets", resource, "it is no SecureString, and its name is a secret's") if {
	some resource in planned
	resource.type == "aws_ssm_parameter"
	looks_secret(object.get(resource.change.after, "name", ""))
	not given(resource, "type", "") == "SecureString"
}

findings contains finding("plaintext-secrets", resource, "value ends up in the state; use value_wo") if {
	some resource in planned
	resource.type == "aws_ssm_parameter"
	given(resource, "type", "") == "SecureString"
	is_set(resource, "value")
	not ignored_value(resource)
}

# A placeholder that somebody replaces by hand is no secret.
ignored_value(resource) if lower(given(resource, "value", "")) in {"placeholder", "changeme", "replace-me", "unset"}

# 4. Environments of containers and functions.
findings contains finding("plaintext-secrets", resource, sprintf("container %s has %s in its environment; give it by `secrets`", [container.name, variable.name])) if {
	some resource in planned
	resource.type == "aws_ecs_task_definition"
	definitions := given(resource, "container_definitions", "[]")
	some container in json.unmarshal(definitions)
	some variable in object.get(container, "environment", [])
	looks_secret(variable.name)
	variable.value != ""
}

findings contains finding("plaintext-secrets", resource, sprintf("%s is in its environment", [name])) if {
	some resource in planned
	resource.type == "aws_lambda_function"
	some environment in blocks(resource.change.after, "environment")
	some name, value in object.get(environment, "variables", {})
	looks_secret(name)
	value != ""
}

# 5. Keys of AWS, private keys, and Discord's webhooks, wherever a text holds one.
shapes := [
	{"what": "an access key of AWS", "pattern": `\b(AKIA|ASIA)[A-Z0-9]{16}\b`},
	{"what": "a private key", "pattern": `-----BEGIN [A-Z ]*PRIVATE KEY-----`},
	{"what": "a webhook of Discord", "pattern": `https://(canary\.|ptb\.)?discord(app)?\.com/api/webhooks/\d+/[A-Za-z0-9_-]+`},
]

findings contains finding("plaintext-secrets", resource, sprintf("it holds %s", [shape.what])) if {
	some resource in planned
	walk(resource.change.after, [_, value])
	is_string(value)
	some shape in shapes
	regex.match(shape.pattern, readable(value))
}

readable(value) := base64.decode(value) if base64.is_valid(value)

else := value
