# The machine image of hosts that run containers: Amazon Linux 2023 with Docker, ready for SSM and ECR. Nothing of the
# application is in it: containers come by deployment.

packer {
  required_version = ">= 1.9.0"
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = "~> 1.3"
    }
  }
}

locals {
  # Names of images are unique in an account and region.
  name = "${var.name}-${formatdate("YYYYMMDD-hhmmss", timestamp())}"
}

source "amazon-ebs" "host" {
  region        = var.region
  ami_name      = local.name
  instance_type = var.instance_type
  subnet_id     = var.subnet_id

  source_ami_filter {
    owners      = ["amazon"]
    most_recent = true
    filters = {
      name                = "al2023-ami-2023.*-${var.architecture}"
      architecture        = var.architecture
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
  }

  # With an instance profile the build is reached through Session Manager and no port is open; without one SSH is, for
  # the address of this machine alone and as long as the build takes.
  ssh_username                              = "ec2-user"
  ssh_interface                             = var.instance_profile == "" ? "public_ip" : "session_manager"
  iam_instance_profile                      = var.instance_profile
  temporary_security_group_source_public_ip = var.instance_profile == ""

  # Credentials of the instance only by session token, in the build and in every instance of the image.
  imds_support = "v2.0"
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  launch_block_device_mappings {
    device_name           = "/dev/xvda"
    volume_type           = "gp3"
    volume_size           = var.volume_gib
    encrypted             = true
    delete_on_termination = true
  }

  tags = merge(var.tags, {
    Name        = local.name
    "slipway"   = "ami"
    "source-id" = "{{ .SourceAMI }}"
  })
  run_tags = merge(var.tags, { Name = "${local.name}-build" })
}

build {
  sources = ["source.amazon-ebs.host"]

  # What waits for the first start: cloud-init may still be installing.
  provisioner "shell" {
    inline = ["cloud-init status --wait"]
  }

  provisioner "file" {
    source      = "${path.root}/files/"
    destination = "/tmp"
  }

  provisioner "shell" {
    execute_command = "sudo sh -eu '{{ .Path }}'"
    script          = "${path.root}/install.sh"
  }

  # Last: nothing of the build stays in the image.
  provisioner "shell" {
    execute_command = "sudo sh -eu '{{ .Path }}'"
    script          = "${path.root}/clean.sh"
  }
}
