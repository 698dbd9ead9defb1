# Production: nothing that a zone's loss takes away. Three zones with a NAT gateway each, two tasks at least (not on Spot), a
# standby of the database and a replica of the cache that take over by themselves, a canary that alarms turn back, a firewall.
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
  nat                  = "zone"
  flow_logs            = { traffic = "ALL", days = 90 }
  log_kms_key_arn      = aws_kms_key.this.arn
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
  test_listener       = { cidrs = var.testers }
  access_logs         = { days = 365 }
  deletion_protection = true
}

module "cluster" {
  source = "../../modules/ecs-cluster"

  name               = local.name
  container_insights = "enhanced"
  kms_key_arn        = aws_kms_key.this.arn
}

module "web" {
  source = "../../modules/ecs-service"

  name         = local.web_name
  service_name = "web"
  cluster_name = module.cluster.name
  vpc_id       = module.network.vpc_id
  subnet_ids   = module.network.private_subnet_ids

  container       = { name = var.web.container, port = var.web.port, cpu = 512, memory = 1024 }
  capacity        = { on_demand = 2, on_demand_weight = 1, spot_weight = 1 }
  autoscaling     = { min = 2, max = 4 }
  deployment      = { strategy = "CANARY", canary_percent = 10, canary_bake = 10, bake = 10 }
  rollback_alarms = module.monitoring.deployment_alarms

  load_balancer = {
    listener_arn      = module.alb.listener_arn
    test_listener     = { arn = module.alb.test_listener_arn }
    security_group_id = module.alb.security_group_id
    priority          = 100
  }

  connections = {
    database = { security_group_id = module.database.security_group_id, port = module.database.port }
    cache    = { security_group_id = module.cache.security_group_id, port = module.cache.port }
  }

  repository_arns = ["${local.ecr}/${local.web_repository}"]
  secret_arns     = [module.database.secret_arn, "${local.ssm}/${var.project}/${var.environment}/web/*"]
  kms_key_arns    = [aws_kms_key.this.arn]
  task_policy     = [module.cache.connect_statement]

  log_retention_days   = 90
  log_kms_key_arn      = aws_kms_key.this.arn
  permissions_boundary = var.permissions_boundary
}

module "hosts" {
  source = "../../modules/docker-host"

  name            = "${local.name}-docker-host"
  environment     = var.environment
  vpc_id          = module.network.vpc_id
  subnet_ids      = module.network.private_subnet_ids
  image_parameter = var.ami_id == null ? local.image_parameter : null
  image_id        = var.ami_id
  instance_type   = "t3.small"

  # Once at a time, since the bot answers each command once; in whichever zone there is one, by itself.
  hosts   = { min = 1, max = 1 }
  replace = "stop-first"

  repository_arns      = [for repository in local.bot_repositories : "${local.ecr}/${repository}"]
  secret_arns          = [for parameter in local.bot_secrets : "${local.ssm}${parameter}"]
  log_retention_days   = 90
  log_kms_key_arn      = aws_kms_key.this.arn
  permissions_boundary = var.permissions_boundary
  tags                 = local.tags
}

module "database" {
  source = "../../modules/rds"

  name                      = local.name
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.database_subnet_ids
  client_security_group_ids = { web = module.web.security_group_id }
  instance_class            = "db.t4g.medium"
  storage_gib               = { allocated = 50, max = 500 }
  multi_az                  = true
  backup_days               = 30
  deletion_protection       = true
  monitoring_seconds        = 60
  kms_key_arn               = aws_kms_key.this.arn
  log_retention_days        = 90
  permissions_boundary      = var.permissions_boundary
}

module "cache" {
  source = "../../modules/redis"

  name                      = local.name
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.database_subnet_ids
  client_security_group_ids = { web = module.web.security_group_id }
  node_type                 = "cache.t4g.small"
  replicas                  = 1
  snapshot_days             = 7
  kms_key_arn               = aws_kms_key.this.arn
  log_retention_days        = 90
}

module "waf" {
  source = "../../modules/waf"

  name               = local.name
  load_balancer_arns = { web = module.alb.arn }
  log_retention_days = 90
  log_kms_key_arn    = aws_kms_key.this.arn
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
  databases            = { database = { identifier = module.database.identifier, storage_gib = 50 } }
  caches               = module.cache.node_ids
  log_retention_days   = 90
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
