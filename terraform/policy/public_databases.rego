# No database answers to the internet.
package main

import rego.v1

# Argument that must be false, and whether it is false where nothing is said.
exposed := {
	"aws_db_instance": {"argument": "publicly_accessible", "default": false},
	"aws_dms_replication_instance": {"argument": "publicly_accessible", "default": false},
	"aws_docdb_cluster_instance": {"argument": "publicly_accessible", "default": false},
	"aws_neptune_cluster_instance": {"argument": "publicly_accessible", "default": false},
	"aws_rds_cluster_instance": {"argument": "publicly_accessible", "default": false},
	"aws_redshift_cluster": {"argument": "publicly_accessible", "default": false},
	"azurerm_mssql_server": {"argument": "public_network_access_enabled", "default": true},
	"azurerm_postgresql_flexible_server": {"argument": "public_network_access_enabled", "default": true},
}

# `not ... == false`: what is not known before apply is denied too.
findings contains finding("public-databases", resource, sprintf("%s must be false", [rule.argument])) if {
	some resource in planned
	rule := exposed[resource.type]
	not given(resource, rule.argument, rule["default"]) == false
}

findings contains finding("public-databases", resource, "it stands in no subnet group, so in the default network; set db_subnet_group_name") if {
	some resource in planned
	resource.type in {"aws_db_instance", "aws_rds_cluster"}
	not is_set(resource, "db_subnet_group_name")
	not is_set(resource, "replicate_source_db")
}

findings contains finding("public-databases", resource, "it stands in no subnet group, so in the default network; set subnet_group_name") if {
	some resource in planned
	resource.type == "aws_elasticache_replication_group"
	not is_set(resource, "subnet_group_name")
}
