mock_provider "aws" {
  mock_resource "aws_acm_certificate" {
    defaults = {
      arn                       = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
      domain_validation_options = [{ domain_name = "dev.sample.test", resource_record_name = "_proof.dev.sample.test.", resource_record_type = "CNAME", resource_record_value = "_value.acm-validations.aws." }]
    }
  }
}

variables {
  domain  = "dev.sample.test"
  zone_id = "Z0123456789ABCDEFGHIJ"
}

run "proved_by_a_record" {
  assert {
    condition     = aws_route53_record.proof.name == "_proof.dev.sample.test." && one(aws_route53_record.proof.records) == "_value.acm-validations.aws."
    error_message = "The record is not the proof that ACM wants."
  }

  assert {
    condition     = aws_acm_certificate_validation.this.certificate_arn == "arn:aws:acm:eu-central-1:123456789012:certificate/1"
    error_message = "The certificate is used before it is issued."
  }
}

run "an_address_is_no_name" {
  command = plan

  variables {
    domain = "https://dev.sample.test"
  }

  expect_failures = [var.domain]
}

run "example" {
  command = plan

  module {
    source = "./examples/complete"
  }
}
