mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  name            = "sample-dev"
  vpc_id          = "vpc-0123456789abcdef0"
  subnet_ids      = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
}

run "http_only_redirects" {
  command = plan

  assert {
    condition     = aws_lb_listener.http.default_action[0].type == "redirect" && aws_lb_listener.http.default_action[0].redirect[0].protocol == "HTTPS" && aws_lb_listener.http.default_action[0].redirect[0].status_code == "HTTP_301"
    error_message = "Port 80 does something else than redirect."
  }

  assert {
    condition     = aws_lb_listener.https.protocol == "HTTPS" && aws_lb_listener.https.default_action[0].fixed_response[0].status_code == "404"
    error_message = "What no rule matches is not a 404 over HTTPS."
  }
}

run "only_80_and_443_are_open" {
  command = plan

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.web : rule.from_port]) == toset([80, 443]) && alltrue([for rule in aws_vpc_security_group_ingress_rule.web : rule.from_port == rule.to_port])
    error_message = "Other ports than 80 and 443 are open."
  }

  assert {
    condition     = length(aws_lb_listener.test) == 0 && length(aws_vpc_security_group_ingress_rule.test) == 0
    error_message = "There is a test listener that nobody asked for."
  }
}

run "the_test_listener_opens_to_nobody_by_itself" {
  command = plan

  variables {
    test_listener = {}
  }

  assert {
    condition     = aws_lb_listener.test[0].port == 8443 && aws_lb_listener.test[0].protocol == "HTTPS" && length(aws_vpc_security_group_ingress_rule.test) == 0
    error_message = "The test listener is not HTTPS on 8443, closed."
  }
}

run "the_test_listener_is_not_for_the_world" {
  command = plan

  variables {
    test_listener = { cidrs = ["0.0.0.0/0"] }
  }

  expect_failures = [var.test_listener]
}

run "logs_are_private_and_age" {
  command = plan

  assert {
    condition     = aws_s3_bucket.logs[0].bucket == "sample-dev-alb-logs-123456789012-eu-central-1" && one(aws_s3_bucket_lifecycle_configuration.logs[0].rule).expiration[0].days == 90
    error_message = "Logs do not age in a bucket of their own."
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.logs[0].restrict_public_buckets && aws_s3_bucket_public_access_block.logs[0].block_public_policy
    error_message = "Logs can be made public."
  }
}

run "the_load_balancer_can_write_its_logs" {
  command = plan

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.logs[0].policy).Statement[0].Principal == { Service = "logdelivery.elasticloadbalancing.amazonaws.com", AWS = "arn:aws:iam::054676820928:root" }
    error_message = "Elastic Load Balancing may not write in this region."
  }
}

run "no_logs" {
  command = plan

  variables {
    access_logs = null
  }

  assert {
    condition     = length(aws_s3_bucket.logs) == 0 && length(aws_lb.this.access_logs) == 0
    error_message = "There are logs that nobody asked for."
  }
}

run "old_tls" {
  command = plan

  variables {
    ssl_policy = "ELBSecurityPolicy-2016-08"
  }

  expect_failures = [var.ssl_policy]
}

run "one_zone" {
  command = plan

  variables {
    subnet_ids = ["subnet-0123456789abcdef0"]
  }

  expect_failures = [var.subnet_ids]
}

run "example" {
  command = plan

  module {
    source = "./examples/complete"
  }
}

run "a_name_too_long_for_the_bucket_of_its_logs_is_refused" {
  command = plan

  variables {
    name = "a-load-balancer-with-a-long-name"
  }

  expect_failures = [aws_s3_bucket.logs]
}

# By a name, since the ARN of a certificate that the same apply makes is not known while it is planned.
run "further_certificates_on_every_listener" {
  command = plan

  variables {
    test_listener         = {}
    more_certificate_arns = { shop = "arn:aws:acm:eu-central-1:123456789012:certificate/2" }
  }

  assert {
    condition     = toset(keys(aws_lb_listener_certificate.more)) == toset(["https shop", "test shop"])
    error_message = "A listener lacks the certificate."
  }
}
