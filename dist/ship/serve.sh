# shellcheck shell=bash
# What the one systemd unit runs. The desired state is the record, or the parameter where that is newer than the decision that
# the record is from; a host without a record takes the parameter. So a rebooted host serves what it served, and one that
# takes another's place serves what its group serves.

INTERVAL=300
# Deaths, each within ten minutes of the one before, after which it is alarmed and tried only at the interval.
MANY_DEATHS=10

# desired PATH: name, version and value of the parameters right below it, one a line. Fails when they cannot be read.
desired() {
  local answer
  answer=$(timeout 60 aws ssm get-parameters-by-path --path "$1" --output json 2> /dev/null) || return 1
  jq -c '.Parameters[] | {component: (.Name | split("/") | last), version: .Version, value: .Value}' <<< "$answer"
}

# converge COMPONENT PARAMETER: makes this host serve what it should of one component. PARAMETER is {version, value} or nothing.
# Ends like an operation: 0 it serves, 75 another operation is on it, else why in the log.
converge() {
  local version=0 value='' problem
  component=$1
  # A parameter may be of any name.
  [[ $component =~ ^[A-Za-z0-9][A-Za-z0-9_.-]{0,60}$ ]] || { log "slipway: the parameter $component is of no component"; exit 0; }
  take_lock reconcile 1 || exit 75
  trap interrupted TERM INT HUP
  load_record
  record_before=$record
  environment=$(in_record '.environment // ""') group=$(in_record '.group // ""') region=$(in_record '.region // ""')
  use_region "$region"
  spec=$current_spec
  if [ -n "$2" ]; then
    version=$(jq -r .version <<< "$2") value=$(jq -c '.value | fromjson' <<< "$2" 2> /dev/null)
    problem=$(spec_problem "${value:-null}")
    [ -n "$problem" ] || [ "$(jq -r .component <<< "$value")" = "$component" ] || problem='it is of another component'
    if [ -n "$problem" ]; then
      log "slipway: the parameter of $component, version $version, is not used: $problem"
      version=0
    fi
  fi
  if [ "$version" -gt "$recorded_base" ] || { [ -z "$spec" ] && [ "$version" -gt 0 ]; }; then
    [ -n "$environment" ] || { environment=$own_environment group=$own_group region=$own_region; }
    if [ "$(jq -r .release <<< "$value")" != "$(in_record '.spec.release // ""')" ]; then
      spec=$value
      log "slipway: $component becomes release $(of .release), version $version of its parameter"
      replace "$version" old
      rm -f "$RUN/unfinished/$component"
      exit 0
    fi
    save_record "$(jq -c --argjson base "$version" '.base = $base' <<< "$record")" || log "slipway: $component: $why"
  fi
  [ -n "$spec" ] || exit 0
  keep_running
}

# The current container runs, unless it ended in a way after which its policy lets it rest.
keep_running() {
  local state code health policy rest=no
  policy=$(of '.restart // "always"')
  IFS=' ' read -r state code health < <(look "$current" | jq -r '"\(.State.Status) \(.State.ExitCode) \(.State.Health.Status // "none")"')
  if [ "${state:-gone}" = running ] && [ "$health" = unhealthy ] && [ "$policy" != no ]; then
    log "slipway: $component runs and is not healthy: it is made anew"
    last_lines "$current" 20 >&2
    # As a deployment of the same: with start-first it serves until the next one is healthy, and goes on if none is.
    replace "$recorded_base" same
    rm -f "$RUN/unfinished/$component"
    exit 0
  fi
  if [ "${state:-gone}" != running ]; then
    case $policy in
      on-failure) [ "${state:-gone}" = exited ] && [ "$code" = 0 ] && rest=yes ;;
      # Once after a boot: it did not end by itself then.
      no) [ "${state:-gone}" = exited ] && [ -e "$RUN/restarts/$component.started" ] && rest=yes ;;
    esac
    if [ "$rest" = no ]; then
      log "slipway: $component does not run (${state:-gone}${code:+, exit code $code}): it is started"
      : > "$RUN/restarts/$component.started"
      if ! resume; then
        log "slipway: $component does not start: $why"
        last_lines "$current" 20 >&2
        # A container that cannot be healed by a start is made anew, the image pulled again if it is gone.
        running "$current" || remove "$current"
        exit 1
      fi
    fi
  fi
  : > "$RUN/restarts/$component.started"
  publish_current || { log "slipway: $component: $why"; exit 1; }
  retire_others > /dev/null
  rm -f "$RUN/unfinished/$component"
  exit 0
}

# reconcile: every component that this host should serve. Fails when one of them does not.
reconcile() {
  local status=0 parameters='' path name seen=' ' own='' found pids=() pid
  engine_answers || { log 'slipway: the docker engine does not answer'; return 69; }
  identify
  [ -z "$own_group" ] || own=/slipway/${own_environment:-default}/$own_group
  while read -r path; do
    [ -n "$path" ] || continue
    # What cannot be asked for is served as it was.
    found=$(desired "$path/") || { log "slipway: the parameters below $path cannot be read; the records count"; status=1; continue; }
    [ "$path" = "$own" ] || found=$(while read -r name; do
      jq -c --arg path "$path" --arg name "$name" --slurpfile record "$STATE/components/$name.json" 'select(.component == $name
        and "/slipway/\($record[0].environment)/\($record[0].group)" == $path)' <<< "$found"
    done < <(recorded_components))
    parameters=$parameters$found$'\n'
  done < <({ printf '%s\n' "$own"; records | jq -r '.[] | select((.group // "") != "") | "/slipway/\(.environment)/\(.group)"'; } | sort -u)
  while read -r name; do
    [ -n "$name" ] || continue
    case $seen in *" $name "*) continue ;; esac
    seen="$seen$name "
    # Each by itself: one that waits for its health check keeps no other.
    (converge "$name" "$(jq -c --arg name "$name" 'select(.component == $name)' <<< "$parameters" | head -n 1)") &
    pids+=($!)
  done < <(recorded_components; jq -r .component <<< "$parameters")
  for pid in ${pids[@]+"${pids[@]}"}; do wait "$pid" || status=1; done
  proxy_apply || { log "slipway: $why"; status=1; }
  if [ "$status" = 0 ]; then proxy_renew; fi
  return "$status"
}

# --- The loop ----------------------------------------------------------------------------------------------------------

# died COMPONENT CONTAINER: plans its next start: at once, then later and later. One that is unhealthy counts as dead.
died() {
  local now now_ms last count
  look_at_clock
  component=$1
  # Candidates and those that were replaced die as they should.
  [ "$(jq -r '.container // ""' "$(record_file)" 2> /dev/null)" = "$2" ] || return 0
  last=${died_at[$1]:--601} count=${deaths[$1]:-0}
  if [ $((now - last)) -gt 600 ]; then count=0; fi
  count=$((count + 1))
  deaths[$1]=$count died_at[$1]=$now
  if [ "$count" -gt "$MANY_DEATHS" ]; then
    log "slipway-alarm: $1 has died $count times in a row; it is started again only every $INTERVAL s"
    due[$1]=$((now + INTERVAL))
  else
    # At once, after 1, 2, 4 … seconds.
    due[$1]=$((now + (1 << count) / 4))
  fi
}

# What is not as it should be is looked at again: soon, then ever later.
again() {
  failures=$((failures + 1))
  next=$((now + (failures > 5 ? INTERVAL : 5 * 2 ** (failures - 1))))
}

# A component whose time has come, by itself: the others do not wait for its health check.
begin_due() {
  local name
  # Operations that died: one that is under way has the lock.
  for name in "$RUN"/unfinished/*; do
    name=${name##*/}
    if [ "$name" = '*' ] || [ $((now % 3)) != 0 ] || [ -n "${jobs[$name]:-}${due[$name]:-}" ]; then continue; fi
    # Taken up once: what it ends in has its own back-off.
    if flock -n "$RUN/lock/$name" rm -f "$RUN/unfinished/$name"; then due[$name]=$now; fi
  done
  for name in "${!due[@]}"; do
    [ "${due[$name]}" -le "$now" ] && [ -z "${jobs[$name]:-}" ] || continue
    unset "due[$name]"
    (converge "$name" '') > /dev/null &
    jobs[$name]=$!
  done
}

end_jobs() {
  local name code
  for name in "${!jobs[@]}"; do
    kill -0 "${jobs[$name]}" 2> /dev/null && continue
    wait "${jobs[$name]}"
    code=$?
    unset "jobs[$name]"
    if [ "$name" = .all ]; then
      if [ "$code" = 0 ]; then failures=0 next=$((now + INTERVAL)); else again; fi
    elif [ "$code" = 75 ]; then
      # Another operation is on it, and may die.
      due[$name]=$((now + 5))
    elif [ "$code" != 0 ] && [ -z "${due[$name]:-}" ]; then
      again
    fi
  done
}

# The deaths and failed checks of our containers, as "COMPONENT CONTAINER WHAT"; from a moment ago, since it takes one to connect.
watch_deaths() {
  exec docker events --since "$EPOCHSECONDS" --filter type=container --filter event=die --filter event=health_status --filter label=slipway.component \
    --format "${OPEN}index .Actor.Attributes \"slipway.component\"$CLOSE ${OPEN}index .Actor.Attributes \"slipway.container\"$CLOSE ${OPEN}.Action$CLOSE"
}

# Ports are given anew after a boot: an address from before it may be another component's by now.
forget_addresses() {
  local name
  [ ! -e "$RUN/booted" ] || return 0
  while read -r name; do
    (component=$name && take_lock boot 5 && load_record && [ -n "$current" ] && save_record "$(jq -c '.address = ""' <<< "$record")")
  done < <(recorded_components)
  : > "$RUN/booted"
}

serve() {
  local name container what events now=0 now_ms next failures=0 program code
  declare -gA due=() jobs=() deaths=() died_at=()
  program=$(stat -c '%i %Y' "$0")
  forget_addresses
  trap 'kill "${watcher:-}" 2> /dev/null; exit 0' TERM INT
  while :; do
    if ! engine_answers; then
      log 'slipway: the docker engine does not answer; waiting for it'
      until engine_answers; do sleep 2; done
    fi
    exec {events}< <(watch_deaths 2> /dev/null)
    watcher=$!
    next=0
    while :; do
      look_at_clock
      end_jobs
      # In full at boot and at each interval; sooner while something is not as it should be.
      if [ "$now" -ge "$next" ] && [ -z "${jobs[.all]:-}" ]; then
        reconcile > /dev/null &
        jobs[.all]=$!
      fi
      begin_due
      # Renewed: the new text goes on. Looked at every few seconds, since a look is a process.
      if [ $((SECONDS % 3)) = 0 ] && [ "$(stat -c '%i %Y' "$0" 2> /dev/null)" != "$program" ]; then
        kill "$watcher" 2> /dev/null
        exec bash "$0" serve
      fi
      IFS=' ' read -r -t 1 -u "$events" name container what
      code=$?
      if [ "$code" = 0 ]; then
        case $what in die | *': unhealthy') died "$name" "$container" ;; esac
      elif [ "$code" -le 128 ]; then
        # The engine went away, and with it perhaps what ran: look at everything when it is back.
        break
      fi
    done
    exec {events}<&-
    sleep 2
  done
}

# unit NAME: writes stdin as a unit where it differs; 0 when it did.
unit() {
  local file=/etc/systemd/system/$1 text
  text=$(cat)
  [ "$(cat "$file" 2> /dev/null)" = "$text" ] && return 1
  (umask 022 && printf '%s\n' "$text" > "$file.new") && mv -f "$file.new" "$file"
}

# The units of this program and of its proxy. The proxy is not the distribution's haproxy.service: an upgrade of the package would
# restart that, and with it cut every request. `serve` sees that the program was replaced and hands over without a loss.
install_units() {
  local changed=no
  prepare
  [ -e "$PROXY_FILE" ] || proxy_write || log "slipway: $why"
  (umask 022 && mkdir -p /etc/systemd/system)
  unit slipway-proxy.service << UNIT && changed=yes
[Unit]
Description=Slipway: the reverse proxy of this host
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
ExecStartPre=-$PROGRAM boot
ExecStart=/usr/sbin/haproxy -Ws -S $PROXY_MASTER,mode,600 -f $PROXY_FILE -p $PROXY_PID
ExecReload=/bin/kill -USR2 \$MAINPID
KillMode=mixed
Restart=always
RestartSec=1
SuccessExitStatus=143
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
UNIT
  unit slipway.service << UNIT && changed=yes
[Unit]
Description=Slipway: keeps the containers of this host as they were deployed
After=docker.service slipway-proxy.service network-online.target
Wants=docker.service slipway-proxy.service network-online.target

[Service]
ExecStart=$PROGRAM serve
Restart=always
RestartSec=2
# A container that is being started when this ends goes on being started.
KillMode=process

[Install]
WantedBy=multi-user.target
UNIT
  # Ubuntu restarts what uses an outdated library; `serve` does better.
  if [ -d /etc/needrestart/conf.d ]; then
    # shellcheck disable=SC2016 # a line of Perl
    (umask 022 && printf '%s\n' '$nrconf{override_rc}->{qr(^slipway-proxy\.service$)} = 0;' > /etc/needrestart/conf.d/slipway.conf)
  fi
  command -v systemctl > /dev/null 2>&1 || return 0
  systemctl enable slipway-proxy.service slipway.service > /dev/null 2>&1
  with_systemd || return 0
  [ "$changed" = no ] || systemctl daemon-reload
  systemctl start slipway-proxy.service slipway.service
}
