# shellcheck shell=bash
# The reverse proxy is HAProxy: it is in the archives of Debian and Ubuntu, so that unattended security updates reach it; its
# runtime socket moves a backend to another server without a reload; the sessions of a server that drains can be counted; and
# a connection that fails is tried again elsewhere. One process serves all components of the host.
#
# The configuration is a function of the records. Each component is a backend with two servers, blue and green: one is the
# current container, the other the next one. A swap is two commands to the running process. The file is written anew as well,
# so that a reload or a reboot begins with the same servers; it is loaded only when components, ports or names have changed.

PROXY_FILE=$STATE/proxy/haproxy.cfg
PROXY_SOCKET=$RUN/proxy.sock
PROXY_MASTER=$RUN/proxy-master.sock
PROXY_PID=$RUN/proxy.pid

# shellcheck disable=SC2016 # a program of jq
PROXY_CONFIG='
def backend: "c_" + .spec.component;
# A whole name goes before any ending, and a longer ending before a shorter one, whichever component has them.
def names: [.[] | backend as $backend | .spec.http.hosts // [] | .[] | ascii_downcase | {$backend, name: .}]
  | ([.[] | select(.name | startswith("*.") | not)] | group_by(.backend)[] | "  use_backend " + .[0].backend +
      " if { req.hdr(host),field(1,:),lower -m str " + (map(.name) | join(" ")) + " }"),
    ([.[] | select(.name | startswith("*."))] | sort_by(-(.name | length), .name)[] | "  use_backend " + .backend +
      " if { req.hdr(host),field(1,:),lower -m end " + .name[1:] + " }");
# Where a process that ends hands what still comes to it to the one that follows. No file: the user haproxy reaches none of ours.
def next($port): "abns@slipway-" + $bind + "-" + ($port | tostring);
def server($name; $record): "  server " + $name + " " +
  (if $record.slot != $name then "127.0.0.1:9 disabled" elif ($record.address // "") != "" then $record.address else "127.0.0.1:9" end);
def tls_bind($port): "  bind " + $bind + ":" + ($port | tostring) + " ssl crt " + $tls + " alpn h2,http/1.1";
map(select(.spec.http)) | sort_by(.spec.component) as $all | ($all | map(.spec.http.port) | unique) as $ports
| "# Written by slipway-host from the records of this host; changes here are lost.",
"global",
"  description slipway @STRUCTURE@",
"  stats socket " + $socket + " mode 600 level admin expose-fd listeners",
(if $user == "" then empty else "  user " + $user, "  group " + $user end),
"  # Long downloads and web sockets of an earlier configuration end at last.",
"  hard-stop-after 15m",
"  log stderr format raw daemon notice",
"  ssl-default-bind-options ssl-min-ver TLSv1.2",
"defaults",
"  mode http",
"  log global",
"  # Clients keep their connections. Those to a container end with each request: an application closes idle ones when it likes,",
"  # and a request that meets that moment is lost. On loopback a new one costs nothing to speak of.",
"  option http-server-close",
"  # At a reload idle clients are told with their next answer to connect again, instead of being cut.",
"  option idle-close-on-response",
"  option redispatch 1",
"  # Requests wait this many seconds for a container that is started again, or that another one replaces after its end.",
"  retries 10",
"  retry-on conn-failure empty-response",
"  timeout connect 2s",
"  timeout queue 30s",
"  timeout client 5m",
"  timeout server 5m",
"  timeout tunnel 1h",
"  timeout http-request 30s",
"  timeout http-keep-alive 75s",
($ports[] as $port | ($all | map(select(.spec.http.port == $port))) as $here |
  "frontend p_" + ($port | tostring),
  (if $tls != "" and ($port == 443 or $port == 8443) then tls_bind($port)
   else "  bind " + $bind + ":" + ($port | tostring), (if $tls != "" and $port == 80 and ($ports | index(443)) == null then tls_bind(443) else empty end) end),
  "  bind " + next($port) + " accept-proxy",
  "  use_backend next_" + ($port | tostring) + " if { stopping }",
  "  http-request set-header X-Forwarded-Proto https if { ssl_fc }",
  "  http-request set-header X-Forwarded-Proto http if !{ ssl_fc } !{ req.hdr(X-Forwarded-Proto) -m found }",
  ($here | names),
  ($here[] | select((.spec.http.hosts // []) == []) | "  default_backend " + backend),
  "backend next_" + ($port | tostring),
  "  server next " + next($port) + " send-proxy-v2"),
($all[] |
  "backend " + backend,
  "  option forwardfor",
  "  # Only what may be done twice is sent twice; a connection that was refused has carried nothing yet.",
  "  http-request disable-l7-retry if !{ method GET HEAD OPTIONS }",
  server("blue"; .), server("green"; .))'

# proxy_say COMMANDS: to the running process, and its answer.
proxy_say() { printf '%s\n' "$1" | socat -t 3 - "UNIX-CONNECT:$PROXY_SOCKET" 2> /dev/null 8>&- 9>&-; }
# After a reload the processes before live until their last client has gone. proxy_say_old COMMAND: to each of them.
proxy_say_old() {
  local pid
  while read -r pid; do
    printf '@!%s %s\n' "$pid" "$1" | socat -t 3 - "UNIX-CONNECT:$PROXY_MASTER" 2> /dev/null 8>&- 9>&-
  done < <(printf 'show proc\n' | socat -t 3 - "UNIX-CONNECT:$PROXY_MASTER" 2> /dev/null 8>&- 9>&- |
    awk '/^# old workers/ { old = 1; next } /^#/ { old = 0 } old && $2 == "worker" { print $1 }')
}
proxy_lives() { [ -s "$PROXY_PID" ] && grep -q haproxy "/proc/$(head -n 1 "$PROXY_PID")/comm" 2> /dev/null; }
# The structure that the running process was started with: it says so itself.
proxy_structure() { proxy_say 'show info' | sed -n 's/^[Dd]escription: slipway //p'; }

with_systemd() { [ -d /run/systemd/system ] && command -v systemctl > /dev/null 2>&1; }

proxy_start() {
  if with_systemd; then
    [ -e /etc/systemd/system/slipway-proxy.service ] || install_units
    systemctl start slipway-proxy.service > /dev/null 2>&1
  else
    setsid haproxy -W -S "$PROXY_MASTER,mode,600" -f "$PROXY_FILE" -p "$PROXY_PID" < /dev/null >> /var/log/slipway-proxy.log 2>&1 8>&- 9>&- &
  fi
}

# The old process hands its listening sockets to the new one and ends what it has begun.
proxy_reload() {
  if with_systemd; then systemctl reload slipway-proxy.service > /dev/null 2>&1; else kill -USR2 "$(head -n 1 "$PROXY_PID")" 2> /dev/null; fi
}

# After an update of its package or of a library the running proxy is the old one still; a reload executes the new one.
proxy_renew() {
  local pid
  pid=$(head -n 1 "$PROXY_PID" 2> /dev/null) || return 0
  grep -q '\.so.*(deleted)$\|haproxy (deleted)$' "/proc/$pid/maps" 2> /dev/null || return 0
  log 'slipway: the proxy was updated and is handed over to the new one'
  proxy_reload
}

# All records that can be read, as one array: one that is damaged takes none of the others along.
records() {
  local file all
  # Where one cannot be read jq prints what it has, and fails.
  if all=$(jq -sc 'map(select(.spec? | type == "object"))' "$STATE"/components/*.json 2> /dev/null); then
    printf '%s\n' "$all"
    return 0
  fi
  for file in "$STATE"/components/*.json; do jq -c 'select(.spec? | type == "object")' "$file" 2> /dev/null; done | jq -sc .
}

# proxy_conflict: who else has the port and names of the spec in hand; nothing when nobody has.
proxy_conflict() {
  records | jq -r --argjson spec "$spec" '
    def names: .http.hosts // [] | if . == [] then ["any name"] else map(ascii_downcase) end;
    ($spec.http // empty) as $http | [.[].spec | select(.http and .component != $spec.component and .http.port == $http.port)
      | .component as $other | (names - (names - ($spec | names)))[] | "\($other) takes \(.) on port \($http.port) already"] | first // ""'
}

# Writes the configuration for the records as they are, checked; sets structure. Sets why.
proxy_write() {
  local tls='' user='' out text
  if compgen -G "$CONFIG/tls/*.pem" > /dev/null; then tls=$CONFIG/tls/; fi
  if getent passwd haproxy > /dev/null 2>&1 || grep -q '^haproxy:' /etc/passwd 2> /dev/null; then user=haproxy; fi
  text=$(records | jq -r --arg bind "$(bind_address)" --arg tls "$tls" --arg socket "$PROXY_SOCKET" --arg user "$user" "$PROXY_CONFIG") ||
    text=''
  [ -n "$text" ] || { why='the records do not make a configuration of the proxy'; return 1; }
  # Renewed certificates are a change too.
  # shellcheck disable=SC2001 # a pattern at the beginning of each line
  structure=$({ sed 's/^\(  server [a-z]*\) .*/\1/' <<< "$text"; [ -z "$tls" ] || stat -c '%n %Y' "$CONFIG"/tls/*.pem; } | sha256sum | cut -c 1-16)
  printf '%s\n' "${text/@STRUCTURE@/$structure}" 2> /dev/null > "$PROXY_FILE.new" ||
    { why="the configuration $PROXY_FILE cannot be written; is the disk full?"; return 1; }
  if ! out=$(haproxy -c -q -f "$PROXY_FILE.new" 2>&1); then
    why="the proxy refuses its configuration: $(tr '\n' ' ' <<< "$out" | cut -c 1-500)"
    return 1
  fi
  sync "$PROXY_FILE.new" 2> /dev/null
  mv -f "$PROXY_FILE.new" "$PROXY_FILE"
}

# proxy_wait STRUCTURE: until a process with it answers.
proxy_wait() {
  local tries
  for ((tries = 0; tries < 50; tries++)); do
    [ "$(proxy_structure)" = "$1" ] && return 0
    sleep 0.1
  done
  why='the proxy did not take its configuration'
  with_systemd || why="$why: $(tail -n 2 /var/log/slipway-proxy.log 2> /dev/null | tr '\n' ' ' | cut -c 1-300)"
  why="$why; does another program listen on the port?"
  return 1
}

# Makes the running proxy what the records say. May be run at any time, any number of times. Sets why.
proxy_apply() {
  local status=0
  exec 8>> "$RUN/lock/.proxy"
  flock -w 120 8 || { why='the proxy of this host is being changed for two minutes now'; return 1; }
  proxy_converge || status=1
  exec 8>&-
  return "$status"
}

proxy_converge() {
  local loaded='' tries
  proxy_write || return 1
  # One that runs and does not answer yet was just started, or the machine is busy: no reason to load anything.
  for ((tries = 0; tries < 50; tries++)); do
    loaded=$(proxy_structure)
    if [ -n "$loaded" ] || ! proxy_lives; then break; fi
    sleep 0.1
  done
  if [ -z "$loaded" ]; then
    if proxy_lives; then
      why='the proxy does not answer'
      return 1
    fi
    # Nothing to serve and nothing running: fine.
    [ "$(records | jq 'any(.spec.http != null)')" = true ] || return 0
    proxy_start
    proxy_wait "$structure" || return 1
  elif [ "$loaded" != "$structure" ]; then
    # A process that ends takes no more commands, but a last request of each client that is idle now: it is to know the new server.
    proxy_point || return 1
    proxy_reload
    proxy_wait "$structure" || return 1
  fi
  proxy_point
}

# The running process gets the servers of the records: the new one first, so that there is one at every moment.
proxy_point() {
  local name slot address other states commands
  states=$(proxy_say 'show servers state')
  while IFS=$'\t' read -r name slot address; do
    other=green
    [ "$slot" = green ] && other=blue
    commands="set server $name/$slot addr ${address%:*} port ${address##*:}; set server $name/$slot state ready"
    # A drained server keeps its requests and gets no more; one in maintenance is at rest already.
    if proxy_ready "$name" "$other" <<< "$states"; then commands="$commands; set server $name/$other state drain"; fi
    proxy_say "$commands" > /dev/null || { why='the proxy does not take commands'; return 1; }
  done < <(records | jq -r '.[] | select(.spec.http and (.address // "") != "") | ["c_" + .spec.component, .slot, .address] | @tsv')
}

# proxy_ready BACKEND SLOT [ADDRESS]: whether the server takes requests, by "show servers state" on stdin. Of the bits of its
# administrative state (column 7) 4 only says that the file had it disabled.
proxy_ready() {
  awk -v b="$1" -v s="$2" -v a="${3:-}" '$2 == b && $4 == s && ($7 == 0 || $7 == 4) && (a == "" || $5 ":" $19 == a) { found = 1 } END { exit !found }'
}

# proxy_points NAME SLOT ADDRESS: whether the running process sends the component's requests there.
proxy_points() {
  proxy_say 'show servers state' | proxy_ready "c_$1" "$2" "$3"
}

# proxy_drain SLOT SECONDS: until its last request has ended, or the time is over. Sets left, the requests that have not. Those
# that a process from before a reload had sent to it count too.
proxy_drain() {
  local until quiet=0
  until=$(($(now_ms) + $2 * 1000))
  while :; do
    left=$({ proxy_say 'show stat' && proxy_say_old 'show stat'; } | awk -F , -v b="c_$component" -v s="$1" '
      $1 == b && $2 == s { sum += $5 } END { print sum + 0 }')
    # Twice, since a request that was just given to the server is counted a moment later.
    if [ "${left:-0}" = 0 ]; then quiet=$((quiet + 1)); else quiet=0; fi
    if [ "$quiet" -ge 2 ] || [ "$(now_ms)" -ge "$until" ]; then break; fi
    sleep 0.1
  done
}

# proxy_hold SLOT: new requests wait for an address, those under way go on.
proxy_hold() { proxy_say "set server c_$component/$1 addr 127.0.0.1 port 9" > /dev/null; }

proxy_rest() { proxy_say "set server c_$component/$1 state maint" > /dev/null; }
