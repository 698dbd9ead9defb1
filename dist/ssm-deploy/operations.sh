# shellcheck shell=bash
# What a command may ask for. Each ends by `finish`.

begin() {
  need_engine
  lock_or_end "$1"
  trap interrupted TERM INT HUP
  load_record
  record_before=$record
}

deploy() {
  check_spec
  begin "deploy of release $(of .release)"
  if [ "$base" -gt 0 ] && [ "$recorded_base" -gt "$base" ] && ! made_anew; then
    result_of_record
    finish failed "this host was told of version $recorded_base of the desired state, and this deployment was decided on version $base" 'Run the deployment again'
  fi
  # One that died after its container had taken over is carried on with.
  if [ "$(in_record '.spec.release // ""')" = "$(of .release)" ] && running "$current" && publish_current && serves "$(of .release)"; then
    save_record "$(jq -c --argjson base "$base" --arg environment "$environment" --arg group "$group" --arg region "$region" \
      '. + {$base, $environment, $group, $region}' <<< "$record")" || finish failed "$why"
    # What an operation that died did not come to.
    retire_others
    result_of_record
    finish unchanged 'it runs here already'
  fi
  if [ "$(in_record '.spec.release // ""')" = "$(of .release)" ]; then replace "$base" same; else replace "$base" old; fi
  result_of_record
  finish succeeded ''
}

# made_anew: whether versions began again at 1 since the record was written: the parameter is another one (of another group), or
# it was deleted and made again, so that its version now is below the recorded one.
made_anew() {
  local path=/slipway/$environment/$group now
  [ "$(in_record '"/slipway/\(.environment)/\(.group)"')" = "$path" ] || return 0
  now=$(desired "$path/" | jq -r --arg name "$component" 'select(.component == $name) | .version') || return 1
  [ -n "$now" ] && [ "$now" -lt "$recorded_base" ]
}

# What else of the component runs is stopped, what nobody keeps is removed.
retire_others() {
  local name other=green
  [ "$current_slot" = green ] && other=blue
  [ -z "$current_slot" ] || proxy_apply
  while read -r name; do
    if [ "$name" != "$current" ] && running "$name"; then
      candidate=$current
      retire "$name" "${current_slot:+$other}" "$(if [ "$name" = "$previous" ]; then printf %s "$previous_spec"; else printf %s "$current_spec"; fi)"
    fi
  done < <(containers)
  remove_leftovers
}

rollback() {
  local to target keep=old
  begin rollback
  to=$(jq -r '.to // ""' <<< "$request")
  target=$(jq -c '.spec // empty' <<< "$request")
  result_of_record
  [ -n "$current" ] || finish failed "nothing of $component runs here" 'Deploy it first'
  if [ -n "$to" ]; then
    [ "$(in_record .spec.release)" = "$to" ] || finish unchanged "release $to is not what runs here"
    # The release that is left has failed elsewhere: it is nothing to go back to.
    keep=none
  fi
  spec=$previous_spec
  if [ -n "$target" ] && [ "$(jq -r .release <<< "$target")" != "$(jq -r '.release // ""' <<< "${previous_spec:-null}")" ]; then
    spec=$target
    check_spec
  fi
  [ -n "$spec" ] || finish failed 'no earlier release is kept on this host' 'Deploy the release that should run'
  replace "$([ "$base" -gt "$recorded_base" ] && echo "$base" || echo "$recorded_base")" "$keep"
  result_of_record
  finish succeeded ''
}

restart() {
  begin restart
  spec=$current_spec
  [ -n "$spec" ] || finish failed "nothing of $component runs here" 'Deploy it first'
  environment=$(in_record .environment) group=$(in_record .group) region=$(in_record .region)
  replace "$recorded_base" same
  result_of_record
  finish succeeded ''
}

status() {
  need_engine
  load_record
  result_of_record
  facts
  [ -n "$current" ] || finish failed "nothing of $component was deployed to this host" 'Deploy it first'
  running "$current" || finish failed "the container of $component does not run" 'Look at its last lines (operation logs)'
  finish succeeded "running since $(look "$current" | jq -r '.State.StartedAt[0:19]')"
}

logs() {
  local lines since limit=18000
  need_engine
  load_record
  result_of_record
  lines=$(jq -r '.lines // 200 | floor' <<< "$request") since=$(jq -r '.since // ""' <<< "$request")
  exists "${current:-.}" || finish failed "no container of $component is on this host" 'Deploy it first'
  # SSM returns the first 24,000 characters of what is printed: the newest lines must be among them.
  [ "$(jq -r '.all // false' <<< "$request")" = true ] && limit=1000000
  last_lines "$current" "$lines" ${since:+--since "$since"} | tail -c "$limit" | sed 's/^/slipway-log /'
  finish succeeded ''
}

# prune_all KEEP: what the daily timer runs; each component under its lock.
prune_all() {
  local name
  while read -r name; do
    (prune_component "$name" "$1")
  done < <(recorded_components)
}

prune() { prune_component "$component" "$(jq -r '.keep // 2 | floor' <<< "$request")"; }

# prune_component NAME KEEP: the images of its repositories go that no record needs, but for the newest few of each.
prune_component() {
  local keep=$2 repository reference kept removed=0
  component=$1
  need_engine
  lock_or_end prune
  load_record
  result_of_record
  # Without a record nothing says which container serves.
  [ -z "$current" ] || remove_leftovers
  while read -r repository; do
    kept=0
    # Newest first, as docker lists them.
    while read -r reference; do
      case $reference in *@sha256:*) ;; *) continue ;; esac
      if records | jq -e --arg image "$reference" 'any(.[]; .spec.image == $image or .previous.image == $image)' > /dev/null; then continue; fi
      kept=$((kept + 1))
      [ "$kept" -gt "$keep" ] || continue
      dk image rm "$reference" > /dev/null 2>&1 && removed=$((removed + 1))
    done < <(dk image ls --digests --filter "reference=$repository" --format "${OPEN}.Repository$CLOSE@${OPEN}.Digest$CLOSE")
  done < <(records | jq -r --arg component "$component" '[.[] | select(.spec.component == $component) | .spec.image, (.previous.image // empty) | split("@")[0]] | unique | .[]')
  facts
  finish succeeded "$removed images removed"
}

preflight() {
  local missing
  missing=$(missing_programs)
  if ! engine_answers; then
    facts
    finish failed 'the docker engine does not answer on this host' "Look at the host: systemctl status docker" 69
  fi
  facts
  [ -z "$missing" ] || finish failed "these programs are not on the host: $missing" 'Provision it: run the action with bootstrap: true'
  finish succeeded ''
}

# What is known of the host, into a file for the result.
facts() {
  local folder free engine agent list records
  result_facts=$RUN/facts.$BASHPID
  folder=$(dk info --format "${OPEN}.DockerRootDir$CLOSE" 2> /dev/null)
  free=$(df -Pk "$folder" 2> /dev/null | awk 'NR == 2 { print $4 * 1024 }')
  [ -n "$free" ] || free=$(df -Pk / | awk 'NR == 2 { print $4 * 1024 }')
  engine=$(dk version --format "${OPEN}.Server.Version$CLOSE" 2> /dev/null)
  agent=$(amazon-ssm-agent -version 2> /dev/null | sed -n 's/.*version: *//p')
  mapfile -t list < <(dk ps --all --quiet --filter label=slipway.component 2> /dev/null)
  records=$(records)
  if [ ${#list[@]} -gt 0 ]; then dk inspect --type container "${list[@]}" 2> /dev/null; else echo '[]'; fi |
    jq -c --argjson free "${free:-0}" --arg engine "$engine" --arg agent "$agent" --argjson program "$PROGRAM_VERSION" --argjson records "${records:-[]}" '
    {"disk-free": $free, $engine, $agent, $program, containers: [.[] | .Config.Labels as $tags | $tags."slipway.container" as $name |
      ($records | map(select(.spec.component == $tags."slipway.component")) | first // {}) as $record |
      {$name, component: $tags."slipway.component", image: $tags."slipway.image", release: $tags."slipway.release",
       role: (if $record.container == $name then "current" elif $record."previous-container" == $name then "previous" else "candidate" end),
       state: .State.Status, health: (.State.Health.Status // "none"), since: (if .State.Running then .State.StartedAt else .State.FinishedAt end),
       port: ($record.spec.http.port // null)}]}' > "$result_facts"
}
