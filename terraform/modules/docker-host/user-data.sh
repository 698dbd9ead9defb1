#!/bin/bash
# First start of a host: memory and disk as metrics. Containers are the host program's, which the image starts.
set -u

folder=/opt/aws/amazon-cloudwatch-agent
[ -x "$folder/bin/amazon-cloudwatch-agent-ctl" ] || dnf --assumeyes install amazon-cloudwatch-agent || exit 0
cat > "$folder/etc/slipway.json" << 'AGENT'
${agent}
AGENT
"$folder/bin/amazon-cloudwatch-agent-ctl" -a fetch-config -m ec2 -s -c "file:$folder/etc/slipway.json"
