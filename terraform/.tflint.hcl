# Every rule of the language: tflint has them built in. The AWS rules (tflint-ruleset-aws) come as a plugin from GitHub's releases;
# where a pipeline may download it, add:
#   plugin "aws" {
#     enabled = true
#     version = "0.48.0"
#     source  = "github.com/terraform-linters/tflint-ruleset-aws"
#   }
tflint {
  required_version = ">= 0.60"
}

config {
  call_module_type = "all"
}

plugin "terraform" {
  enabled = true
  preset  = "all"
}
