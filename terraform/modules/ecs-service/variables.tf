variable "name" {
  description = "Start of the names of what belongs to the service, such as sample-dev-web"
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,25}$", var.name))
    error_message = "name must be 2 to 26 lower-case letters, digits and dashes and begin with a letter (a target group's name is 32 long, with -blue and -green)."
  }
}

variable "service_name" {
  description = "Name of the ECS service in its cluster (`service` in .github/slipway.yml); name when not given"
  type        = string
  default     = null
}

variable "cluster_name" {
  description = "Name of the cluster"
  type        = string
}

variable "vpc_id" {
  description = "VPC of the tasks"
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the tasks, in at least two zones for more than one task"
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "There must be a subnet."
  }
}

variable "assign_public_ip" {
  description = "Public addresses for the tasks: needed in public subnets, where there is neither a NAT gateway nor an endpoint"
  type        = bool
  default     = false
}

variable "container" {
  description = "What Terraform has to know of the container; the revisions themselves are the pipeline's"
  type = object({
    name         = string
    port         = optional(number)
    cpu          = optional(number, 256)
    memory       = optional(number, 512)
    architecture = optional(string, "X86_64")
  })

  validation {
    # Developer guide, "Task size".
    condition = contains(lookup({
      256   = [512, 1024, 2048]
      512   = range(1024, 4097, 1024)
      1024  = range(2048, 8193, 1024)
      2048  = range(4096, 16385, 1024)
      4096  = range(8192, 30721, 1024)
      8192  = range(16384, 61441, 4096)
      16384 = range(32768, 122881, 8192)
    }, tostring(var.container.cpu), []), var.container.memory)
    error_message = "container.cpu = ${var.container.cpu} and container.memory = ${var.container.memory} are no size that Fargate knows: cpu is 256, 512, 1024, 2048, 4096, 8192 or 16384, and memory (MiB) from 2 to 8 times that, in whole GiB (512 with 256 besides; in steps of 4 and 8 GiB with 8192 and 16384)."
  }

  validation {
    condition     = contains(["X86_64", "ARM64"], var.container.architecture)
    error_message = "container.architecture must be X86_64 or ARM64."
  }

  validation {
    condition     = coalesce(var.container.port, 1) >= 1 && coalesce(var.container.port, 1) <= 65535
    error_message = "container.port must be from 1 to 65535."
  }
}

variable "bootstrap" {
  description = <<-EOT
    What the very first apply starts, since a service needs an image that exists: a shell with busybox that answers the health path. `image` has to be one that the
    subnets can reach: without a way to the internet, one in ECR with a shell and busybox's httpd.
  EOT
  type = object({
    image = optional(string, "public.ecr.aws/docker/library/busybox:1.37")
  })
  default = {}
}

variable "load_balancer" {
  description = "Load balancer in front: listeners and security group, as the module alb gives them, and the place of this service's rule among the others; null for a worker"
  type = object({
    listener_arn      = string
    test_listener     = optional(object({ arn = string }))
    security_group_id = string
    priority          = number
    hosts             = optional(list(string), [])
    paths             = optional(list(string), ["/*"])
  })
  default = null

  validation {
    condition     = var.load_balancer == null || var.container.port != null
    error_message = "A service behind a load balancer needs container.port."
  }

  validation {
    condition     = try(var.load_balancer.priority >= 1 && var.load_balancer.priority <= 49999, var.load_balancer == null)
    error_message = "load_balancer.priority must be from 1 to 49999."
  }
}

variable "health_check" {
  description = "Health check of the load balancer. `grace` is how long a new task may fail it (seconds)"
  type = object({
    path      = optional(string, "/health")
    matcher   = optional(string, "200")
    interval  = optional(number, 15)
    timeout   = optional(number, 5)
    healthy   = optional(number, 2)
    unhealthy = optional(number, 3)
    grace     = optional(number, 60)
    drain     = optional(number, 30)
  })
  default = {}

  validation {
    condition     = can(regex("^/[A-Za-z0-9._~/%-]*$", var.health_check.path))
    error_message = "health_check.path must begin with a slash and have no query."
  }

  validation {
    condition     = var.health_check.timeout < var.health_check.interval
    error_message = "health_check.timeout must be shorter than health_check.interval."
  }
}

variable "deployment" {
  description = <<-EOT
    How ECS replaces tasks: ROLLING, BLUE_GREEN, CANARY or LINEAR, with the minutes for which both versions stay afterwards (`bake`). The circuit breaker is
    on with the first two, which are those that AWS has it for.
  EOT
  type = object({
    strategy        = optional(string, "ROLLING")
    minimum_percent = optional(number, 100)
    maximum_percent = optional(number, 200)
    bake            = optional(number, 5)
    canary_percent  = optional(number, 10)
    canary_bake     = optional(number, 5)
    step_percent    = optional(number, 25)
    step_bake       = optional(number, 5)
  })
  default = {}

  validation {
    condition     = contains(["ROLLING", "BLUE_GREEN", "CANARY", "LINEAR"], var.deployment.strategy)
    error_message = "deployment.strategy must be ROLLING, BLUE_GREEN, CANARY or LINEAR."
  }

  validation {
    condition     = var.deployment.strategy == "ROLLING" || var.load_balancer != null
    error_message = "deployment.strategy ${var.deployment.strategy} shifts the traffic of a load balancer, and load_balancer is not given."
  }

  validation {
    condition     = var.deployment.maximum_percent > 100 && var.deployment.minimum_percent <= 100
    error_message = "deployment.maximum_percent must be over 100: the new task starts beside the old one."
  }
}

variable "rollback_alarms" {
  description = "CloudWatch alarms that turn a deployment back while it runs, by name (deployment_alarms of the module monitoring)"
  type        = list(string)
  default     = []
}

variable "lifecycle_hooks" {
  description = "Lambda functions that a deployment asks at its stages, such as POST_TEST_TRAFFIC_SHIFT; any answer but success turns it back"
  type = list(object({
    function_arn = string
    stages       = list(string)
  }))
  default = []

  validation {
    condition = alltrue(flatten([for hook in var.lifecycle_hooks : [for stage in hook.stages : contains([
      "RECONCILE_SERVICE", "PRE_SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT",
    ], stage)]]))
    error_message = "stages are RECONCILE_SERVICE, PRE_SCALE_UP, POST_SCALE_UP, TEST_TRAFFIC_SHIFT, POST_TEST_TRAFFIC_SHIFT, PRODUCTION_TRAFFIC_SHIFT and POST_PRODUCTION_TRAFFIC_SHIFT."
  }
}

variable "capacity" {
  description = "Where tasks run: `on_demand` of them on Fargate at least, the rest by weight. Spot is cheaper, and AWS takes it back with two minutes' notice"
  type = object({
    on_demand        = optional(number, 0)
    on_demand_weight = optional(number, 1)
    spot_weight      = optional(number, 0)
  })
  default = {}

  validation {
    condition     = var.capacity.on_demand_weight + var.capacity.spot_weight > 0
    error_message = "capacity.on_demand_weight or capacity.spot_weight must be over 0."
  }

  validation {
    condition     = var.capacity.spot_weight == 0 || var.container.architecture == "X86_64" || var.capacity.on_demand_weight > 0
    error_message = "Fargate Spot for ARM64 is not in every region: keep an on_demand_weight."
  }
}

variable "autoscaling" {
  description = "Number of tasks, and the load that it follows (per cent)"
  type = object({
    min    = optional(number, 1)
    max    = optional(number, 4)
    cpu    = optional(number, 70)
    memory = optional(number, 80)
  })
  default = {}

  validation {
    condition     = var.autoscaling.min >= 0 && var.autoscaling.max >= max(1, var.autoscaling.min)
    error_message = "autoscaling.max must be at least autoscaling.min, and at least 1."
  }

  validation {
    condition     = alltrue([for target in [var.autoscaling.cpu, var.autoscaling.memory] : target >= 10 && target <= 90])
    error_message = "autoscaling.cpu and autoscaling.memory must be from 10 to 90."
  }
}

variable "connections" {
  description = "What tasks may connect to besides HTTPS, by name: a security group and a port, for a database or a cache"
  type = map(object({
    security_group_id = string
    port              = number
  }))
  default = {}
}

variable "repository_arns" {
  description = "ECR repositories that the tasks' images come from; empty for none (public images)"
  type        = list(string)
  default     = []
}

variable "secret_arns" {
  description = "Secrets Manager secrets and SSM parameters that containers get as secrets (valueFrom), for the execution role"
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.secret_arns : can(regex("^arn:aws[a-z-]*:(secretsmanager:[^:]*:[^:]*:secret:|ssm:[^:]*:[^:]*:parameter/).+$", arn))])
    error_message = "secret_arns must be ARNs of Secrets Manager secrets or SSM parameters."
  }
}

variable "kms_key_arns" {
  description = "Keys that those secrets are encrypted with, unless it is the account's own key for the service"
  type        = list(string)
  default     = []
}

variable "task_policy" {
  description = "What the application itself may do in AWS: statements of a policy, for the task role"
  type        = any
  default     = []

  validation {
    condition     = can([for statement in var.task_policy : "${statement.Effect} ${jsonencode(statement.Action)} ${jsonencode(statement.Resource)}"])
    error_message = "task_policy must be a list of statements with Effect, Action and Resource."
  }

  validation {
    condition     = !can(index(flatten([for statement in var.task_policy : [statement.Action]]), "*"))
    error_message = "task_policy must not allow every action."
  }
}

variable "enable_exec" {
  description = "Allow `aws ecs execute-command`: a shell in a running container"
  type        = bool
  default     = false
}

variable "exec_kms_key" {
  description = "Key of the cluster's sessions (kms_key_arn of the module ecs-cluster), where it has one: both ends of a session need it"
  type = object({
    arn = string
  })
  default = null
}

variable "log_retention_days" {
  description = "Days for which logs are kept"
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of the numbers that CloudWatch knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, …"
  }
}

variable "log_kms_key_arn" {
  description = "Key to encrypt logs with; CloudWatch's own when not given"
  type        = string
  default     = null
}

variable "permissions_boundary" {
  description = "Boundary of the roles, as bootstrap gives it; the pipeline's role can create none without"
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags for everything that can have some"
  type        = map(string)
  default     = {}
}
