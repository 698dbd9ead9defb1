mock_provider "aws" {}

variables {
  name = "sample-web"
}

run "tags_are_written_once_but_for_those_that_move" {
  command = plan

  assert {
    condition     = aws_ecr_repository.this.image_tag_mutability == "IMMUTABLE_WITH_EXCLUSION"
    error_message = "A tag of a release can move."
  }

  assert {
    condition     = [for filter in aws_ecr_repository.this.image_tag_mutability_exclusion_filter : filter.filter] == ["latest", "branch-*", "pr-*", "cache*"]
    error_message = "Tags of pull requests, branches and caches cannot move."
  }
}

run "nothing_moves_without_exclusions" {
  command = plan

  variables {
    mutable_tags = []
  }

  assert {
    condition     = aws_ecr_repository.this.image_tag_mutability == "IMMUTABLE"
    error_message = "Without exclusions every tag is immutable."
  }
}

run "only_images_of_pull_requests_and_branches_age" {
  command = plan

  assert {
    condition     = [for rule in jsondecode(aws_ecr_lifecycle_policy.this[0].policy).rules : one(rule.selection.tagPatternList) if rule.selection.countNumber < 36500] == ["pr-*", "branch-*"]
    error_message = "A rule by age matches other images than those of pull requests and branches."
  }

  assert {
    condition     = alltrue([for rule in jsondecode(aws_ecr_lifecycle_policy.this[0].policy).rules : rule.selection.tagStatus == "tagged" && rule.selection.countType == "sinceImagePushed"])
    error_message = "A rule matches untagged images or counts them: parts of an index that runs have no tag."
  }
}

run "what_may_be_deployed_is_selected_first" {
  command = plan

  assert {
    condition     = [for rule in slice(jsondecode(aws_ecr_lifecycle_policy.this[0].policy).rules, 0, 3) : "${rule.rulePriority} ${one(rule.selection.tagPatternList)} ${rule.selection.countNumber}"] == ["1 fp-* 36500", "2 sha-* 36500", "3 *.*.* 36500"]
    error_message = "An image with the tag of a branch and of a release can be expired by the branch's rule."
  }
}

run "no_rule_without_days" {
  command = plan

  variables {
    expire_days = 0
  }

  assert {
    condition     = length(aws_ecr_lifecycle_policy.this) == 0
    error_message = "expire_days = 0 still expires."
  }
}

run "a_filter_for_everything_is_refused" {
  command = plan

  variables {
    expire_tags = ["*"]
  }

  expect_failures = [var.expire_tags]
}

run "a_name_that_ecr_refuses" {
  command = plan

  variables {
    name = "Sample_Web-"
  }

  expect_failures = [var.name]
}

run "example" {
  command = plan

  module {
    source = "./examples/complete"
  }
}
