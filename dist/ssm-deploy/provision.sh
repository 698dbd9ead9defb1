# shellcheck shell=bash
# Provisioning: makes a Debian 12 or 13 or an Ubuntu 22.04 or 24.04 ready for deployments, as root, as often as you like.
# What is there is left alone, what it changes it says, and a second run changes nothing. Settings, from the environment:
#   SLIPWAY_SSH         keep (default), hardened (keys only, never root), none (off from the next boot on)
#   SLIPWAY_LOG_GROUP   CloudWatch log group for what containers print; empty: 3 files of 10 MB a container, on the host
#   SLIPWAY_METRICS     who reaches the node exporter on port 9100: loopback (default), private (addresses of RFC 1918)
#   SLIPWAY_KEYS        folder with public keys (default /etc/slipway/keys): aws-cli.asc instead of the built-in one;
#                       amazon-ssm-agent.asc, see provision_agent
#   SLIPWAY_AWSCLI_URL, SLIPWAY_AGENT_URL   mirrors of AWS's download folders

# Fails with the reason on stderr. In a shell of its own: packages and settings are for everybody to read, whatever the umask was.
# shellcheck disable=SC2030,SC2031 # a shell of its own, from which only text comes out
provision() (
  umask 022
  provision_changes=0
  for part in system lock repair packages awscli agent engine host ssh units check; do "provision_$part" || exit 1; done
  [ "$provision_changes" != 0 ] || provision_say 'nothing to change'
)

provision_say() { printf 'slipway-step provision %s\n' "$*"; }
# shellcheck disable=SC2031 # all of it runs in that one shell
provision_changed() {
  provision_changes=$((provision_changes + 1))
  provision_say "$@"
}
provision_fail() {
  printf 'slipway-host provision: %s\n' "$*" >&2
  return 1
}

# Documented test for systemd as the running init (sd_booted(3)). Without it, as in a chroot that becomes an image, units are
# enabled and start with the first boot.
provision_booted() { [ -d /run/systemd/system ]; }

provision_has() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# provision_file PATH MODE: writes standard input there if it is not there yet; succeeds if it has changed anything. What cannot be
# written ends the provisioning: "unchanged" and "failed" are one exit code to those who ask.
provision_file() {
  local new
  mkdir -p "${1%/*}" && new=$(mktemp "$1.slipway-XXXXXX") && cat >"$new" || provision_fail "$1 cannot be written" || exit 1
  if cmp -s "$new" "$1"; then
    rm -f "$new"
    return 1
  fi
  # Moved into place whole: a reader, or a power cut, never meets half of it.
  if ! { chmod "$2" "$new" && mv -f "$new" "$1"; }; then
    rm -f "$new"
    provision_fail "$1 cannot be written" || exit 1
  fi
  provision_changed "wrote $1"
}

provision_system() {
  [ "$(id -u)" = 0 ] || provision_fail 'run it as root' || return
  # shellcheck source=/dev/null
  provision_id=$(. /etc/os-release && printf '%s-%s' "${ID:-}" "${VERSION_ID:-}")
  case $provision_id in
    debian-12 | debian-13 | ubuntu-22.04 | ubuntu-24.04) ;;
    *) provision_fail "this is $provision_id; it provisions debian-12, debian-13, ubuntu-22.04 and ubuntu-24.04" || return ;;
  esac
  provision_arch=$(dpkg --print-architecture)
  case $provision_arch in amd64 | arm64) ;; *) provision_fail "no support for the architecture $provision_arch" || return ;; esac
  command -v systemctl >/dev/null || provision_fail 'it needs systemd' || return
  case ${SLIPWAY_SSH:=keep} in keep | hardened | none) ;; *) provision_fail "SLIPWAY_SSH is '$SLIPWAY_SSH': keep, hardened or none" || return ;; esac
  case ${SLIPWAY_METRICS:=loopback} in loopback | private) ;; *) provision_fail "SLIPWAY_METRICS is '$SLIPWAY_METRICS': loopback or private" || return ;; esac
  : "${SLIPWAY_KEYS:=/etc/slipway/keys}"
  # The characters that CloudWatch allows in a name.
  case ${SLIPWAY_LOG_GROUP:=} in *[!A-Za-z0-9_./#-]*) provision_fail "SLIPWAY_LOG_GROUP is '$SLIPWAY_LOG_GROUP': no name of a log group" || return ;; esac
}

# One at a time: two commands may ask for it at once, and each would take the other's halves for what is there.
provision_lock() {
  { mkdir -p /run/lock && exec 9>/run/lock/slipway-provision && flock -w 1200 9; } ||
    provision_fail 'another provisioning of this host takes more than 20 minutes'
}

# provision_locked COMMAND...: while another one has apt's or dpkg's locks, again, for ten minutes in all. cloud-init, apt-daily and
# unattended-upgrades have them in the first minutes of a host; apt's own DPkg::Lock::Timeout waits for one of the three locks alone,
# not for that of the lists or the archive (seen with apt 2.6 and 3.0), and dpkg waits for none.
provision_locked() {
  local until=$((SECONDS + ${provision_lock_wait:-600})) words status told=
  words=$(mktemp) || return
  while :; do
    # needrestart would restart services that are at work, at its own discretion.
    LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 "$@" 2>&1 9>&- | tee "$words" >&2
    status=${PIPESTATUS[0]}
    if [ "$status" = 0 ] || [ "$SECONDS" -ge "$until" ] ||
      ! grep -qE 'Could not get lock|Unable to lock|Unable to acquire|is locked by another process' "$words"; then
      break
    fi
    [ -n "$told" ] || provision_say 'waiting for another package manager'
    told=yes
    sleep 3
  done
  rm -f "$words"
  return "$status"
}
provision_apt() {
  provision_locked apt-get -qq -y -o DPkg::Lock::Timeout=60 -o Acquire::Retries=3 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold --no-install-recommends "$@"
}

# A package manager that was killed midway (a reboot, a cancelled command) refuses all that follows until this is done.
provision_repair() {
  [ -n "$(dpkg --audit 2>/dev/null)" ] || ls /var/lib/dpkg/updates/[0-9]* >/dev/null 2>&1 || return 0
  provision_locked dpkg --force-confdef --force-confold --configure -a || provision_apt --fix-broken install ||
    provision_fail 'packages were left half installed, and dpkg --configure -a does not mend it; see above' || return
  provision_changed 'completed packages that were half installed'
}
provision_refresh() {
  [ -n "${provision_fresh:-}" ] && return
  provision_apt update && provision_fresh=1
}
provision_candidate() { apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: *//p' | grep -v '(none)'; }

# provision_install PACKAGE...: those of them that are missing.
provision_install() {
  local package missing=()
  for package in "$@"; do provision_has "$package" || missing+=("$package"); done
  [ "${#missing[@]}" = 0 ] && return
  provision_refresh || provision_fail 'apt-get update failed; see above' || return
  provision_apt install "${missing[@]}" || provision_fail "apt-get install ${missing[*]} failed; see above" || return
  provision_changed "installed ${missing[*]}"
}

# All from the distribution: signed by keys that the system has, and kept up to date by unattended-upgrades. Docker too: an engine
# of another origin (docker-ce) that is there is as good.
provision_packages() {
  local engine=()
  # What settings are made and fetched with.
  provision_install ca-certificates curl jq || return
  if ! command -v dockerd >/dev/null; then
    engine=(docker.io iptables)
    # Debian 13 has its command line in a package of its own. Asked of an up-to-date list: that of a fresh image is empty.
    provision_refresh || provision_fail 'apt-get update failed; see above' || return
    if [ -n "$(provision_candidate docker-cli)" ]; then engine+=(docker-cli); fi
    # Before the engine's first start, so that it needs no second one.
    provision_daemon || return
    provision_loopback
  fi
  local metrics=()
  if provision_has prometheus-node-exporter; then
    :
  elif (exec 3<>/dev/tcp/127.0.0.1/9100) 2>/dev/null; then
    provision_say 'port 9100 is taken by something else: the node exporter is left out'
  else
    # Settings first here as well: it would listen on all addresses between its installation and its settings.
    metrics=(prometheus-node-exporter)
    provision_metrics
  fi
  # apparmor: where the kernel has it on, the engine starts no container without its parser.
  provision_install socat gpgv apparmor haproxy amazon-ecr-credential-helper unattended-upgrades \
    ${metrics[@]+"${metrics[@]}"} ${engine[@]+"${engine[@]}"} || return
  # Ours has a unit of its own, that an upgrade of the package does not restart. As the package brings it, the other one proxies nothing;
  # one with settings is somebody's.
  if [ ! -d /etc/systemd/system/haproxy.service.d ] && ! dpkg --verify haproxy | grep -qE '/etc/(haproxy/haproxy.cfg|default/haproxy)$'; then
    provision_off haproxy.service
  fi
}

provision_off() {
  systemctl --quiet is-enabled "$1" 2>/dev/null || return 0
  if provision_booted; then systemctl stop "$1"; fi
  systemctl --quiet disable "$1" 2>/dev/null
  provision_changed "turned $1 off"
}

provision_on() {
  local unit
  for unit in "$@"; do
    if ! systemctl --quiet is-enabled "$unit" 2>/dev/null; then
      systemctl --quiet enable "$unit" 2>/dev/null || provision_fail "systemctl enable $unit failed" || return
      provision_changed "enabled $unit"
    fi
    if provision_booted && ! systemctl --quiet is-active "$unit"; then
      systemctl start "$unit" || provision_fail "$unit does not start; see: journalctl -u $unit" || return
      provision_changed "started $unit"
    fi
  done
}

# provision_fetch URL FILE KEYRING: a download and its detached signature beside it, verified before anything is done with it.
# gpgv says yes to good signatures of the keyring's keys alone, also to a key whose expiry date, in our copy, has passed: AWS
# moves these dates on.
provision_fetch() {
  local to
  for to in '' .sig; do
    curl --fail --silent --show-error --location --retry 3 --connect-timeout 10 --max-time 300 --output "$2$to" "$1$to" ||
      provision_fail "$1$to cannot be downloaded; behind a proxy, set a mirror" || return
  done
  gpgv --keyring "$3" "$2.sig" "$2" 2>"$2.words" && return
  cat "$2.words" >&2
  provision_fail "$1 is not signed by the key that is known here; if its owner has a new one, put it into SLIPWAY_KEYS"
}
# An armoured key as the keyring that gpgv reads.
provision_keyring() { sed -n '/^-----BEGIN/,/^-----END/p' "$1" | sed '1,/^ *$/d; /^[=-]/d' | base64 -d >"$2"; }

provision_awscli() {
  case $(aws --version 2>/dev/null) in aws-cli/2.*) return ;; esac
  provision_refresh
  case $(provision_candidate awscli) in
    2.*) provision_install awscli && return ;;
  esac
  # Ubuntu has version 1 or none: AWS's own installer.
  provision_install unzip || return
  local work machine=x86_64 status=0
  if [ "$provision_arch" = arm64 ]; then machine=aarch64; fi
  work=$(mktemp -d) || return
  {
    if [ -e "$SLIPWAY_KEYS/aws-cli.asc" ]; then
      provision_keyring "$SLIPWAY_KEYS/aws-cli.asc" "$work/key"
    else
      base64 -d >"$work/key" <<<"$provision_awscli_key"
    fi &&
      provision_fetch "${SLIPWAY_AWSCLI_URL:-https://awscli.amazonaws.com}/awscli-exe-linux-$machine.zip" "$work/zip" "$work/key" &&
      unzip -q "$work/zip" -d "$work" && "$work/aws/install" --update >&2
  } || status=1
  rm -rf "$work"
  [ "$status" = 0 ] || provision_fail 'the aws command line could not be installed; see above' || return
  provision_changed "installed $(/usr/local/bin/aws --version)"
}

# The agent: on Ubuntu and by default on Debian the snap, whose signature snapd checks. AWS's .deb where its key is given, since AWS
# replaces that key every other year and publishes it on a page only ("Verifying the signature of the SSM Agent").
provision_agent() {
  command -v amazon-ssm-agent >/dev/null && return
  [ -e /snap/amazon-ssm-agent ] && return
  if [ ! -e "$SLIPWAY_KEYS/amazon-ssm-agent.asc" ]; then
    if ! command -v snap >/dev/null; then provision_install snapd || return; fi
    # A classic snap asks for /snap, which only Ubuntu has from the start.
    [ -e /snap ] || ln -s /var/lib/snapd/snap /snap
    timeout 300 snap wait system seed.loaded >&2
    timeout 600 snap install amazon-ssm-agent --classic >&2 || provision_fail 'snap install amazon-ssm-agent failed; see above' || return
    provision_changed 'installed amazon-ssm-agent (snap)'
    return
  fi
  local work status=0
  work=$(mktemp -d) || return
  {
    provision_keyring "$SLIPWAY_KEYS/amazon-ssm-agent.asc" "$work/key" &&
      provision_fetch "${SLIPWAY_AGENT_URL:-https://s3.amazonaws.com/ec2-downloads-windows/SSMAgent/latest}/debian_$provision_arch/amazon-ssm-agent.deb" \
        "$work/agent.deb" "$work/key" && provision_apt install "$work/agent.deb"
  } || status=1
  rm -rf "$work"
  [ "$status" = 0 ] || provision_fail 'the SSM agent could not be installed; see above' || return
  provision_changed 'installed amazon-ssm-agent (deb)'
}

# live-restore: containers run on while the engine is updated. No userland proxy for the same: a port on 127.0.0.1 that a process of
# the engine forwards is dead while it restarts, a rule of the kernel goes on. awslogs and not the CloudWatch agent: the engine has it,
# so nothing more is to be installed, signed, updated and given rights; non-blocking, an unreachable CloudWatch neither stalls a container
# nor keeps it from starting; and `docker logs` works as before.
provision_daemon() {
  local file=/etc/docker/daemon.json have='{}' wanted flags
  if [ -s $file ]; then have=$(cat $file); fi
  # An engine with a setting in both its file and its command line does not start any more.
  flags=$(cat {/lib,/etc}/systemd/system/docker.service /etc/systemd/system/docker.service.d/*.conf /etc/default/docker 2>/dev/null | grep -v '^ *#')
  # Nor does a node of a swarm with live-restore.
  if [ -e /var/lib/docker/swarm/docker-state.json ]; then
    flags="$flags --live-restore"
    provision_say 'this is a node of a swarm, which has no live-restore: its containers end whenever the engine is updated'
  fi
  # A key that is there wins; the options of a log driver belong to it.
  wanted=$(jq -n --argjson have "$have" --arg group "$SLIPWAY_LOG_GROUP" --arg flags "$flags" '
    def told($name): $flags | contains("--" + $name);
    (if ($have | has("log-driver") or has("log-opts")) or told("log-driver") or told("log-opt") then {}
     elif $group == "" then {"log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "3"} }
     else {"log-driver": "awslogs", "log-opts": {"awslogs-group": $group, "mode": "non-blocking", "max-buffer-size": "4m"} } end)
    + ({"live-restore": true, "userland-proxy": false, "no-new-privileges": true} | with_entries(select(told(.key) | not)))
    + $have') ||
    provision_fail "$file is no JSON object; correct it, or remove it" || return
  if [ -n "$SLIPWAY_LOG_GROUP" ] && ! grep -qF "\"$SLIPWAY_LOG_GROUP\"" <<<"$wanted"; then
    provision_say "$file has log settings of its own: containers are not logged to $SLIPWAY_LOG_GROUP"
  fi
  if [ "$(jq -S . <<<"$wanted")" = "$(jq -S . <<<"$have")" ]; then return; fi
  provision_file $file 0644 <<<"$wanted"
  if provision_booted && systemctl --quiet is-active docker.service; then
    # Never a restart: containers may be at work, and without live-restore until now they would end.
    systemctl reload docker.service
    provision_say 'reloaded docker; log settings count for new containers after its next restart'
  fi
}

# Without the userland proxy the engine sets route_localnet on its bridges, and the kernel then takes packets for 127.0.0.0/8 from
# containers too: what listens on the host's loopback alone would be open to them (seen; compare CVE-2020-8558). Published ports on
# 127.0.0.1 do not come that way. The long form of no option: see the flags above.
provision_loopback() {
  local rule='PREROUTING ! -i lo -d 127.0.0.0/8 -j DROP'
  provision_file /etc/systemd/system/docker.service.d/slipway.conf 0644 <<UNIT || return 0
# Written by slipway-host provision: what listens on the loopback of this host stays its own, also for containers.
[Service]
ExecStartPre=-/bin/sh -c 'iptables -w -t raw -C $rule 2>/dev/null || iptables -w -t raw -I $rule'
UNIT
  if provision_booted; then
    systemctl daemon-reload
    # shellcheck disable=SC2086 # words of a rule
    if command -v dockerd >/dev/null; then iptables -w -t raw -C $rule 2>/dev/null || iptables -w -t raw -I $rule; fi
  fi
  return 0
}

provision_engine() {
  provision_daemon || return
  provision_loopback
  # Pulls are root's, with the role of the instance: no login, nothing to expire.
  local file=/root/.docker/config.json have='{}' wanted
  if [ -s $file ]; then have=$(cat $file); fi
  # With a store for all, the logins in this file count no more: those that somebody relies on stay the only way.
  wanted=$(jq 'if has("credsStore") or ((.auths // {}) | length > 0) then . else . + {"credsStore": "ecr-login"} end' <<<"$have") ||
    provision_fail "$file is no JSON object; correct it, or remove it" || return
  if [ "$(jq -S . <<<"$have")" != "$(jq -S . <<<"$wanted")" ]; then provision_file $file 0600 <<<"$wanted"; fi
  case $(jq -r '.credsStore // ""' <<<"$wanted") in
    ecr-login) ;;
    '') provision_say "$file has logins and is left alone; for images of ECR name their registry in its credHelpers, with ecr-login" ;;
    *) provision_say "$file has another credential store and is left alone; it has to know the registry of your images" ;;
  esac
}

provision_metrics() {
  local listen=127.0.0.1:9100 fence=
  if [ "$SLIPWAY_METRICS" = private ]; then
    # An image does not know its hosts' addresses: it listens on all, and the kernel lets only these talk to it.
    listen=:9100 fence='IPAddressDeny=any
IPAddressAllow=localhost 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16'
  fi
  provision_file /etc/systemd/system/prometheus-node-exporter.service.d/slipway.conf 0644 <<UNIT
# Written by slipway-host provision.
[Service]
EnvironmentFile=
Environment=ARGS=--web.listen-address=$listen
$fence
UNIT
}

provision_host() {
  # A node exporter that was there before has no such file, and keeps its settings.
  if [ -e /etc/systemd/system/prometheus-node-exporter.service.d/slipway.conf ] && provision_metrics && provision_booted; then
    systemctl daemon-reload && systemctl try-restart prometheus-node-exporter.service
  fi
  # A reboot for an update stays the operator's choice.
  provision_file /etc/apt/apt.conf.d/52slipway-upgrades 0644 <<'CONF'
// Written by slipway-host provision. Which origins count is in 50unattended-upgrades: the distribution's security updates at least.
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
APT::Periodic::AutocleanInterval "7";
Unattended-Upgrade::Remove-Unused-Kernel-Packages "true";
CONF
  if provision_file /etc/systemd/journald.conf.d/slipway.conf 0644 <<'CONF' && provision_booted; then systemctl restart systemd-journald; fi
# Written by slipway-host provision: the journal outlives a reboot, and never fills the disk.
[Journal]
Storage=persistent
SystemMaxUse=500M
CONF
  if provision_file /etc/sysctl.d/60-slipway.conf 0644 <<'CONF' && provision_booted; then sysctl -q -p /etc/sysctl.d/60-slipway.conf; fi
# Written by slipway-host provision.
# A backlog that bursts fit into, for the proxy and what is behind it.
net.core.somaxconn = 4096
net.ipv4.tcp_max_syn_backlog = 4096
# 128 watchers for root, which all containers share, are used up soon.
fs.inotify.max_user_instances = 1024
fs.inotify.max_user_watches = 524288
# A host that has panicked comes back, instead of standing still.
kernel.panic = 10
CONF
  return 0
}

provision_ssh() {
  [ "$SLIPWAY_SSH" = keep ] && return
  if ! command -v sshd >/dev/null; then return; fi
  if [ "$SLIPWAY_SSH" = none ]; then
    # Disabled, not stopped: who is building an image is connected by it. Ubuntu 24.04 starts it by its socket.
    local unit
    for unit in ssh.socket ssh.service; do
      systemctl --quiet is-enabled $unit 2>/dev/null || continue
      systemctl --quiet disable $unit 2>/dev/null
      provision_changed "disabled $unit; it stays up until the next boot"
    done
    return
  fi
  # Where root alone has a key, nobody could log in any more.
  if provision_booted && [ -s /root/.ssh/authorized_keys ] && ! provision_has_keys; then
    provision_fail 'SLIPWAY_SSH=hardened would shut you out: root alone has a key (authorized_keys); give one to another user, or choose none'
    return
  fi
  # 10: the first value counts, and cloud-init writes a 50. No MaxAuthTries: an agent with more keys than that is shut out.
  provision_file /etc/ssh/sshd_config.d/10-slipway.conf 0644 <<'CONF'
# Written by slipway-host provision.
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowAgentForwarding no
X11Forwarding no
LoginGraceTime 30
CONF
  mkdir -p /run/sshd
  if ! sshd -t; then
    rm -f /etc/ssh/sshd_config.d/10-slipway.conf
    provision_fail 'sshd refuses its settings; they are taken back'
    return
  fi
  # An older main file may not include the folder, and an earlier file of it wins.
  local line
  for line in 'permitrootlogin no' 'passwordauthentication no' 'kbdinteractiveauthentication no'; do
    sshd -T 2>/dev/null | grep -qx "$line" || provision_fail "sshd is not hardened: '$line' does not hold; see sshd -T and the files that /etc/ssh/sshd_config includes" || return
  done
  # Always: a run before may have ended between the file and this.
  if provision_booted; then systemctl try-reload-or-restart ssh.service; fi
}
# Whether somebody but root can log in by a key: EC2 Instance Connect and others ask a command for them.
provision_has_keys() {
  local user home
  sshd -T 2>/dev/null | grep -i '^authorizedkeyscommand ' | grep -qv ' none$' && return
  while IFS=: read -r user _ _ _ _ home _; do
    if [ "$user" != root ] && [ -s "$home/.ssh/authorized_keys" ]; then return 0; fi
  done < <(getent passwd)
  return 1
}

provision_units() {
  local reload=0 before
  provision_file /etc/systemd/system/slipway-prune.service 0644 <<'UNIT' && reload=1
# Written by slipway-host provision.
[Unit]
Description=Slipway: removes images that no container uses
After=docker.service

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/slipway-host prune
UNIT
  provision_file /etc/systemd/system/slipway-prune.timer 0644 <<'UNIT' && reload=1
# Written by slipway-host provision.
[Unit]
Description=Slipway: removes unused images every day

[Timer]
OnCalendar=daily
RandomizedDelaySec=2h
Persistent=true

[Install]
WantedBy=timers.target
UNIT
  if [ "$reload" = 1 ] && provision_booted; then systemctl daemon-reload; fi
  before=$(provision_sums)
  install_program && install_units || provision_fail 'slipway-host and its units could not be installed' || return
  [ "$before" = "$(provision_sums)" ] || provision_changed 'installed slipway-host and its units'
  provision_on docker.service unattended-upgrades.service slipway-prune.timer || return
  if provision_has prometheus-node-exporter; then provision_on prometheus-node-exporter.service; fi
}

provision_sums() { cksum /usr/local/sbin/slipway-host /etc/systemd/system/slipway.service /etc/systemd/system/slipway-proxy.service 2>&1; }

# What a deployment will ask for, asked now: a build that cannot do it makes no image.
provision_check() {
  local tool
  for tool in docker dockerd haproxy jq socat curl aws docker-credential-ecr-login flock base64; do
    command -v $tool >/dev/null || provision_fail "$tool is missing although its package is installed" || return
  done
  if provision_booted; then
    docker version >/dev/null || provision_fail 'the engine does not answer; see: journalctl -u docker' || return
  fi
}

# "AWS CLI Team <aws-cli@amazon.com>", FB5DB77FD5C118B80511ADA8A6310ACC4672475C, as in the AWS CLI User Guide, "Installing or updating".
provision_awscli_key='mQINBF2Cr7UBEADJZHcgusOJl7ENSyumXh85z0TRV0xJorM2B/JL0kHOyigQluUGZMLhENaG0bYatdrKP+3H91lvK050pXwnO/R7
fB/FSTouki4ciIx5OuLlnJZIxSzxPqGl0mkxImLNbGWoi6Lto0LYxqHN2iQtzlwTVmq9733zd3XfcXrZ3+LblHAgEt5GTfNxEKJ8
soPLyWmwDH6HWCnjZ/aIQRBTIQ05uVeEoYxSh6wOai7ss/KveoSNBbYzgbdzoqI2Y8cgH2nbfgp3DSasaLZEdCSsIsK1u05CinE7
k2qZ7KgKAUIcT/cR/grkC6VwsnDU0OUCideXcQ8WeHutqvgZH1JgKDbznoIzeQHJD238GEu+eKhRHcz8/jeG94zkcgJOz3KbZGYM
iTh277Fvj9zzvZsbMBCedV1BTg3TqgvdX4bdkhf5cH+7NtWOlrFj6UwAsGukBTAOxC0l/dnSmZhJ7Z1KmEWilro/gOrjtOxqRQut
lIqG22TaqoPGfYVN+en3Zwbt97kcgZDwqbuykNt64oZWc4XKCa3mprEGC3IbJTBFqglXmZ7l9ywGEEUJYOlb2XrSuPWml39beWdK
M8kzr1OjnlOm6+lpTRCBfo0wa9F8YZRhHPAkwKkXXDeOGpWRj4ohOx0d2GWkyV5xyN14p2tQOCdOODmz80yUTgRpPVQUtOEhXQAR
AQABtCFBV1MgQ0xJIFRlYW0gPGF3cy1jbGlAYW1hem9uLmNvbT6JAlQEEwEIAD4CGwMFCwkIBwIGFQoJCAsCBBYCAwECHgECF4AW
IQT7Xbd/1cEYuAURraimMQrMRnJHXAUCakV0ygUJDqP4lQAKCRCmMQrMRnJHXFHjD/9eyZLYcKuQOlLvtqSDtUBiEZf6ZZjMi3yg
YH8rJNtuToUH+HvSpe819urJCquXhDrlK6N+aqW0hCLtNABJG/vsafIgvIYJhSGgpgtNnQyMV1jViRWqPjbouw8OkYKBThUfT1i2
Y+wn58ifs6ODBCmTexWtXspASi+Gt49xDOW0APmbOPnI+a4HJW6tVEo6MWS0WjzpiBayR3d1A4pt4YrPfSdDgpLoh2SLQqlRqvvV
ZJaWBjhkErNFpfsBA06sDcPEOb0G8LBUbR4WOcdvhe5LubJbZuxCAG9kNPCVeQP1ixwjgjXKysaxeQ6rv0VzIQgRp6tLVLWhy6AK
DNvLjFSsmXZ1Wl08Y/RlOHXlzLuQMRE6sR1wOdRxc9TsrNWTGiBK65cvSWOy03JeBkQQ8pesqltiyxI9U21kkgiXtTSKNGfKK8pO
27D81YANhRqPK7iTp6kuFiY2WtOg90KTMNlIT+Ff85Y2b1rHj6Z0SrCkJujhWk3IBPic/wJgz01LEc/OAdUPlby90RJZcIBhSlWh
T7mXnXIOc0HWlNQrns2s3CTyYwZSiSlYe9ApeLwhjDo8NhbFuCAy61l6O5UsR4AfZxx/rGKv2wFb1/RN/P4gNe6vmxZAPjR0AQcw
D3tc2McimOLr/22kmPz8IH3I0X7WoSFr0BizE91G7bb0hOb/cA=='
