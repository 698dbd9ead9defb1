#!/bin/sh
# Ends the container engine that scripts/setup.sh started, and no other.
set -eu
tools=${SLIPWAY_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/slipway}
state=$tools/engine/dockerd.started
if [ ! -f "$state" ]; then
  echo 'The set-up started no engine.'
  exit 0
fi
read -r pid started <"$state"
# A process number is used again; only the same start time makes it the same process. One that has ended may still be
# listed (state Z) until its parent takes note.
alive() {
  [ "$(awk '$3 != "Z" { print $22 }' "/proc/$pid/stat" 2>/dev/null)" = "$started" ]
}
if alive; then
  kill "$pid"
  tries=0
  while alive; do
    tries=$((tries + 1))
    if [ "$tries" -gt 150 ]; then
      echo "dockerd ($pid) does not end within 30 s; see $tools/engine/dockerd.log" >&2
      exit 1
    fi
    sleep 0.2
  done
  echo 'The engine is stopped.'
else
  echo 'The engine that the set-up started is gone already.'
fi
rm -f "$state"
