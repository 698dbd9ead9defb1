# shellcheck shell=bash
# What this host serves: one file for each component, replaced whole. It alone says which container is the current one;
# containers that it does not name are leftovers. So an operation may die anywhere: the next one looks here.

record='{}'

record_file() { printf '%s/components/%s.json' "$STATE" "$component"; }

# Sets record and what is often asked of it.
load_record() {
  local file status
  file=$(record_file) record='{}'
  if [ -e "$file" ]; then
    record=$(jq -ce 'select(.spec | type == "object")' "$file" 2> /dev/null)
    status=$?
    if [ "$status" -gt 125 ] || [ ! -r "$file" ]; then finish failed "the record $file cannot be read now"; fi
    if [ -z "$record" ] || [ "$status" != 0 ]; then
      # Damaged, by a disk or by hand. It is set aside: the parameter or the next deployment brings the component back beside the
      # container that serves, which goes when the new one has taken over.
      mv -f "$file" "${file%.json}.unreadable"
      log "slipway-alarm: the record of $component was not readable and is now ${file%.json}.unreadable"
      record='{}'
    fi
  fi
  {
    IFS= read -r current && IFS= read -r current_spec && IFS= read -r current_slot && IFS= read -r previous &&
      IFS= read -r previous_spec && IFS= read -r recorded_base
  } < <(jq -r '.container // "", (.spec // "" | if . == "" then . else tojson end), .slot // "", ."previous-container" // "",
    (.previous // "" | if . == "" then . else tojson end), .base // 0' <<< "$record")
}

in_record() { jq -rc "$1" <<< "$record"; }

# save_record JSON: on disk, whole, before anything relies on it; or as it was, and 1. Sets why.
save_record() {
  local file
  file=$(record_file)
  # A disk that is full takes a part of a file, or an empty one.
  if [ -z "$1" ] || ! printf '%s\n' "$1" > "$file.new" 2> /dev/null || ! sync "$file.new" 2> /dev/null || ! mv -f "$file.new" "$file"; then
    rm -f "$file.new"
    why="the record $file cannot be written; is the disk full?"
    return 1
  fi
  # The name is on disk when its folder is.
  sync "${file%/*}" 2> /dev/null
  record=$1
}

# Whether the container is one that the record keeps.
recorded() { [ -n "$1" ] && { [ "$1" = "$current" ] || [ "$1" = "$previous" ]; }; }

recorded_components() {
  local file
  for file in "$STATE"/components/*.json; do
    [ -e "$file" ] && basename "$file" .json
  done
}

# take_lock OPERATION SECONDS: keeps two operations on a component apart. The lock is the kernel's: it ends with its holder.
take_lock() {
  exec 9>> "$RUN/lock/$component"
  flock -w "$2" 9 || return 1
  printf '%s since %s\n' "$1" "$(date -u +%H:%M:%S)" > "$RUN/lock/$component"
}

lock_or_end() {
  take_lock "$1" "$LOCK_WAIT" ||
    finish failed "another operation on $component holds the lock of this host: $(head -n 1 "$RUN/lock/$component")" \
      'Wait until it has ended, then run this again' 75
}

result_of_record() {
  { read -r result_image; read -r result_release; read -r result_previous; read -r result_previous_release; } < <(
    jq -r '.spec.image // "", .spec.release // "", .previous.image // "", .previous.release // ""' <<< "$record")
}
