#!/bin/sh
# Runs as root, last: every instance of the image makes its own keys and identity, and starts with empty logs.
set -eu

# The agent is left running: the build may be connected through it. An instance with another id registers anew.
systemctl stop slipway.service slipway-proxy.service docker.socket docker.service containerd.service
rm -rf /var/lib/amazon/ssm/Vault /var/lib/amazon/ssm/i-* /etc/docker/key.json /var/lib/docker/engine-id

apt-get -qq clean
rm -rf /var/lib/apt/lists/* /tmp/* /var/tmp/*
cloud-init clean --logs --seed
truncate --size 0 /etc/machine-id
rm -f /var/lib/dbus/machine-id /var/lib/systemd/random-seed
rm -f /etc/ssh/ssh_host_* /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys
rm -f /root/.bash_history /home/*/.bash_history
journalctl --quiet --rotate --vacuum-size=1
# Named after the machine that this one is no longer.
rm -rf /var/log/journal/*
find /var/log -type f -exec truncate --size 0 {} +
sync
