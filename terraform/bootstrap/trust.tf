# Who may take which role. GitHub names the subject in two forms: repositories made or renamed since 2026-07-15 carry numeric
# ids, older ones do not, and a rename changes the form; so both are accepted. A token names the innermost called workflow
# (job_workflow_ref), which AWS evaluates: a workflow that somebody adds to a branch gets no role. But whoever may push a branch can
# call Slipway's workflow from it, with an environment's name: so the ref of the run is asked for too (AWS knows it since January 2026).

resource "aws_iam_openid_connect_provider" "github" {
  count = var.create_oidc_provider ? 1 : 0

  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
  tags           = var.tags
}

locals {
  oidc     = "token.actions.githubusercontent.com"
  oidc_arn = var.create_oidc_provider ? aws_iam_openid_connect_provider.github[0].arn : "${local.iam}:oidc-provider/${local.oidc}"

  # With the ids the second form is exact. Without them its wildcards can only match digits: names have no @, and GitHub
  # writes a colon in a context as %3A.
  subjects = [
    "repo:${var.repository.owner}/${var.repository.name}",
    var.repository.id != ""
    ? "repo:${var.repository.owner}@${var.repository.owner_id}/${var.repository.name}@${var.repository.id}"
    : "repo:${var.repository.owner}@*/${var.repository.name}@*",
  ]

  called = {
    check  = ["check.yml"]
    plan   = ["operate.yml", "plan.yml"]
    apply  = ["infra.yml", "operate.yml"]
    deploy = ["ami.yml", "app.yml", "bot.yml", "operate.yml"]
  }

  workflows = {
    for role, files in local.called : role => concat(
      flatten([for file in files : [for ref in var.workflows.refs : "${var.workflows.repository}/.github/workflows/${file}@${ref}"]]),
      var.workflows[role],
    )
  }

  trust = {
    for role in concat(
      [{ key = "check", kind = "check", context = "pull_request", refs = null }],
      [for name, environment in var.environments : { key = "${name}/plan", kind = "plan", context = "environment:${name}", refs = environment.refs }],
      [for name, environment in var.environments : { key = "${name}/apply", kind = "apply", context = "environment:${name}", refs = environment.refs }],
      [for name, environment in var.environments : { key = "${name}/deploy", kind = "deploy", context = "environment:${name}", refs = environment.refs }],
      ) : role.key => jsonencode({
        Version = "2012-10-17"
        Statement = [{
          Sid       = "GitHubActions"
          Effect    = "Allow"
          Principal = { Federated = local.oidc_arn }
          Action    = "sts:AssumeRoleWithWebIdentity"
          Condition = {
            StringEquals = { "${local.oidc}:aud" = "sts.amazonaws.com" }
            StringLike = merge(
              {
                "${local.oidc}:sub"              = [for subject in local.subjects : "${subject}:${role.context}"]
                "${local.oidc}:job_workflow_ref" = local.workflows[role.kind]
              },
              role.refs == null ? {} : { "${local.oidc}:ref" = role.refs },
            )
          }
        }]
    })
  }
}
