module "repository" {
  source = "../.."

  name          = "sample-web"
  expire_days   = 7
  pull_accounts = ["210987654321"]
  tags          = { project = "sample" }
}

output "url" {
  description = "Where to push to"
  value       = module.repository.url
}
