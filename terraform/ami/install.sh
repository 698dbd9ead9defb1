#!/bin/sh
# Runs as root in the build's instance: Docker, and what a deployment by SSM needs of a host.
set -eu

# Amazon Linux 2023 locks its repositories to the release of the image; updates come only with the newest one.
# Source: Amazon Linux 2023 User Guide, "Deterministic upgrades through versioned repositories".
printf latest > /etc/dnf/vars/releasever
dnf --assumeyes upgrade --refresh
# flock is of util-linux, base64 of coreutils; both are there, and named so that their absence is told here and not in a deployment.
dnf --assumeyes install docker amazon-ecr-credential-helper amazon-ssm-agent awscli-2 util-linux coreutils

install -D -m 0644 /tmp/docker-daemon.json /etc/docker/daemon.json
# Pulls are made by root, with the instance's own role.
install -D -m 0600 /tmp/docker-config.json /root/.docker/config.json
rm -f /tmp/docker-daemon.json /tmp/docker-config.json

# Security updates come by themselves between two images; a reboot for them is for the operator to choose.
dnf --assumeyes install dnf-automatic
sed -i 's/^upgrade_type.*/upgrade_type = security/; s/^apply_updates.*/apply_updates = yes/' /etc/dnf/automatic.conf

# Images that no container uses fill the disk in the end; a week keeps those to roll back to.
cat > /etc/systemd/system/docker-prune.service << 'UNIT'
[Unit]
Description=Remove images that no container has used for a week
After=docker.service
Requires=docker.service

[Service]
Type=oneshot
ExecStart=/usr/bin/docker image prune --all --force --filter until=168h
UNIT
cat > /etc/systemd/system/docker-prune.timer << 'UNIT'
[Unit]
Description=Remove unused images every day

[Timer]
OnCalendar=daily
RandomizedDelaySec=1h
Persistent=true

[Install]
WantedBy=timers.target
UNIT

systemctl daemon-reload
systemctl enable docker.service amazon-ssm-agent.service dnf-automatic.timer docker-prune.timer
systemctl start docker.service

# What a deployment will ask for, asked now: a build that cannot do it makes no image.
docker version
docker-credential-ecr-login version
aws --version
flock --version
