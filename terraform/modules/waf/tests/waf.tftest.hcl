mock_provider "aws" {}

variables {
  name               = "sample-dev"
  load_balancer_arns = { web = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/sample-dev/0123456789abcdef" }
}

run "blocks_by_rule_groups_and_by_rate" {
  command = plan

  assert {
    condition = {
      for rule in aws_wafv2_web_acl.this.rule : rule.name => rule.priority
      } == {
      too-many-requests                     = 1
      AWSManagedRulesAmazonIpReputationList = 10
      AWSManagedRulesCommonRuleSet          = 11
      AWSManagedRulesKnownBadInputsRuleSet  = 12
      AWSManagedRulesSQLiRuleSet            = 13
    }
    error_message = "The rules are others, or in another order."
  }

  assert {
    condition     = alltrue([for rule in aws_wafv2_web_acl.this.rule : length(rule.override_action[0].none) == 1 if startswith(rule.name, "AWSManagedRules")])
    error_message = "A rule group only counts."
  }
}

run "or_only_counts" {
  command = plan

  variables {
    count_only = true
  }

  assert {
    condition     = alltrue([for rule in aws_wafv2_web_acl.this.rule : length(rule.override_action[0].count) == 1 if startswith(rule.name, "AWSManagedRules")]) && alltrue([for rule in aws_wafv2_web_acl.this.rule : length(rule.action[0].block) == 0 if rule.name == "too-many-requests"])
    error_message = "Something is blocked."
  }
}

run "credentials_are_not_logged" {
  command = plan

  assert {
    condition     = toset([for field in aws_wafv2_web_acl_logging_configuration.this.redacted_fields : field.single_header[0].name]) == toset(["authorization", "cookie"])
    error_message = "Credentials of users are logged."
  }

  assert {
    condition     = startswith(aws_cloudwatch_log_group.this.name, "aws-waf-logs-")
    error_message = "WAF cannot write to the log group."
  }
}

run "a_rule_group_of_somebody_else" {
  command = plan

  variables {
    managed_rules = [{ name = "MyRules" }]
  }

  expect_failures = [var.managed_rules]
}

run "example" {
  command = plan

  module {
    source = "./examples/complete"
  }
}
