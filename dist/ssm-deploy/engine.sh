# shellcheck shell=bash
# Docker, as this program uses it. Looks are JSON through jq; nothing inherits the locks.

dk() { docker "$@" 8>&- 9>&-; }

engine_answers() { dk version > /dev/null 2>&1; }

need_engine() {
  engine_answers && return 0
  finish failed 'the docker engine does not answer on this host' "Look at the host: systemctl status docker" 69
}

# look CONTAINER: its inspection as one object, or nothing.
look() { dk inspect --type container "$1" 2> /dev/null | jq -c '.[0] // empty'; }
exists() { dk inspect --type container "$1" > /dev/null 2>&1; }
running() { [ -n "$1" ] && [ "$(dk inspect --type container --format "${OPEN}.State.Running$CLOSE" "$1" 2> /dev/null)" = true ]; }
# Names of all containers of the component.
containers() { dk ps --all --filter "label=slipway.component=$component" --format "${OPEN}.Label \"slipway.container\"$CLOSE" 2> /dev/null; }

# shellcheck disable=SC2016 # a part of programs of jq
PUBLISHED='((.NetworkSettings.Ports[$port] // [])[0] // null
  | if . == null then "" else (if .HostIp == "" or .HostIp == "0.0.0.0" then "127.0.0.1" else .HostIp end) + ":" + .HostPort end)'

# address_of CONTAINER PORT: where its port is published, as ADDRESS:PORT; another one at each start.
address_of() { dk inspect --type container "$1" 2> /dev/null | jq -r --arg port "$2/tcp" ".[0] // empty | $PUBLISHED"; }

remove() { [ -z "$1" ] || { dk rm --force "$1" > /dev/null 2>&1; forget_secrets "$1"; }; }
stop() { dk stop "$1" > /dev/null 2>&1; }

# Removes what the record does not name: candidates of operations that died, and what was replaced before the last time.
remove_leftovers() {
  local name
  while read -r name; do
    recorded "$name" || remove "$name"
  done < <(containers)
}

# An image by digest cannot change: one that is here needs no registry.
ensure_image() {
  local image out
  image=$(of .image)
  dk image inspect "$image" > /dev/null 2>&1 && return 0
  out=$(dk pull --quiet "$image" 2>&1) && return 0
  why="the image cannot be pulled: $(tail -n 3 <<< "$out" | tr '\n' ' ' | cut -c 1-500)"
  return 1
}

# Arguments of `docker create`, each ended by a NUL. Secrets are not among them.
# shellcheck disable=SC2016 # a program of jq
CREATE='
def option($name; $value): if $value == null or $value == "" then empty else "--" + $name, ($value | tostring) end;
def options($name; $values): $values // [] | .[] | "--" + $name, .;
def pairs($name; $object): $object // {} | to_entries[] | "--" + $name, .key + "=" + .value;
def duration: if . == null then null else (. * 1000 | floor | tostring) + "ms" end;
def health: ."health-check" // {} |
  (if (.command // []) == [] then empty
   elif .command == ["NONE"] then "--no-healthcheck"
   else (.command | if .[0] == "CMD-SHELL" or .[0] == "CMD" then .[1:] else . end) as $words |
     "--health-cmd", (if ($words | length) == 1 then $words[0] else [$words[] | @sh] | join(" ") end) end),
  option("health-interval"; .interval | duration), option("health-timeout"; .timeout | duration),
  option("health-retries"; .retries), option("health-start-period"; ."start-period" | duration);
[ "--name", $name, "--restart", "no",
  pairs("label"; .labels), pairs("label"; {"slipway.component": .component, "slipway.container": $name,
    "slipway.release": .release, "slipway.image": .image}),
  "--env", "SLIPWAY_COMPONENT=" + .component, "--env", "SLIPWAY_REVISION=" + (.revision // ""),
  "--env", "SLIPWAY_DIGEST=" + (.image | split("@")[1]), pairs("env"; .env),
  (if .http then "--publish", "127.0.0.1::" + (.http."container-port" | tostring) else empty end),
  options("publish"; .publish), options("volume"; .volumes), options("tmpfs"; .tmpfs),
  option("network"; (.networks // [])[0]), option("memory"; .memory), option("cpus"; .cpus), option("pids-limit"; .pids),
  option("user"; .user), option("entrypoint"; .entrypoint), option("hostname"; .hostname), option("shm-size"; ."shm-size"),
  option("stop-signal"; ."stop-signal"), option("stop-timeout"; ."stop-timeout" // 30),
  (if ."read-only" then "--read-only" else empty end), (if .init == false then empty else "--init" end),
  options("cap-add"; ."cap-add"), options("cap-drop"; ."cap-drop"), options("add-host"; ."extra-hosts"), options("ulimit"; .ulimits),
  (if (."log-driver" // "") == "" and (."log-options" // {}) == {}
   then "--log-driver", "json-file", "--log-opt", "max-size=10m", "--log-opt", "max-file=3"
   else option("log-driver"; ."log-driver"), pairs("log-opt"; ."log-options") end),
  (.secrets // [] | map(select((.as // "file") == "file")) |
    if . == [] then empty
    else "--volume", $secrets + "/files:/run/secrets:ro", (.[] | "--env", .name + "_FILE=/run/secrets/" + .name) end),
  health
] | map(. + "\u0000") | add'

# create NAME: the container of the spec in hand, with its secrets, not started. Sets why.
create() {
  local name=$1 network out args=() words=()
  fetch_secrets "$name" || return 1
  mapfile -d '' -t args < <(jq -j --arg name "$name" --arg secrets "$RUN/secrets/$name" "$CREATE" <<< "$spec")
  mapfile -d '' -t words < <(jq -j '.command // [] | .[] | . + "\u0000"' <<< "$spec")
  while read -r network; do
    case $network in '' | bridge | host | none | default | container:*) continue ;; esac
    dk network inspect "$network" > /dev/null 2>&1 && continue
    dk network create --label slipway.managed=yes "$network" > /dev/null 2>&1 || { why="the network $network cannot be made"; return 1; }
  done < <(of '.networks // [] | .[]')
  out=$(with_environment_secrets "$name" create "${args[@]}" 2>&1) || { why="the container cannot be made: $(mask "$name" <<< "$out" | tr '\n' ' ' | cut -c 1-500)"; return 1; }
  while read -r network; do
    out=$(dk network connect "$network" "$name" 2>&1) || { why="the container cannot join the network $network: $out"; return 1; }
  done < <(of '.networks // [] | .[1:][]')
}

# start NAME: sets why.
start() {
  local out
  out=$(dk start "$1" 2>&1) && return 0
  why="the container does not start: $(mask "$1" <<< "$out" | tr '\n' ' ' | cut -c 1-500)"
  return 1
}

# last_lines CONTAINER LINES [OPTIONS]: of its log, without the values of its secrets.
last_lines() {
  local name=$1 lines=$2
  shift 2
  # Masked whole: half of a value, cut at the end of a line, would not be known.
  dk logs --tail "$lines" "$@" "$name" 2>&1 | mask "$name" | cut -c 1-2000
}

# --- Healthy? ----------------------------------------------------------------------------------------------------------

# The image's own check, asked now and not only every interval: what waits 30 s for the engine's first look waits here for nothing.
passes_own_check() {
  local words=()
  mapfile -d '' -t words < <(jq -j '.[0].Config.Healthcheck.Test // [] |
    if .[0] == "CMD-SHELL" then ["/bin/sh", "-c", .[1]] else .[1:] end | .[] | . + "\u0000"' <<< "$2")
  timeout 10 docker exec "$1" "${words[@]}" > /dev/null 2>&1 8>&- 9>&-
}

# answers PORT PATH HOST ADDRESS: asks for the health path where the port is published. Sets seen.
answers() {
  local port=$1 path=$2 host=$3 address=$4 status code
  [ -n "$address" ] || { seen="port $port of the container is not published"; return 1; }
  status=$(curl -sg -o /dev/null -w '%{http_code}' -m 3 -H "Host: ${host#\*.}" -H 'User-Agent: slipway-health' "http://$address${path:-/}" 8>&- 9>&-)
  code=$?
  case $code in
    0) ;;
    28) seen="port $port did not answer within 3 s" && return 1 ;;
    *) seen="nothing answers HTTP on port $port of the container (it has to listen there, on all addresses)" && return 1 ;;
  esac
  # Without a path any answer shows that the program listens.
  if [ -z "$path" ]; then return 0; fi
  case $status in 2?? | 3??) return 0 ;; esac
  seen="GET $path on port $port answered $status"
  return 1
}

# wait_healthy NAME: 0 when it may serve; else why says what was seen. Nothing restarts a candidate, so a crash is an end.
wait_healthy() {
  local name=$1 began age limit stable port path host json state code oom health address probed=0 fine
  began=$(now_ms) seen=''
  { read -r limit; read -r stable; read -r port; IFS= read -r path; read -r host; } < <(of '."healthy-within" // 120, ."stable-for" // 5,
    .http."container-port" // "", .http."health-path" // "", (.http.hosts // [])[0] // "localhost"')
  while :; do
    json=$(dk inspect --type container "$name" 2> /dev/null)
    IFS=' ' read -r state code oom health address < <(jq -r --arg port "$port/tcp" ".[0] // empty
      | (.State | \"\(.Status) \(.ExitCode) \(.OOMKilled) \(.Health.Status // \"none\")\") + \" \" + ($PUBLISHED)" <<< "$json")
    case ${state:-gone} in
      running) ;;
      gone) why='the container is gone' && return 1 ;;
      *)
        why="the container ended with exit code $code"
        [ "$oom" = true ] && why="$why (out of memory)"
        return 1
        ;;
    esac
    age=$(($(now_ms) - began)) fine=yes
    case $health in
      unhealthy) why='its health check failed' && return 1 ;;
      starting)
        seen='its health check does not pass' fine=no
        if [ $((age - probed)) -ge 900 ] || [ "$probed" = 0 ]; then
          probed=$((age + 1))
          passes_own_check "$name" "$json" && fine=yes
        fi
        ;;
    esac
    if [ "$fine" = yes ] && [ -n "$port" ]; then
      answers "$port" "$path" "$host" "$address" || fine=no
    elif [ "$fine" = yes ] && [ "$health" = none ] && [ "$age" -lt $((stable * 1000)) ]; then
      fine=no seen=''
    fi
    # It was asked while it lived: it must not have died over it.
    if [ "$fine" = yes ] && running "$name"; then return 0; fi
    if [ "$age" -ge $((limit * 1000)) ]; then
      why="it was not healthy within $limit s${seen:+: $seen}"
      return 1
    fi
    if [ "$age" -lt 5000 ]; then sleep 0.2; else sleep 1; fi
  done
}
