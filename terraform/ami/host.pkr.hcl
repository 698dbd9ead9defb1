# The machine image of hosts that run containers: Ubuntu LTS or Debian, provisioned by `slipway-host provision`, which is also what
# the action ssm-deploy runs with `bootstrap: true` on a host that is there. Nothing of an application is in it.

locals {
  # Publishers' accounts. Sources: Ubuntu on AWS, "Find Ubuntu images on AWS"; wiki.debian.org/Cloud/AmazonEC2Image.
  canonical = "099720109477"
  debian    = "136693071363"

  bases = {
    "ubuntu-24.04" = { owner = local.canonical, image = "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-%s-server-*", user = "ubuntu", device = "/dev/sda1" }
    "ubuntu-22.04" = { owner = local.canonical, image = "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-%s-server-*", user = "ubuntu", device = "/dev/sda1" }
    "debian-13"    = { owner = local.debian, image = "debian-13-%s-2*", user = "admin", device = "/dev/xvda" }
    "debian-12"    = { owner = local.debian, image = "debian-12-%s-2*", user = "admin", device = "/dev/xvda" }
  }
  base = local.bases[var.distribution]

  # The name of the architecture in the distributions' own terms.
  debian_architecture = var.architecture == "x86_64" ? "amd64" : "arm64"
  instance_type       = var.instance_type != "" ? var.instance_type : (var.architecture == "arm64" ? "t4g.small" : "t3.small")

  # Ubuntu's images bring the SSM agent, Debian's do not: they cannot be reached through it before it is installed.
  has_agent     = local.base.owner == local.canonical
  ssh_interface = var.ssh_interface != "" ? var.ssh_interface : (var.instance_profile != "" && local.has_agent ? "session_manager" : "public_ip")

  # Names of images are unique in an account and region.
  name = "${var.name}-${var.distribution}-${local.debian_architecture}-${formatdate("YYYYMMDD-hhmmss", timestamp())}"

  tags = merge(var.tags, {
    Name                   = local.name
    "slipway"              = "ami"
    "slipway:distribution" = var.distribution
  })
}

source "amazon-ebs" "host" {
  region          = var.region
  ami_name        = local.name
  ami_description = "Slipway host: ${var.distribution} with Docker"
  instance_type   = local.instance_type
  subnet_id       = var.subnet_id

  source_ami_filter {
    owners      = [local.base.owner]
    most_recent = true
    filters = {
      name                = format(local.base.image, local.debian_architecture)
      architecture        = var.architecture
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
  }

  # Where SSH is open, it is for the address of this machine alone and as long as the build takes.
  ssh_username                              = local.base.user
  ssh_interface                             = local.ssh_interface
  iam_instance_profile                      = var.instance_profile
  temporary_security_group_source_public_ip = local.ssh_interface == "public_ip"
  # Debian 13 and Ubuntu 24.04 take no RSA key with SHA-1 signatures any more.
  temporary_key_pair_type = "ed25519"

  # Packer ends its instance, also when it is interrupted. Should it be killed itself, the instance goes on its own.
  shutdown_behavior = "terminate"
  user_data         = "#!/bin/sh\nshutdown -h +${var.end_after_minutes}\n"

  # Credentials of the instance only by session token, and not for containers behind one more hop: in the build and, where the launch
  # template does not say otherwise, in every instance of the image.
  imds_support = "v2.0"
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    instance_metadata_tags      = "enabled"
  }

  launch_block_device_mappings {
    device_name           = local.base.device
    volume_type           = "gp3"
    iops                  = 3000
    throughput            = 125
    volume_size           = var.volume_gib
    encrypted             = true
    kms_key_id            = var.kms_key_id
    delete_on_termination = true
  }
  encrypt_boot       = true
  kms_key_id         = var.kms_key_id
  region_kms_key_ids = var.region_kms_key_ids
  ami_regions        = var.ami_regions
  ami_users          = var.ami_users

  tags            = merge(local.tags, { "slipway:base" = "{{ .SourceAMI }}" })
  snapshot_tags   = local.tags
  run_tags        = merge(var.tags, { Name = "${local.name}-build", "slipway" = "ami-build" })
  run_volume_tags = merge(var.tags, { Name = "${local.name}-build" })
}

build {
  sources = ["source.amazon-ebs.host"]

  # What waits for the first start: cloud-init may still be installing. 2 is "done, with warnings".
  provisioner "shell" {
    inline = [
      "cloud-init status --wait || [ $? -eq 2 ]",
      "mkdir -p /tmp/slipway",
    ]
  }

  provisioner "file" {
    source      = "${path.root}/files/"
    destination = "/tmp/slipway"
  }

  provisioner "shell" {
    execute_command  = "sudo env {{ .Vars }} sh -eu '{{ .Path }}'"
    environment_vars = ["DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1"]
    # apt waits for one of its three locks alone. These two end by themselves what they are at.
    inline = [
      "systemctl stop apt-daily.timer apt-daily-upgrade.timer apt-daily.service apt-daily-upgrade.service",
      "apt-get -qq -o DPkg::Lock::Timeout=300 update",
      "apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold full-upgrade",
    ]
  }

  provisioner "shell" {
    execute_command = "sudo env {{ .Vars }} sh -eu '{{ .Path }}'"
    environment_vars = [
      "SLIPWAY_SSH=${var.ssh}",
      "SLIPWAY_METRICS=${var.metrics}",
      "SLIPWAY_LOG_GROUP=${var.log_group}",
      "SLIPWAY_KEYS=/tmp/slipway/keys",
    ]
    inline = ["bash /tmp/slipway/slipway-host provision"]
  }

  # Last: nothing of the build stays in the image.
  provisioner "shell" {
    execute_command = "sudo sh -eu '{{ .Path }}'"
    script          = "${path.root}/clean.sh"
  }
}
