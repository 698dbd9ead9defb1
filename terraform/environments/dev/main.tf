# Development: everything that production has, once and small. Tasks run on Fargate Spot in public subnets, closed by their
# security group, so that no NAT gateway has to be paid; there is one Docker host. README.md says what it costs.
data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  name = "${var.project}-${var.environment}"

  tags = {
    Project               = var.project
    Environment           = var.environment
    ManagedBy             = "terraform"
    "slipway:environment" = var.environment
  }

  account  = data.aws_caller_identity.current.account_id
  ecr      = "arn:${data.aws_partition.current.partition}:ecr:${coalesce(var.registry.region, var.region)}:${coalesce(var.registry.account, local.account)}:repository"
  ssm      = "arn:${data.aws_partition.current.partition}:ssm:${var.region}:${local.account}:parameter"
  web_name = "${local.name}-web"

  # What is not said is called by the project's name.
  web_repository   = coalesce(var.web.repository, "${var.project}-web")
  bot_repositories = coalesce(var.bot.repositories, ["${var.project}-bot"])
  bot_secrets      = coalesce(var.bot.secrets, ["/${var.project}/${var.environment}/bot/*"])
  image_parameter  = coalesce(var.image_parameter, "/${var.project}/ami")
  webhook          = var.webhook_parameter == "" ? "/${var.project}/${var.environment}/discord/alarms" : var.webhook_parameter
}

module "network" {
  source = "../../modules/network"

  name                 = local.name
  cidr                 = var.cidr
  zones                = var.zones
  nat                  = "none"
  flow_logs            = null
  permissions_boundary = var.permissions_boundary
}

module "certificate" {
  source = "../../modules/certificate"

  domain  = var.domain
  zone_id = var.zone_id
}

resource "aws_route53_record" "web" {
  zone_id = var.zone_id
  name    = var.domain
  type    = "A"

  alias {
    name                   = module.alb.dns_name
    zone_id                = module.alb.zone_id
    evaluate_target_health = true
  }
}

module "alb" {
  source = "../../modules/alb"

  name                = local.name
  vpc_id              = module.network.vpc_id
  subnet_ids          = module.network.public_subnet_ids
  certificate_arn     = module.certificate.arn
  access_logs         = { days = 14 }
  deletion_protection = false
}

module "cluster" {
  source = "../../modules/ecs-cluster"

  name               = local.name
  container_insights = "disabled"
}

module "web" {
  source = "../../modules/ecs-service"

  name             = local.web_name
  service_name     = "web"
  cluster_name     = module.cluster.name
  vpc_id           = module.network.vpc_id
  subnet_ids       = module.network.public_subnet_ids
  assign_public_ip = true

  container   = { name = var.web.container, port = var.web.port }
  capacity    = { on_demand_weight = 0, spot_weight = 1 }
  autoscaling = { min = 1, max = 2 }

  load_balancer = {
    listener_arn      = module.alb.listener_arn
    security_group_id = module.alb.security_group_id
    priority          = 100
  }

  connections     = { for name, database in module.database : name => { security_group_id = database.security_group_id, port = database.port } }
  repository_arns = ["${local.ecr}/${local.web_repository}"]
  secret_arns     = concat([for database in module.database : database.secret_arn], ["${local.ssm}/${var.project}/${var.environment}/web/*"])

  enable_exec          = true
  log_retention_days   = 14
  permissions_boundary = var.permissions_boundary
}

module "hosts" {
  source = "../../modules/docker-host"

  name            = "${local.name}-docker-host"
  environment     = var.environment
  vpc_id          = module.network.vpc_id
  subnet_ids      = module.network.public_subnet_ids
  image_parameter = var.ami_id == null ? local.image_parameter : null
  image_id        = var.ami_id
  instance_type   = "t3.micro"
  volume_gib      = 20

  # Once at a time: the bot answers each command once.
  hosts               = { min = 1, max = 1 }
  replace             = "stop-first"
  public              = {}
  public_address      = true
  detailed_monitoring = false

  repository_arns      = [for repository in concat(local.bot_repositories, [local.web_repository]) : "${local.ecr}/${repository}"]
  secret_arns          = [for parameter in local.bot_secrets : "${local.ssm}${parameter}"]
  log_retention_days   = 14
  permissions_boundary = var.permissions_boundary
  tags                 = local.tags
}

module "database" {
  source   = "../../modules/rds"
  for_each = var.database ? { database = true } : {}

  name                      = local.name
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.database_subnet_ids
  client_security_group_ids = { web = module.web.security_group_id }
  backup_days               = 1
  deletion_protection       = false
  skip_final_snapshot       = true
  apply_immediately         = true
  log_retention_days        = 14
  permissions_boundary      = var.permissions_boundary
}

module "monitoring" {
  source = "../../modules/monitoring"

  name          = local.name
  discord       = local.webhook == null ? null : { webhook_parameter = local.webhook }
  load_balancer = { arn_suffix = module.alb.arn_suffix }

  services = {
    web = { cluster = local.name, service = "web", target_groups = values(module.web.target_group_arn_suffixes) }
  }

  host_groups          = { docker-host = { group = module.hosts.group_name } }
  databases            = { for name, database in module.database : name => { identifier = database.identifier, storage_gib = 20 } }
  log_retention_days   = 14
  permissions_boundary = var.permissions_boundary
}

module "budget" {
  source = "../../modules/budget"

  name      = local.name
  limit_usd = var.budget_usd
  cost_tag  = { key = "Environment", value = var.environment }
  topic_arn = module.monitoring.topic_arn
  emails    = var.budget_emails
}
