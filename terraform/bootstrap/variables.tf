variable "project" {
  description = "Start of the names of everything that the environments create, and of what the roles may touch (PROJECT-ENVIRONMENT-…)"
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.project)) && !endswith(var.project, "-")
    error_message = "project must be 2 to 20 lower-case letters, digits and dashes, begin with a letter and not end with a dash."
  }

  validation {
    condition     = !startswith(var.project, "slipway")
    error_message = "project must not begin with slipway: names that do are the pipeline's own, and no workload's role may match them."
  }
}

variable "repository" {
  description = "GitHub repository whose workflows may take the roles"
  type = object({
    owner    = string
    name     = string
    owner_id = optional(string, "")
    id       = optional(string, "")
  })

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]*$", var.repository.owner)) && can(regex("^[A-Za-z0-9._-]+$", var.repository.name))
    error_message = "repository.owner and repository.name must be names as GitHub writes them, without wildcards and without a slash."
  }

  validation {
    condition     = can(regex("^[0-9]*$", var.repository.owner_id)) && can(regex("^[0-9]*$", var.repository.id))
    error_message = "repository.owner_id and repository.id must be numbers (gh api repos/OWNER/REPO --jq '.owner.id, .id')."
  }

  validation {
    condition     = (var.repository.owner_id == "") == (var.repository.id == "")
    error_message = "Give both repository.owner_id and repository.id, or neither."
  }
}

variable "environments" {
  description = <<-EOT
    Environments of this account, as in .github/slipway.yml. `capabilities` say what the environment's deploying role may do: `ecs`, `tasks` (before, after, run-task),
    `create-service`, `register` (kind task), `retention` (keep-revisions), `codedeploy`, `ssm`, `ami`, `build`, `promote`, `scan`, `prune`. `parameters` are names of SSM
    parameters that the config file refers to, besides /slipway/ENVIRONMENT/*. `refs` are the branches and tags whose runs may take the environment's roles. `zones` are
    the ids of the hosted zones in Route 53 that its applies may write to.
  EOT
  type = map(object({
    regions      = list(string)
    capabilities = optional(set(string), ["ecs", "tasks", "ssm", "build", "scan"])
    parameters   = optional(list(string), [])
    refs         = optional(list(string), ["refs/heads/main"])
    zones        = optional(list(string), ["*"])
  }))

  validation {
    condition     = length(var.environments) > 0 && alltrue([for name in keys(var.environments) : can(regex("^[a-z][a-z0-9-]{0,15}$", name))])
    error_message = "There must be an environment, and each name must be up to 16 lower-case letters, digits and dashes that begin with a letter."
  }

  validation {
    condition = alltrue(flatten([
      for one in keys(var.environments) : [for other in keys(var.environments) : !startswith(other, "${one}-")]
    ])) && length(setintersection(keys(var.environments), ["plan", "boundary"])) == 0
    error_message = "No environment may be called plan or boundary, nor begin with another's name and a dash: the other's roles could touch what is its own."
  }

  validation {
    condition     = alltrue([for environment in values(var.environments) : length(environment.regions) > 0 && alltrue([for region in environment.regions : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]+$", region))])])
    error_message = "Each environment needs at least one region such as eu-central-1."
  }

  validation {
    condition = alltrue([
      for environment in values(var.environments) : length(setsubtract(environment.capabilities, [
        "ecs", "tasks", "create-service", "register", "retention", "codedeploy", "ssm", "ami", "build", "promote", "scan", "prune",
      ])) == 0
    ])
    error_message = "capabilities are ecs, tasks, create-service, register, retention, codedeploy, ssm, ami, build, promote, scan and prune."
  }

  validation {
    condition = alltrue([
      for environment in values(var.environments) : length(environment.refs) > 0 && alltrue([for ref in environment.refs : can(regex("^refs/(heads|tags)/[A-Za-z0-9._/-]*\\*?$", ref)) && !endswith(ref, "refs/heads/")])
    ])
    error_message = "refs must be branches or tags in full, such as refs/heads/main or refs/tags/v*; a * may stand at the end. Pull requests' runs (refs/pull/…) take no role of an environment."
  }

  validation {
    condition     = alltrue([for environment in values(var.environments) : length(environment.zones) > 0 && alltrue([for zone in environment.zones : can(regex("^(\\*|Z[A-Z0-9]+)$", zone))])])
    error_message = "zones must be ids of hosted zones such as Z0123456789ABCDEFGHIJ, or * for all of the account."
  }

  validation {
    condition     = alltrue(flatten([for environment in values(var.environments) : [for parameter in environment.parameters : startswith(parameter, "/") && parameter != "/*"]]))
    error_message = "parameters must be full names that begin with a slash; a * may stand at the end of a path."
  }
}

variable "workflows" {
  description = <<-EOT
    Which workflows may take the roles: `repository` and `refs` of the called ones (Slipway's own), and by role the workflows of your own that take it directly, as
    OWNER/REPO/.github/workflows/FILE@REF. The token names the innermost called workflow.
  EOT
  type = object({
    repository = optional(string, "slipway/slipway")
    refs       = optional(list(string), ["refs/tags/v1", "refs/tags/v1.*"])
    check      = optional(list(string), [])
    plan       = optional(list(string), [])
    apply      = optional(list(string), [])
    deploy     = optional(list(string), [])
  })
  default = {}

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.workflows.repository))
    error_message = "workflows.repository must be OWNER/REPO, without wildcards."
  }

  validation {
    condition     = alltrue([for ref in var.workflows.refs : can(regex("^(refs/(tags|heads)/[A-Za-z0-9._/-]+\\*?|[0-9a-f]{40})$", ref))])
    error_message = "workflows.refs must be refs/tags/…, refs/heads/… (with a * at most at the end of a name) or a commit's full hash."
  }

  validation {
    condition = alltrue([
      for workflow in concat(var.workflows.check, var.workflows.plan, var.workflows.apply, var.workflows.deploy) :
      can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+/\\.github/workflows/[A-Za-z0-9._-]+\\.ya?ml@[A-Za-z0-9._/-]+\\*?$", workflow))
    ])
    error_message = "workflows.check, .plan, .apply and .deploy must be such as OWNER/REPO/.github/workflows/deploy.yml@refs/heads/main."
  }
}

variable "state_bucket" {
  description = "Name of the bucket for Terraform's state; PROJECT-terraform-ACCOUNT-REGION when not given"
  type        = string
  default     = null
}

variable "state_versions_days" {
  description = "Days for which an old version of a state can be gone back to"
  type        = number
  default     = 90

  validation {
    condition     = var.state_versions_days >= 30
    error_message = "state_versions_days must be at least 30: a bad apply is not always seen the same week."
  }
}

variable "create_oidc_provider" {
  description = "Create the identity provider of GitHub's tokens. An account can have one: false where it is there already"
  type        = bool
  default     = true
}

variable "repositories" {
  description = "ECR repositories to create here, since images have to be there before the environments. The names have to begin with the project"
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for name in var.repositories : startswith(name, "${var.project}-") || startswith(name, "${var.project}/")])
    error_message = "Each repository must begin with the project's name and a dash or slash: the roles may touch no other."
  }
}

variable "pull_accounts" {
  description = "Other accounts whose tasks and hosts pull from these repositories: those of environments that are not in this one"
  type        = set(string)
  default     = []
}

variable "workload_services" {
  description = "What roles that an apply creates may use at most, by the prefix of the service's actions. IAM, STS and the state are never among them"
  type        = set(string)
  default = [
    "application-autoscaling", "autoscaling", "cloudwatch", "dynamodb", "ec2", "ec2messages", "ecr", "ecs", "elasticache", "elasticloadbalancing", "events", "kms", "lambda", "logs",
    "rds-db", "s3", "secretsmanager", "ses", "sns", "sqs", "ssm", "ssmmessages", "xray",
  ]

  validation {
    condition     = length(setintersection(var.workload_services, ["iam", "sts", "organizations", "account", "*"])) == 0
    error_message = "iam, sts, organizations, account and * are what the boundary is there to keep out."
  }
}

variable "tags" {
  description = "Tags for everything that can have some"
  type        = map(string)
  default     = {}
}
