output "backend" {
  description = "Settings of the S3 backend of each environment, for backend-config; the key is per root"
  value = {
    for name in keys(var.environments) : name => {
      bucket       = aws_s3_bucket.state.bucket
      key          = "${name}/terraform.tfstate"
      region       = local.region
      encrypt      = true
      kms_key_id   = aws_kms_key.state.arn
      use_lockfile = true
    }
  }
}

output "deploy_roles" {
  description = "Role of each environment that builds and deploys (`role`)"
  value       = { for name, role in aws_iam_role.deploy : name => role.arn }
}

output "apply_roles" {
  description = "Role of each environment that applies Terraform (`infra-role`)"
  value       = { for name, role in aws_iam_role.apply : name => role.arn }
}

output "plan_roles" {
  description = "Role of each environment that plans and looks for drift (`plan-role`)"
  value       = { for name, role in aws_iam_role.plan : name => role.arn }
}

output "pull_request_role" {
  description = "Read-only role for the plans of pull requests (input `plan-role` of check.yml)"
  value       = aws_iam_role.check.arn
}

output "permissions_boundary" {
  description = "Boundary that every role of an environment must have (permissions_boundary of the modules)"
  value       = aws_iam_policy.boundary.arn
}

output "ami_build_profiles" {
  description = "Instance profile of each environment that builds machine images (variable instance_profile of the Packer template)"
  value       = { for name, profile in aws_iam_instance_profile.machine : name => profile.name }
}

output "state_bucket" {
  description = "Bucket with the states"
  value       = aws_s3_bucket.state.bucket
}

output "repository_urls" {
  description = "ECR repositories by name"
  value       = { for name, repository in module.ecr : name => repository.url }
}
