# shellcheck shell=bash
# One container takes the place of another. The order of things is what makes it safe to die anywhere:
#   beside the old one: image, secrets, container, healthy          - until here the old one serves; leftovers are removed later
#   the record names the new one                                    - from here on it is the current one, whoever continues
#   proxy, drain, stop the old one                                  - done again from the record as often as needed
# With stop-first the old one is stopped before the new one starts; the record still names it, so that it is started again.

why='' candidate='' committed='' stopped_old=''

new_name() { printf '%s-%s-%04x' "$component" "$(of '.release[0:8]')" "$((RANDOM * 2 % 65536))"; }

# back CAUSE: the candidate goes, what served before serves, and the operation ends.
back() {
  local cause=$1
  trap '' TERM INT HUP
  if [ -n "$candidate" ] && exists "$candidate"; then
    result_logs=$RUN/logs.$BASHPID
    last_lines "$candidate" 40 > "$result_logs" 2> /dev/null
    tail -c 6000 "$result_logs" | sed 's/^/slipway-log /'
    tail -c 6000 "$result_logs" > "$result_logs.cut" && mv -f "$result_logs.cut" "$result_logs"
  fi
  remove "$candidate"
  load_record
  if [ -n "$stopped_old" ] && [ -n "$current" ]; then
    step restore 'starting what ran before'
    spec=$current_spec
    resume || cause="$cause; and what ran before does not start again: $why"
  fi
  result_of_record
  if [ -z "$current" ]; then
    finish failed "$cause; nothing ran here before" 'Look at the last lines of the container'
  elif running "$current"; then
    finish rolled-back "$cause" 'What ran before serves'
  else
    finish failed "$cause" 'Look at the last lines of the container; this host serves nothing of it now'
  fi
}

# A cancelled command: what serves goes on serving.
interrupted() {
  if [ -n "$committed" ]; then
    trap '' TERM INT HUP
    result_of_record
    # What is left to do `serve` does.
    record_before=''
    finish failed 'the operation was stopped after the new container had taken over; it serves' 'The host stops the old one by itself'
  fi
  back 'the operation was stopped'
}

# resume: starts the container that the record names, with fresh secrets, and lets the proxy know. Sets why.
resume() {
  local name=$current
  if ! exists "$name" || has_environment_secrets "$spec"; then
    remove "$name"
    ensure_image && create "$name" || return 1
  else
    fetch_secrets "$name" || return 1
  fi
  unpublish
  start "$name" || return 1
  wait_healthy "$name" || return 1
  publish_current
}

# What does not run has no address: its port may become another container's. Requests wait at one where nothing is.
unpublish() {
  [ -n "$(in_record '.address // ""')" ] || return 0
  save_record "$(jq -c '.address = ""' <<< "$record")"
  proxy_hold "$current_slot"
}

# The record and the proxy learn where the current container's port is now.
publish_current() {
  local address
  [ "$(of '.http != null')" = true ] || return 0
  address=$(address_of "$current" "$(of '.http."container-port"')")
  [ -n "$address" ] || { why='its port is not published'; return 1; }
  if [ "$(in_record '.address // ""')" != "$address" ]; then
    save_record "$(jq -c --arg address "$address" '.address = $address' <<< "$record")" || return 1
  fi
  proxy_apply
}

# serves RELEASE: whether it is what runs here, healthy as far as the engine knows, and reached by the proxy.
serves() {
  local address
  [ "$(in_record '.spec.release // ""')" = "$1" ] && running "$current" || return 1
  [ "$(look "$current" | jq -r '.State.Health.Status // "none"')" != unhealthy ] || return 1
  [ "$(in_record '.spec.http != null')" = true ] || return 0
  address=$(address_of "$current" "$(in_record '.spec.http."container-port"')")
  [ -n "$address" ] && proxy_points "$component" "$current_slot" "$address"
}

# replace BASE KEPT: the spec in hand takes over. KEPT is the spec to keep for a rollback: old, same (as it was) or none.
replace() {
  local order old=$current old_spec=$current_spec old_slot=$current_slot slot=blue address='' kept kept_container conflict
  local new_base=$1 keep=$2
  order=$(order_of "$spec")
  conflict=$(proxy_conflict)
  [ -z "$conflict" ] || back "$conflict"
  if [ "$(of '(.http.port // 0) | . == 443 or . == 8443')" = true ] && ! compgen -G "$CONFIG/tls/*.pem" > /dev/null; then
    back "port $(of .http.port) needs a certificate: there is none in $CONFIG/tls/*.pem"
  fi
  [ "$old_slot" = blue ] && slot=green
  # Without a record what runs may be what serves: it goes when the new one has taken over, or when its ports are needed.
  if [ -n "$old" ] || [ "$order" = stop-first ]; then remove_leftovers; fi
  # `serve` carries on with what dies from here on.
  : > "$RUN/unfinished/$component"
  step pull "$(of .image)"
  ensure_image || back "$why"
  if reusable; then
    candidate=$previous
    step secrets 'reading the secrets of the kept container'
    fetch_secrets "$candidate" || { candidate='' && back "$why"; }
  else
    candidate=$(new_name)
    step create "$candidate"
    create "$candidate" || back "$why"
  fi
  if [ "$order" = stop-first ] && running "$old"; then
    stopped_old=yes
    if [ -n "$old_slot" ]; then
      # It ends what it has begun. What comes now waits for the next container, so the time for this is short.
      step drain "$old"
      proxy_hold "$old_slot"
      proxy_drain "$old_slot" "$(jq -r '[."drain-within" // 30, 3] | min' <<< "${old_spec:-null}")"
    fi
    step stop-old "$old"
    stop "$old"
  fi
  step start "$candidate"
  start "$candidate" || back "$why"
  step health 'waiting until it is healthy'
  wait_healthy "$candidate" || back "$why"
  if [ "$(of '.http != null')" = true ]; then
    address=$(address_of "$candidate" "$(of '.http."container-port"')")
    [ -n "$address" ] || back 'its port is not published'
  else
    slot=''
  fi
  case $keep in
    old) kept=${old_spec:-null} kept_container=$old ;;
    same) kept=${previous_spec:-null} kept_container=$previous ;;
    *) kept=null kept_container='' ;;
  esac
  step switch "${address:-$candidate}"
  trap '' TERM INT HUP
  save_record "$(jq -nc --argjson spec "$spec" --argjson previous "$kept" --argjson base "$new_base" --arg container "$candidate" \
    --arg kept "$kept_container" --arg slot "$slot" --arg address "$address" --arg environment "$environment" --arg group "$group" \
    --arg region "$region" '{$spec, $base, $previous, $container, "previous-container": $kept, $slot, $address, $environment, $group, $region}')" || back "$why"
  : > "$RUN/restarts/$component.started"
  # A death before the record named it was none of `serve`'s business: now it would be nobody's.
  why=''
  if proxy_apply && ! running "$candidate"; then why='the container ended when it had taken over'; fi
  if [ -n "$why" ]; then
    take_back
    back "$why"
  fi
  committed=yes
  trap interrupted TERM INT HUP
  retire "$old" "$old_slot" "$old_spec"
}

# The proxy did not follow: the record says again what it said.
take_back() {
  local cause=$why
  save_record "$record_before"
  if [ "$record_before" = '{}' ]; then rm -f "$(record_file)"; fi
  proxy_apply
  why=$cause
}

# Whether the container that is kept is the one of the spec in hand: then it is started again instead of made.
reusable() {
  [ -n "$previous" ] && [ "$previous" != "$current" ] && [ "$(jq -r '.release // ""' <<< "${previous_spec:-null}")" = "$(of .release)" ] &&
    ! has_environment_secrets "$spec" && exists "$previous" && ! running "$previous"
}

# retire CONTAINER SLOT SPEC: it ends its requests, then it ends; then everything goes that the record does not keep.
retire() {
  if [ -n "$1" ] && [ "$1" != "$candidate" ]; then
    if [ -n "$2" ]; then
      step drain "$1"
      proxy_drain "$2" "$(jq -r '."drain-within" // 30' <<< "${3:-null}")"
      [ "${left:-0}" = 0 ] || printf '%s\n' "$left requests had not ended when the time for draining was over"
      proxy_rest "$2"
    fi
    step stop "$1"
    running "$1" && stop "$1"
    # The engine keeps variables on its disk, secret ones too.
    if has_environment_secrets "${3:-null}"; then remove "$1"; fi
  fi
  load_record
  if running "$previous"; then stop "$previous"; fi
  remove_leftovers
  [ -z "$previous" ] || forget_secrets "$previous"
  end_step
}
