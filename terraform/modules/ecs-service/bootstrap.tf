# The revision of the very first apply, in a family of its own: the pipeline registers the service's real ones, and what
# Terraform does here never appears among them. It answers the health path, so that the first apply is a healthy service.

locals {
  www = "/dev/shm/www"

  # The port and the path are arguments, never part of the program. /dev/shm is the one place that a read-only container can write to.
  bootstrap_command = local.exposed ? [
    "sh", "-c", "set -eu; file=\"$1$3\"; case \"$3\" in */) file=\"$file\"index.html;; esac; mkdir -p \"$(dirname \"$file\")\"; echo bootstrap > \"$file\"; exec httpd -f -p \"$2\" -h \"$1\"",
    "bootstrap", local.www, tostring(var.container.port), var.health_check.path,
  ] : ["sleep", "infinity"]
}

resource "aws_ecs_task_definition" "bootstrap" {
  family                   = "${var.name}-bootstrap"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = tostring(var.container.cpu)
  memory                   = tostring(var.container.memory)
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  tags                     = var.tags

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.container.architecture
  }

  container_definitions = jsonencode([{
    name                   = var.container.name
    image                  = var.bootstrap.image
    essential              = true
    user                   = "65534:65534"
    readonlyRootFilesystem = true
    command                = local.bootstrap_command
    portMappings           = local.exposed ? [{ containerPort = var.container.port, hostPort = var.container.port, protocol = "tcp" }] : []
    linuxParameters        = { initProcessEnabled = true }
    environment            = []
    mountPoints            = []
    volumesFrom            = []
    # The container is nobody's, who may not listen below 1024 otherwise.
    systemControls = coalesce(var.container.port, 1024) < 1024 ? [{ namespace = "net.ipv4.ip_unprivileged_port_start", value = "0" }] : []
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.this.name
        "awslogs-region"        = data.aws_region.current.region
        "awslogs-stream-prefix" = "bootstrap"
      }
    }
  }])
}
