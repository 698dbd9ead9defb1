#!/bin/sh
# What runs on a host: the same for every deployment. All data come in $payload, base64 of lines "key base64", so that no
# value is ever part of a command. Needs docker, base64 and flock; secrets need the aws command line.
# The last line it prints is "slipway-result STATE key=base64 …". SSM reads double braces as its own, so there are none here.
set -u
: "${payload:?is set by the line that the SSM document puts before this script}"
umask 077
state=/run/slipway
mkdir -p "$state"
operation='' name='' image='' release='' revision='' port='' network='' memory='' order='' stable=0 healthy=0
input=$(mktemp "$state/input.XXXXXX")
trap 'rm -f "$input" "$input.err"' EXIT
printf %s "$payload" | base64 -d > "$input" || { echo 'the payload is not base64'; exit 64; }

decode() { printf %s "$1" | base64 -d; }
encode() { printf %s "$1" | base64 | tr -d '\n'; }
# result STATE CAUSE IMAGE PREVIOUS-IMAGE
result() { echo "slipway-result $1 cause=$(encode "$2") image=$(encode "$3") previous=$(encode "$4")"; }

while read -r key value; do
  case $key in
    operation) operation=$(decode "$value") ;;
    name) name=$(decode "$value") ;;
    image) image=$(decode "$value") ;;
    release) release=$(decode "$value") ;;
    revision) revision=$(decode "$value") ;;
    port) port=$(decode "$value") ;;
    network) network=$(decode "$value") ;;
    memory) memory=$(decode "$value") ;;
    order) order=$(decode "$value") ;;
    stable) stable=$(decode "$value") ;;
    healthy) healthy=$(decode "$value") ;;
  esac
done < "$input"

if ! docker version > /dev/null 2>&1; then
  result failed 'the docker engine does not answer on this host' '' ''
  exit 69
fi
exec 9> "$state/$name.lock"
if ! flock -w 60 9; then
  result failed "another deployment of $name holds the lock on this host" '' ''
  exit 75
fi

field() { docker inspect --type container --format "{""{$2}""}" "$1" 2> /dev/null; }
exists() { field "$1" .Id > /dev/null; }
# Health as the engine sees it; `none` without a health check. docker prints an empty line before it fails.
health() { seen=$(field "$1" .State.Health.Status) || seen=none; echo "$seen"; }
running() { [ "$(field "$1" .State.Running)" = true ]; }
image_of() { field "$1" 'index .Config.Labels "slipway.image"'; }
stop() { if running "$1"; then docker stop --time 30 "$1" > /dev/null; fi; }
remove() { docker rm --force "$1" > /dev/null 2>&1; }

# The role of a container is its name, since docker cannot change labels: NAME serves, NAME-next is the candidate,
# NAME-previous is what NAME replaced last.
current=$name next=$name-next previous=$name-previous

# 0 when the candidate lives; else the reason is in $why. A crash shows as "not running": nothing restarts a candidate.
wait_healthy() {
  began=$(date +%s)
  while :; do
    age=$(($(date +%s) - began))
    if ! running "$next"; then
      why="the container ended with exit code $(field "$next" .State.ExitCode)"
      if [ "$(field "$next" .State.OOMKilled)" = true ]; then why="$why (out of memory)"; fi
      return 1
    fi
    case $(health "$next") in
      unhealthy) why='its health check failed' && return 1 ;;
      healthy) return 0 ;;
      none) if [ "$age" -ge "$stable" ]; then return 0; fi ;;
    esac
    if [ "$age" -ge "$healthy" ]; then
      why="it was not healthy within $healthy s"
      return 1
    fi
    sleep 1
  done
}

# Secrets of containers that are gone go too; those of the two that are kept stay, since either may be started again.
forget_secrets() {
  for folder in /dev/shm/slipway/"$name"-????????????????; do
    used=no
    for container in "$current" "$previous"; do
      release_of=$(field "$container" 'index .Config.Labels "slipway.release"') || continue
      if [ "$folder" = "/dev/shm/slipway/$name-$release_of" ]; then used=yes; fi
    done
    if [ "$used" = no ]; then rm -rf "$folder"; fi
  done
}

# back CAUSE: removes the candidate and lets what ran before serve again.
back() {
  if exists "$next"; then
    echo 'last lines of the container that failed:'
    docker logs --tail 30 "$next" 2>&1 | cut -c 1-400
    remove "$next"
  fi
  forget_secrets
  if ! exists "$current"; then
    result failed "$1; nothing ran here before" '' ''
  else
    running "$current" || docker start "$current" > /dev/null
    if running "$current"; then
      result rolled-back "$1" "$(image_of "$current")" ''
    else
      result failed "$1; and the container that ran before does not start again" '' ''
    fi
  fi
  exit 1
}

# The candidate is good: it takes the name, and the engine may restart it from now on.
swap() {
  remove "$previous"
  if exists "$current"; then
    stop "$current"
    docker update --restart no "$current" > /dev/null
    docker rename "$current" "$previous"
  fi
  docker rename "$next" "$current"
  docker update --restart unless-stopped "$current" > /dev/null
  forget_secrets
}

# read_secret NAME=PARAMETER: into memory-backed storage; root alone can list it, the container's user can read its own.
read_secret() {
  variable=${1%%=*}
  mkdir -p "$secrets"
  # The command ends the value with a line end of its own; the x keeps $() from taking away the value's.
  if ! plain=$(aws ssm get-parameter --name "${1#*=}" --with-decryption --query Parameter.Value --output text 2> "$input.err" && echo x); then
    back "the secret $variable cannot be read from ${1#*=}: $(cat "$input.err")"
  fi
  printf %s "${plain%?x}" > "$secrets/$variable"
  unset plain
  chmod 444 "$secrets/$variable"
}

deploy() {
  if running "$current" && [ "$(field "$current" 'index .Config.Labels "slipway.release"')" = "$release" ]; then
    result unchanged 'it runs here already' "$image" ''
    exit 0
  fi
  remove "$next"
  echo 'pulling the image'
  pulled=$(docker pull --quiet "$image" 2>&1) || back "the image cannot be pulled: $pulled"
  secrets=/dev/shm/slipway/$name-$release
  set -- --detach --name "$next" \
    --label "slipway.name=$name" --label "slipway.release=$release" --label "slipway.image=$image" \
    --env "SLIPWAY_REVISION=$revision" --env "SLIPWAY_DIGEST=${image##*@}" \
    --log-driver json-file --log-opt max-size=10m --log-opt max-file=3
  if [ -n "$port" ]; then set -- "$@" --publish "$port"; fi
  if [ -n "$network" ]; then set -- "$@" --network "$network"; fi
  if [ -n "$memory" ]; then set -- "$@" --memory "$memory"; fi
  while read -r key value; do
    case $key in
      env) set -- "$@" --env "$(decode "$value")" ;;
      volume) set -- "$@" --volume "$(decode "$value")" ;;
      secret)
        read_secret "$(decode "$value")"
        set -- "$@" --volume "$secrets/$variable:/run/secrets/$variable:ro" --env "${variable}_FILE=/run/secrets/$variable"
        ;;
    esac
  done < "$input"
  if [ "$order" = stop-first ]; then stop "$current"; fi
  echo 'starting the new container'
  started=$(docker run "$@" "$image" 2>&1) || back "the container does not start: $started"
  wait_healthy || back "$why"
  before=$(image_of "$current")
  swap
  result succeeded '' "$image" "$before"
}

rollback() {
  if ! exists "$previous"; then
    result failed 'no earlier container is kept on this host' '' ''
    exit 1
  fi
  docker rename "$previous" "$next"
  stop "$current"
  started=$(docker start "$next" 2>&1) || back "the earlier container does not start: $started"
  wait_healthy || back "$why"
  before=$(image_of "$current")
  swap
  result succeeded '' "$(image_of "$current")" "$before"
}

status() {
  if ! running "$current"; then
    result failed "no container of $name runs here" '' "$(image_of "$previous")"
    exit 1
  fi
  result succeeded "running since $(field "$current" .State.StartedAt), health check: $(health "$current")" \
    "$(image_of "$current")" "$(image_of "$previous")"
}

case $operation in
  deploy | rollback | status) "$operation" ;;
  *) echo 'unknown operation' && exit 64 ;;
esac
