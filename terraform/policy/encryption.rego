# Encryption at rest and on the way.
package main

import rego.v1

# Arguments that have to be true, and what is bare without them.
must_be_true := {
	"aws_db_instance": {"storage_encrypted"},
	"aws_ebs_volume": {"encrypted"},
	"aws_efs_file_system": {"encrypted"},
	"aws_elasticache_replication_group": {"at_rest_encryption_enabled", "transit_encryption_enabled"},
	"aws_kms_key": {"enable_key_rotation"},
	"aws_rds_cluster": {"storage_encrypted"},
	"azurerm_storage_account": {"https_traffic_only_enabled"},
}

# What these default to, in the provider, where nothing is said.
defaults_to_true := {"azurerm_storage_account.https_traffic_only_enabled"}

findings contains finding("encryption", resource, sprintf("%s must be true", [argument])) if {
	some resource in planned
	some argument in must_be_true[resource.type]
	not is_true(resource, argument)
}

is_true(resource, argument) if {
	given(resource, argument, sprintf("%s.%s", [resource.type, argument]) in defaults_to_true) in {true, "true"}
}

# Disks of instances, and of the templates that instances are made from.
findings contains finding("encryption", resource, "a disk of it is not encrypted (encrypted = true)") if {
	some resource in planned
	some disk in disks(resource)
	not object.get(disk, "encrypted", false) in {true, "true"}
}

disks(resource) := [disk |
	some name in ["root_block_device", "ebs_block_device"]
	some disk in blocks(resource.change.after, name)
] if {
	resource.type == "aws_instance"
}

disks(resource) := [disk |
	some mapping in blocks(resource.change.after, "block_device_mappings")
	some disk in blocks(mapping, "ebs")
] if {
	resource.type == "aws_launch_template"
}

findings contains finding("encryption", resource, "no disk of the template is declared encrypted (block_device_mappings)") if {
	some resource in planned
	resource.type == "aws_launch_template"
	count(disks(resource)) == 0
	not unknown(resource, "block_device_mappings")
}

findings contains finding("encryption", resource, "set kms_master_key_id, or sqs_managed_sse_enabled") if {
	some resource in planned
	resource.type == "aws_sqs_queue"
	not is_set(resource, "kms_master_key_id")
	given(resource, "sqs_managed_sse_enabled", true) == false
}

findings contains finding("encryption", resource, "set kms_master_key_id") if {
	some resource in planned
	resource.type == "aws_sns_topic"
	not is_set(resource, "kms_master_key_id")
}

# A load balancer speaks plain HTTP only to send its caller to HTTPS.
findings contains finding("encryption", resource, "an HTTP listener of a public load balancer may only redirect to HTTPS") if {
	some resource in planned
	resource.type == "aws_lb_listener"
	given(resource, "protocol", "HTTP") == "HTTP"
	some action in blocks(resource.change.after, "default_action")
	not redirects(action)
}

redirects(action) if {
	action.type == "redirect"
	some redirect in blocks(action, "redirect")
	redirect.protocol == "HTTPS"
}

findings contains finding("encryption", resource, sprintf("ssl_policy %s still speaks TLS 1.0 or 1.1; take an ELBSecurityPolicy-TLS13 one", [policy])) if {
	some resource in planned
	resource.type == "aws_lb_listener"
	given(resource, "protocol", "HTTP") == "HTTPS"
	policy := given(resource, "ssl_policy", "ELBSecurityPolicy-2016-08")
	not regex.match(`^ELBSecurityPolicy-(TLS13-1-[23]|FS-1-2|TLS-1-2)`, policy)
}
