mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }
}

variables {
  name                      = "sample-dev"
  vpc_id                    = "vpc-0123456789abcdef0"
  subnet_ids                = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  client_security_group_ids = { web = "sg-0123456789abcdef0" }
}

run "encrypted_on_the_way_and_at_rest" {
  command = plan

  assert {
    condition     = aws_elasticache_replication_group.this.transit_encryption_enabled && aws_elasticache_replication_group.this.transit_encryption_mode == "required" && aws_elasticache_replication_group.this.at_rest_encryption_enabled == "true"
    error_message = "A connection without TLS is accepted, or data lie in plain."
  }
}

run "no_password_anywhere" {
  command = plan

  assert {
    condition     = aws_elasticache_replication_group.this.auth_token == null && aws_elasticache_user.application.authentication_mode[0].type == "iam" && startswith(aws_elasticache_user.nobody.access_string, "off ")
    error_message = "There is a password, or somebody gets in without a name."
  }

  assert {
    condition     = aws_elasticache_user.application.user_id == aws_elasticache_user.application.user_name
    error_message = "IAM wants the id of a user to be its name."
  }

  assert {
    condition     = output.connect_statement.Resource == ["arn:aws:elasticache:eu-central-1:123456789012:replicationgroup:sample-dev", "arn:aws:elasticache:eu-central-1:123456789012:user:sample-dev-app"]
    error_message = "The statement lets in to another cache, or as another user."
  }
}

run "one_node_does_not_fail_over" {
  command = plan

  assert {
    condition     = !aws_elasticache_replication_group.this.automatic_failover_enabled && aws_elasticache_replication_group.this.num_cache_clusters == 1
    error_message = "A single node cannot fail over."
  }
}

run "replicas_take_over" {
  command = plan

  variables {
    replicas = 2
  }

  assert {
    condition     = aws_elasticache_replication_group.this.automatic_failover_enabled && aws_elasticache_replication_group.this.multi_az_enabled && output.node_ids == ["sample-dev-001", "sample-dev-002", "sample-dev-003"]
    error_message = "Replicas do not take over."
  }
}

run "valkey" {
  command = plan

  variables {
    engine = "valkey"
  }

  assert {
    condition     = aws_elasticache_parameter_group.this.family == "valkey8" && aws_elasticache_replication_group.this.engine_version == "8.0"
    error_message = "The family does not follow the engine."
  }

  # A group of the engine valkey takes no user without a password, and the one that may do nothing has none.
  assert {
    condition     = [aws_elasticache_user.nobody.engine, aws_elasticache_user.application.engine, aws_elasticache_user_group.this.engine] == ["redis", "redis", "redis"]
    error_message = "The users are of an engine whose groups refuse them."
  }
}

run "only_its_clients_connect" {
  command = plan

  assert {
    condition     = [for name, rule in aws_vpc_security_group_ingress_rule.clients : "${name} ${rule.from_port} ${rule.referenced_security_group_id}"] == ["web 6379 sg-0123456789abcdef0"]
    error_message = "Somebody else than the clients may connect."
  }
}

run "example" {
  command = plan

  module {
    source = "./examples/complete"
  }
}

run "an_id_that_elasticache_does_not_take_is_refused" {
  command = plan

  variables {
    name             = "a-cache-with-a-rather-long-name"
    application_user = { name = "application" }
  }

  expect_failures = [aws_elasticache_user.application]
}
