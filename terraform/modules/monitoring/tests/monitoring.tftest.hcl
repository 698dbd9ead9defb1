mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/sample-dev-discord" }
  }

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-central-1:123456789012:sample-dev-discord-untold" }
  }

  mock_resource "aws_cloudwatch_metric_alarm" {
    defaults = { arn = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:one" }
  }

  mock_resource "aws_cloudwatch_composite_alarm" {
    defaults = { arn = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:two" }
  }

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-central-1:123456789012:sample-dev-alarms" }
  }
}

variables {
  name          = "sample-dev"
  discord       = { webhook_parameter = "/sample/dev/discord/alarms" }
  load_balancer = { arn_suffix = "app/sample-dev/1" }
  services = {
    web    = { cluster = "sample-dev", service = "web", target_groups = ["targetgroup/blue/1", "targetgroup/green/1"] }
    worker = { cluster = "sample-dev", service = "worker" }
  }
  host_groups = { docker-host = { group = "sample-dev-docker-host" } }
  databases   = { database = { identifier = "sample-dev", storage_gib = 20 } }
  caches      = ["sample-dev-001"]
}

run "every_alarm_of_the_seeds" {
  command = plan

  assert {
    condition = jsonencode(output.alarm_names) == jsonencode([
      "sample-dev-database-cpu", "sample-dev-database-disk", "sample-dev-docker-host-cpu", "sample-dev-docker-host-disk", "sample-dev-docker-host-hosts",
      "sample-dev-docker-host-memory", "sample-dev-docker-host-status", "sample-dev-errors", "sample-dev-latency", "sample-dev-sample-dev-001-cpu",
      "sample-dev-sample-dev-001-memory", "sample-dev-slo-fast", "sample-dev-slo-slow", "sample-dev-web-cpu", "sample-dev-web-down", "sample-dev-web-memory",
      "sample-dev-worker-cpu", "sample-dev-worker-down", "sample-dev-worker-memory",
    ])
    error_message = "An alarm is missing, or one too many."
  }
}

run "latency_p95_over_half_a_second_for_five_minutes" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.metric["latency"].extended_statistic == "p95" && aws_cloudwatch_metric_alarm.metric["latency"].threshold == 0.5 && aws_cloudwatch_metric_alarm.metric["latency"].evaluation_periods * aws_cloudwatch_metric_alarm.metric["latency"].period == 300
    error_message = "Latency is not p95 > 500 ms for 5 minutes."
  }

  assert {
    condition     = startswith(aws_cloudwatch_metric_alarm.metric["latency"].alarm_description, "[warning] ") && startswith(aws_cloudwatch_metric_alarm.errors[0].alarm_description, "[critical] ")
    error_message = "Severities are not told apart."
  }
}

run "errors_over_five_per_cent_for_five_minutes" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.errors[0].threshold == 5 && aws_cloudwatch_metric_alarm.errors[0].evaluation_periods == 5
    error_message = "Errors are not > 5 % for 5 minutes."
  }

  assert {
    condition     = length([for query in aws_cloudwatch_metric_alarm.errors[0].metric_query : query.id if query.return_data]) == 1
    error_message = "An alarm needs exactly one result."
  }
}

run "a_service_is_down_when_no_colour_has_a_healthy_task" {
  command = plan

  assert {
    condition     = one([for query in aws_cloudwatch_metric_alarm.down["web"].metric_query : query.expression if query.return_data]) == "FILL(group0, 0) + FILL(group1, 0)" && aws_cloudwatch_metric_alarm.down["web"].treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.down["web"].evaluation_periods == 1
    error_message = "Down is not: no healthy task in either group, for a minute."
  }
}

run "disk_is_low_under_fifteen_per_cent" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.metric["database-disk"].threshold == 3221225472 && aws_cloudwatch_metric_alarm.metric["database-disk"].comparison_operator == "LessThanThreshold"
    error_message = "15 % of 20 GiB are 3 GiB."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.metric["docker-host-disk"].threshold == 85 && aws_cloudwatch_metric_alarm.metric["docker-host-disk"].namespace == "Slipway/Hosts"
    error_message = "A host's disk is not low from 85 % used on."
  }
}

run "the_objective_burns_fast_or_slowly" {
  command = plan

  assert {
    condition     = alltrue([for key, rate in { fast-short = 1.44, fast-long = 1.44, slow-short = 0.6, slow-long = 0.6 } : abs(aws_cloudwatch_metric_alarm.burn[key].threshold - rate) < 0.0001])
    error_message = "The rates are not 14.4 and 6 times a tenth of a per cent."
  }

  assert {
    condition     = aws_cloudwatch_composite_alarm.slo["fast"].alarm_rule == "ALARM(\"sample-dev-slo-fast-short\") AND ALARM(\"sample-dev-slo-fast-long\")"
    error_message = "The alarm does not want both windows."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.burn : try(length(alarm.alarm_actions), 0) == 0])
    error_message = "A single window calls somebody."
  }
}

run "the_webhook_is_a_name_and_never_its_address" {
  command = plan

  assert {
    condition     = aws_lambda_function.discord[0].environment[0].variables == tomap({ WEBHOOK_PARAMETER_NAME = "/sample/dev/discord/alarms" })
    error_message = "The function is given something else than the parameter's name."
  }

  assert {
    condition     = strcontains(aws_iam_role_policy.discord[0].policy, "arn:aws:ssm:eu-central-1:123456789012:parameter/sample/dev/discord/alarms")
    error_message = "The function cannot read its parameter."
  }
}

run "an_address_instead_of_a_name" {
  command = plan

  variables {
    discord = { webhook_parameter = "https://discord.com/api/webhooks/1/x" }
  }

  expect_failures = [var.discord]
}

run "the_topic_is_encrypted_and_for_services_of_this_account" {
  command = plan

  assert {
    condition     = aws_sns_topic.this.kms_master_key_id == "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    error_message = "The topic is not encrypted with the key that CloudWatch may use."
  }

  assert {
    condition     = jsondecode(aws_sns_topic_policy.this.policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "Another account can publish."
  }
}

run "without_discord" {
  command = plan

  variables {
    discord = null
  }

  assert {
    condition     = length(aws_lambda_function.discord) == 0 && length(aws_sns_topic_subscription.discord) == 0
    error_message = "There is a function that nobody asked for."
  }
}

run "a_page_for_whoever_is_called" {
  command = plan

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.properties.title] == ["Alarms of sample-dev", "Requests and errors", "Latency (p95, seconds)", "Services: CPU (%)", "Services: memory (%)", "Healthy tasks", "Hosts: CPU (%)", "Hosts: memory and disk (%)", "Databases: CPU (%)", "Databases: connections", "Databases: free storage (bytes)", "Caches: memory (%)", "Caches: hit rate (%)"]
    error_message = "The dashboard does not show everything that is watched."
  }
}

run "example" {
  command = plan

  module {
    source = "./examples/complete"
  }
}

# Without detailed monitoring EC2 tells its CPU every five minutes: five periods of a minute would never all be there.
run "the_hosts_cpu_is_heard_at_either_resolution" {
  command = plan

  variables {
    host_groups = { docker-host = { group = "sample-dev-docker-host" } }
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.metric["docker-host-cpu"].period == 300 && aws_cloudwatch_metric_alarm.metric["docker-host-cpu"].evaluation_periods == 1
    error_message = "The alarm waits for data that do not come."
  }
}

run "an_objective_whose_alarm_could_never_be_is_refused" {
  command = plan

  variables {
    thresholds = { availability = 93 }
  }

  expect_failures = [var.thresholds]
}
