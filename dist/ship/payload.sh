# shellcheck shell=bash
# The order that came, and the rules for it. A key that is not known is refused: half of a newer order must not be done.

# What a spec may say. A rule is true for a fitting value and false for any other; a key without a rule is unknown.
# shellcheck disable=SC2016 # a program of jq
SPEC_RULES='
def text: type == "string" and (explode | index(0)) == null;
# "$" also stands before a last newline, and no line of a configuration may come from a name.
def like($pattern): text and (explode | index(10)) == null and test($pattern);
def whole($from; $to): type == "number" and . == floor and . >= $from and . <= $to;
def list(rule): type == "array" and all(.[]; rule);
def named(rule): type == "object" and all(to_entries[]; (.key | like("^[^=\\s]+$")) and (.value | rule));
def variable: like("^[A-Za-z_][A-Za-z0-9_]*$");
def keys_of($known): type == "object" and ((keys - $known) == []);
def seconds: whole(0; 86400);
def hostname: like("^(\\*\\.)?[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$");
def http: keys_of(["port", "container-port", "hosts", "health-path"])
  and (.port | whole(1; 65535)) and (."container-port" | whole(1; 65535))
  and (.hosts // [] | list(hostname)) and (."health-path" // "/" | . == "" or like("^/[!-~]*$"));
def secret: keys_of(["name", "from", "as"]) and (.name | variable)
  and (.from | like("^(ssm:[A-Za-z0-9_./:-]+|secretsmanager:[A-Za-z0-9_/+=.@!:-]+(#.+)?)$"))
  and (.as // "file" | . == "file" or . == "environment");
def check: keys_of(["command", "interval", "timeout", "retries", "start-period"]) and (.command // [] | list(text))
  and all(.interval, .timeout, ."start-period" | values; type == "number" and . >= 0) and (.retries // 1 | whole(1; 1000));
def rule($key):
  if $key == "v" then . == 1
  elif $key == "component" then like("^[A-Za-z0-9][A-Za-z0-9_.-]{0,60}$")
  elif $key == "release" then like("^[0-9a-f]{16}$")
  elif $key == "image" then like("^[A-Za-z0-9][A-Za-z0-9.:-]*/[A-Za-z0-9_./-]+@sha256:[0-9a-f]{64}$")
  elif $key == "order" then . == "start-first" or . == "stop-first"
  elif $key == "http" then http
  elif $key == "publish" then list(like("^([0-9a-fA-F.:\\[\\]]+:)?[0-9-]+:[0-9-]+(/(tcp|udp|sctp))?$"))
  elif $key == "env" then type == "object" and all(to_entries[]; (.key | variable) and (.value | text))
  elif $key == "secrets" then list(secret) and ((map(.name) | unique | length) == length)
  elif $key == "labels" or $key == "log-options" then named(text)
  elif IN($key; "volumes", "tmpfs", "networks", "cap-add", "cap-drop", "extra-hosts", "ulimits") then list(like("^[^-\\s]"))
  elif $key == "command" then list(text)
  elif IN($key; "revision", "user", "entrypoint", "hostname", "log-driver", "stop-signal") then text
  elif $key == "memory" or $key == "shm-size" then like("^([0-9]+[bkmgBKMG]?)?$")
  elif $key == "cpus" then like("^([0-9]+(\\.[0-9]+)?)?$")
  elif $key == "pids" then whole(-1; 4194304)
  elif $key == "restart" then IN("always", "on-failure", "no")
  elif $key == "read-only" or $key == "init" then type == "boolean"
  elif $key == "health-check" then check
  elif IN($key; "stop-timeout", "healthy-within", "stable-for", "drain-within") then seconds
  else null end;
def problems:
  if type != "object" then ["it is no object"] else
    [to_entries[] | select(.value != null) | .key as $key | (.value | rule($key)) as $fits |
      if $fits == null then "\($key) is not known to this host: its program is older than the action"
      elif $fits then empty else "\($key) does not fit: \(.value | tojson | .[0:200])" end]
    + [("v", "component", "release", "image") as $key | select(.[$key] == null) | "\($key) is missing"]
    + (if .http and (.publish // [] | length) > 0 then ["http and publish do not go together: the proxy publishes the port"] else [] end)
    + (if .http and ((.networks // []) | any(IN("host", "none"))) then ["http needs a network of its own, not host or none"] else [] end)
  end;
problems | first // ""'

# spec_problem SPEC: what is wrong with it, or nothing.
spec_problem() { jq -r "$SPEC_RULES" <<< "$1" 2>&1; }

# of SPEC-FILTER: a value of the spec in hand as text.
of() { jq -r "$1" <<< "$spec"; }

# The two orders: a container with published ports cannot run twice, and without a proxy two of it may be one too many.
order_of() {
  jq -r 'if (.publish // [] | length) > 0 then "stop-first" else .order // (if .http then "start-first" else "stop-first" end) end' <<< "$1"
}

bad_payload() { finish failed "$1" 'Send the command with the action of the same version as this document' 64; }

# Reads $payload into request, operation, component, base, region …; ends with 64 for anything that is no order.
read_payload() {
  request=$(printf %s "$payload" | base64 -d 2> /dev/null | jq -c 'select(type == "object")' 2> /dev/null)
  [ -n "$request" ] || bad_payload 'the payload is no base64 of a JSON object'
  local unknown version bootstrap
  {
    IFS= read -r unknown && IFS= read -r version && IFS= read -r operation && IFS= read -r component && IFS= read -r environment &&
      IFS= read -r group && IFS= read -r region && IFS= read -r base && IFS= read -r bootstrap && IFS= read -r spec
  } < <(jq -r '
    def word: if . == null then "" elif type == "string" then gsub("\n"; " ") else tojson end;
    (keys - ["v", "operation", "component", "environment", "group", "region", "base", "bootstrap", "spec", "to", "lines", "since",
      "keep", "all"] | join(", ")), .v, (.operation | word), (.component // .spec.component? | word),
    (.environment | word | if . == "" then "default" else . end), (.group | word), (.region | word), (.base // 0), (.bootstrap == true),
    (.spec // "" | if . == "" then . else tojson end)' <<< "$request" 2> /dev/null)
  [ -z "$unknown" ] || bad_payload "the payload has keys that this host does not know: $unknown"
  [ "$version" = 1 ] || bad_payload 'the payload is of a version that this host does not know'
  [[ $base =~ ^[0-9]+$ ]] || bad_payload "base is no version of a parameter: $base"
  wants_bootstrap=$bootstrap
  use_region "$region"
  case $operation in preflight | bootstrap) [ -z "$component" ] && return 0 ;; esac
  [[ $component =~ ^[A-Za-z0-9][A-Za-z0-9_.-]{0,60}$ ]] || bad_payload "the component's name is '$component'"
  [[ $environment =~ ^[A-Za-z0-9_.-]+$ && ($group = '' || $group =~ ^[A-Za-z0-9_.-]+$) ]] ||
    bad_payload "environment '$environment' or group '$group' is no part of a parameter's name"
}

# The spec that came with the order, once it is known to be whole.
check_spec() {
  local problem
  [ -n "$spec" ] || bad_payload 'the payload has no spec'
  problem=$(spec_problem "$spec")
  [ -z "$problem" ] || bad_payload "the spec of $component: $problem"
  [ "$(of .component)" = "$component" ] || bad_payload "the spec is of $(of .component), not of $component"
}
