mock_provider "aws" {}

variables {
  name      = "sample-dev"
  limit_usd = 60
  cost_tag  = { key = "Environment", value = "dev" }
  topic_arn = "arn:aws:sns:eu-central-1:123456789012:sample-dev-alarms"
}

run "tells_before_and_when_it_is_spent" {
  command = plan

  assert {
    condition     = toset([for notification in aws_budgets_budget.this.notification : "${notification.notification_type} ${notification.threshold}"]) == toset(["ACTUAL 80", "ACTUAL 100", "FORECASTED 100"])
    error_message = "It does not tell at 80 and 100 per cent spent, and at 100 forecast."
  }

  assert {
    condition     = one([for filter in aws_budgets_budget.this.cost_filter : one(filter.values)]) == "user:Environment$dev"
    error_message = "The environment's tag is not written as AWS wants it."
  }
}

run "a_budget_that_tells_nobody" {
  command = plan

  variables {
    topic_arn = null
  }

  expect_failures = [var.emails]
}

run "example" {
  command = plan

  module {
    source = "./examples/complete"
  }
}
