mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_db_instance" {
    defaults = {
      master_user_secret = [{ kms_key_id = "", secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-0", secret_status = "active" }]
    }
  }
}

variables {
  name                      = "sample-dev"
  vpc_id                    = "vpc-0123456789abcdef0"
  subnet_ids                = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  client_security_group_ids = { web = "sg-0123456789abcdef0" }
}

run "private_encrypted_and_backed_up" {
  assert {
    condition     = aws_db_instance.this.storage_encrypted && !aws_db_instance.this.publicly_accessible && aws_db_instance.this.backup_retention_period == 7 && aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot
    error_message = "The database is public, plain, without backups or can be deleted by mistake."
  }

  assert {
    condition     = { for parameter in aws_db_parameter_group.this.parameter : parameter.name => parameter.value }["rds.force_ssl"] == "1"
    error_message = "A connection without TLS is not refused."
  }
}

run "the_password_is_in_no_state" {
  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.password == null && output.secret_arn == "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-0"
    error_message = "RDS does not keep the password itself."
  }

  assert {
    condition     = aws_secretsmanager_secret_rotation.this.rotation_rules[0].automatically_after_days == 90 && !aws_secretsmanager_secret_rotation.this.rotate_immediately
    error_message = "The password is turned over as RDS likes."
  }
}

run "only_its_clients_connect" {
  command = plan

  assert {
    condition     = [for name, rule in aws_vpc_security_group_ingress_rule.clients : "${name} ${rule.from_port} ${rule.referenced_security_group_id}"] == ["web 5432 sg-0123456789abcdef0"]
    error_message = "Somebody else than the clients may connect."
  }
}

run "a_standby_where_it_is_asked_for" {
  command = plan

  variables {
    multi_az           = true
    monitoring_seconds = 60
  }

  assert {
    condition     = aws_db_instance.this.multi_az && length(aws_iam_role.monitoring) == 1
    error_message = "There is no standby, or no monitoring."
  }
}

run "the_family_follows_the_version" {
  command = plan

  variables {
    engine_version = "16.4"
  }

  assert {
    condition     = aws_db_parameter_group.this.family == "postgres16"
    error_message = "The parameter group is of another major version."
  }
}

run "without_backups" {
  command = plan

  variables {
    backup_days = 0
  }

  expect_failures = [var.backup_days]
}

run "a_reserved_user" {
  command = plan

  variables {
    username = "postgres"
  }

  expect_failures = [var.username]
}

run "example" {
  command = plan

  module {
    source = "./examples/complete"
  }
}

# Two instances of one name, one after the other: the second's last snapshot must not be called as the first's.
run "every_last_snapshot_has_its_own_name" {
  assert {
    condition     = aws_db_instance.this.final_snapshot_identifier == "${aws_db_parameter_group.this.name}-final"
    error_message = "The last snapshot is called as that of an instance before."
  }
}

run "storage_that_cannot_grow_is_refused" {
  command = plan

  variables {
    storage_gib = { allocated = 100, max = 105 }
  }

  expect_failures = [var.storage_gib]
}
