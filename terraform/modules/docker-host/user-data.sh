#!/bin/bash
# First start of a host: its memory and disk become metrics, which EC2 knows nothing of. Containers are the host program's.
set -eu

install -m 0755 /dev/stdin /usr/local/sbin/slipway-metrics << 'PROGRAM'
#!/bin/bash
# Per cent of memory used, and of the fullest of the root's and docker's file systems.
set -eu
export LC_ALL=C
memory=$(awk '/^MemTotal:/ { total = $2 } /^MemAvailable:/ { free = $2 } END { printf "%.1f", 100 * (total - free) / total }' /proc/meminfo)
folders=(/)
[ ! -d /var/lib/docker ] || folders+=(/var/lib/docker)
disk=$(df --output=pcent "$${folders[@]}" | tail -n +2 | tr -d ' %' | sort -n | tail -n 1)
dimensions='[{"Name":"AutoScalingGroupName","Value":"${group}"}]'
metric='{"MetricName":"%s","Dimensions":%s,"Unit":"Percent","Value":%s}'
# shellcheck disable=SC2059 # the format is the one above
data=$(printf "[$metric,$metric]" memory_used_percent "$dimensions" "$memory" disk_used_percent "$dimensions" "$disk")
aws cloudwatch put-metric-data --region '${region}' --namespace Slipway/Hosts --metric-data "$data"
PROGRAM

cat > /etc/systemd/system/slipway-metrics.service << 'UNIT'
[Unit]
Description=Tell CloudWatch of memory and disk
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/slipway-metrics
UNIT

cat > /etc/systemd/system/slipway-metrics.timer << 'UNIT'
[Unit]
Description=Tell CloudWatch of memory and disk every minute

[Timer]
OnBootSec=60
OnUnitActiveSec=60

[Install]
WantedBy=timers.target
UNIT

systemctl daemon-reload
systemctl enable --now slipway-metrics.timer
