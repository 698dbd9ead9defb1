# shellcheck shell=bash
# slipway-host: what runs on a host. An SSM command runs it with $payload set; /usr/local/sbin/slipway-host is the same
# text, run by systemd as `slipway-host serve`. Data are JSON, never part of a command line that a shell reads.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -u
umask 077
export PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin${PATH:+:$PATH}" HOME="${HOME:-/root}" LC_ALL=C

PROGRAM=/usr/local/sbin/slipway-host
CONFIG=/etc/slipway
# Survives a reboot, and what does not: secrets, locks, sockets. /run is memory.
STATE=/var/lib/slipway
RUN=/run/slipway
# Seconds that an operation waits for another one of the same component.
LOCK_WAIT=60
# SSM documents know double braces as their own, so the ones of docker's templates are made here.
OPEN='{' CLOSE='}'
OPEN=$OPEN$OPEN CLOSE=$CLOSE$CLOSE

log() { printf '%s\n' "$*" >&2; }

prepare() {
  mkdir -p "$STATE/components" "$STATE/proxy" "$RUN/lock" "$RUN/secrets" "$RUN/restarts" "$RUN/unfinished"
  chmod 700 "$RUN" "$STATE"
}

missing_programs() {
  local program missing=''
  for program in bash jq docker aws flock base64 curl haproxy socat; do
    command -v "$program" > /dev/null 2>&1 || missing="$missing $program"
  done
  printf '%s' "${missing# }"
}

# --- What is told ------------------------------------------------------------------------------------------------------

# Set where nobody waits for a result: the log gets what happened.
as_service=''
steps='' step_name='' step_began=0
result_image='' result_previous='' result_release='' result_previous_release='' result_facts='' result_logs=''

# Time since the boot, which no correction of the clock moves: set as now (s) and now_ms (ms), without a process.
look_at_clock() {
  local up
  IFS=' ' read -r up _ < /proc/uptime
  now=${up%.*} now_ms=$((10#${up/./} * 10))
}

now_ms() {
  local now now_ms
  look_at_clock
  printf '%s' "$now_ms"
}

end_step() {
  [ -n "$step_name" ] || return 0
  steps="$steps${steps:+,}{\"name\":\"$step_name\",\"ms\":$(($(now_ms) - step_began))}"
  step_name=''
}

# step NAME TEXT: a line for people who read live, and the time it took for the result.
step() {
  end_step
  step_name=$1 step_began=$(now_ms)
  printf 'slipway-step %s %s\n' "$1" "$2"
}

# finish STATE CAUSE [NEXT] [CODE]: the result line, always the last, and the exit code. Logs and facts come by files, being long.
finish() {
  local code=1 logs_file=${result_logs:-/dev/null} facts_file=${result_facts:-/dev/null}
  case $1 in succeeded | unchanged) code=0 ;; esac
  end_step
  if [ -n "${record_before:-}" ]; then rm -f "$RUN/unfinished/$component"; fi
  if [ -n "$as_service" ]; then
    log "slipway: $component: $1${2:+: $2}"
    [ -z "$result_logs" ] || rm -f "$result_logs"
    exit "${4:-$code}"
  fi
  printf 'slipway-result %s\n' "$(jq -nc --arg state "$1" --arg cause "$2" --arg next "${3:-}" \
    --arg image "$result_image" --arg previous "$result_previous" \
    --arg release "$result_release" --arg before "$result_previous_release" \
    --argjson steps "[$steps]" --rawfile logs "$logs_file" --rawfile facts "$facts_file" '
    {$state, $cause, $next, $image, $previous, $release, "previous-release": $before, $steps,
     logs: ($logs | split("\n") | map(select(. != ""))), facts: (if $facts == "" then {} else ($facts | fromjson) end)}' |
    base64 | tr -d '\n')"
  rm -f "$result_logs" "$result_facts"
  exit "${4:-$code}"
}

# --- The installed copy ------------------------------------------------------------------------------------------------

installed_version() { sed -n 's/^PROGRAM_VERSION=\([0-9][0-9]*\)$/\1/p' "$PROGRAM" 2> /dev/null | head -n 1; }

# Puts this program where systemd runs it, when what lies there is older. `serve` sees the new file and continues with it.
install_program() {
  local there
  there=$(installed_version)
  [ "${there:-0}" -ge "$PROGRAM_VERSION" ] && return 0
  [ "$(readlink -f "$0")" = "$PROGRAM" ] && return 0
  mkdir -p "${PROGRAM%/*}" && cat "$0" > "$PROGRAM.$$" && chmod 755 "$PROGRAM.$$" && mv -f "$PROGRAM.$$" "$PROGRAM"
}

# --- Whose host this is ------------------------------------------------------------------------------------------------

# metadata PATH: of the instance, by a session token (IMDSv2).
metadata() {
  local token
  token=$(curl -sf -m 2 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token) || return 1
  # The token opens nothing but this machine's metadata, for a minute; on stdin so that it is in no list of processes.
  curl -sf -m 2 -H @- "http://169.254.169.254/latest/$1" <<< "X-aws-ec2-metadata-token: $token"
}

# Sets own_environment, own_group and own_region from the file or the instance's tags; empty when neither says.
identify() {
  own_environment='' own_group='' own_region=''
  if [ -f "$CONFIG/host.json" ]; then
    own_environment=$(jq -r '.environment // ""' "$CONFIG/host.json")
    own_group=$(jq -r '.group // ""' "$CONFIG/host.json")
    own_region=$(jq -r '.region // ""' "$CONFIG/host.json")
  else
    own_group=$(metadata meta-data/tags/instance/slipway:host-group) || own_group=''
    if [ -n "$own_group" ]; then
      own_environment=$(metadata meta-data/tags/instance/slipway:environment) || own_environment=default
      own_region=$(metadata meta-data/placement/region) || own_region=''
    fi
  fi
  use_region "$own_region"
}

use_region() { if [ -n "$1" ]; then export AWS_REGION="$1" AWS_DEFAULT_REGION="$1"; fi; }

# The address on which the proxy takes requests: all of them unless the file names one.
bind_address() { { jq -er '.address // empty' "$CONFIG/host.json" 2> /dev/null; } || printf '*'; }
