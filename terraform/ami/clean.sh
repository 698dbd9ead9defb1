#!/bin/sh
# Runs as root, last: every instance of the image makes its own keys and identity, and starts with empty logs.
set -eu

systemctl stop docker.service docker.socket amazon-ssm-agent.service
rm -rf /var/lib/amazon/ssm/Vault /var/lib/amazon/ssm/i-*
dnf clean all
rm -rf /var/cache/dnf /tmp/* /var/tmp/*
cloud-init clean --logs --seed
truncate --size 0 /etc/machine-id
rm -f /etc/ssh/ssh_host_* /root/.ssh/authorized_keys /home/ec2-user/.ssh/authorized_keys
rm -f /root/.bash_history /home/ec2-user/.bash_history
find /var/log -type f -exec truncate --size 0 {} +
sync
