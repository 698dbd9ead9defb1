# shellcheck shell=bash
# Secrets come by reference and are read with the host's own role, at every start. They lie in memory, one folder for each
# container: files/ is what it sees as /run/secrets, environment/ what it was asked to be given as variables.

# A disk would keep them after the container and the host are gone.
in_memory() { case $(stat -f -c %T "$RUN" 2> /dev/null) in tmpfs | ramfs) return 0 ;; esac; return 1; }

forget_secrets() { case $1 in '' | */* | .*) ;; *) rm -rf "${RUN:?}/secrets/$1" ;; esac; }

# has_environment_secrets SPEC: the engine keeps variables on its disk, so such a container is made anew at each start.
has_environment_secrets() { [ "$(jq -r '.secrets // [] | any(.as == "environment")' <<< "$1")" = true ]; }

# fetch_secrets CONTAINER: all secrets of the spec in hand. Sets why; what is there already stays when one cannot be read.
fetch_secrets() {
  local folder=$RUN/secrets/$1 name from as status=0
  [ "$(of '.secrets // [] | length')" = 0 ] && return 0
  in_memory || { why="$RUN is not in memory, so that secrets would be written to the disk"; return 1; }
  mkdir -p "$folder/files" "$folder/environment" "$folder/answers"
  # The container's user reads its files; nobody else gets as far as this folder.
  chmod 755 "$folder/files"
  ask_parameters "$folder/answers" || status=1
  while [ "$status" = 0 ] && IFS=$'\t' read -r name from as; do
    read_secret "$folder" "$name" "$from" "$as" || status=1
  done < <(of '.secrets[] | [.name, .from, .as // "file"] | @tsv')
  rm -rf "$folder/answers"
  return "$status"
}

# ask_parameters FOLDER: one call for ten parameters; a call takes most of a second.
ask_parameters() {
  local names=() batch=() error missing i
  mapfile -t names < <(of '[.secrets[].from | select(startswith("ssm:")) | .[4:]] | unique | .[]')
  for ((i = 0; i < ${#names[@]}; i += 10)); do
    batch=("${names[@]:i:10}")
    if ! error=$(timeout 60 aws ssm get-parameters --with-decryption --output json --names "${batch[@]}" 2>&1 > "$1/parameters.$i" 8>&- 9>&-); then
      why="the secrets cannot be read from ${batch[*]}: $(tr '\n' ' ' <<< "$error" | cut -c 1-400)"
      return 1
    fi
    missing=$(jq -r '.InvalidParameters // [] | first // empty' "$1/parameters.$i")
    [ -z "$missing" ] || {
      why="the secret $(jq -r --arg from "ssm:$missing" '[.secrets[] | select(.from == $from)][0].name' <<< "$spec") cannot be read from ssm:$missing: no such parameter in this account and region"
      return 1
    }
  done
}

# read_secret FOLDER NAME FROM AS: the value goes from file to file, byte for byte, and is never in an argument.
read_secret() {
  local folder=$1 name=$2 from=$3 as=$4 answers=$1/answers kind=files id key error
  [ "$as" = environment ] && kind=environment
  case $from in
    ssm:*)
      jq -sj --arg name "${from#ssm:}" '[.[].Parameters[] | select(.Name == $name or .Name + (.Selector // "") == $name or .ARN == $name)][0].Value
        // error("none")' "$answers"/parameters.* > "$folder/value" 2> /dev/null || { why="the secret $name cannot be read from $from"; return 1; }
      ;;
    secretsmanager:*)
      id=${from#secretsmanager:} key=''
      case $id in *#*) key=${id#*#} id=${id%%#*} ;; esac
      if ! error=$(timeout 60 aws secretsmanager get-secret-value --output json --secret-id "$id" 2>&1 > "$answers/secret" 8>&- 9>&-); then
        why="the secret $name cannot be read from $from: $(tr '\n' ' ' <<< "$error" | cut -c 1-400)"
        return 1
      fi
      if jq -e --arg key "$key" '$key == "" and (.SecretString == null)' "$answers/secret" > /dev/null 2>&1; then
        # A value of bytes is no text: jq would write others.
        jq -r '.SecretBinary // error("none")' "$answers/secret" 2> /dev/null | base64 -d > "$folder/value" 2> /dev/null ||
          { why="the secret $name cannot be read from $from"; return 1; }
      else
        jq -j --arg key "$key" 'if $key != "" then .SecretString | fromjson | .[$key] | if . == null then error("none") elif type == "string" then . else tojson end
          else .SecretString end' "$answers/secret" > "$folder/value" 2> /dev/null ||
          { why="the secret $name cannot be read from $from: it has no such key"; return 1; }
      fi
      ;;
  esac
  own_secret "$folder/value" "$kind"
  mv -f "$folder/value" "$folder/$kind/$name"
}

# Readable by the container's user alone where the spec or the image says which number that is.
own_secret() {
  local user
  [ "$2" = files ] || return 0
  user=$(of '.user // ""')
  [ -n "$user" ] || user=$(dk image inspect "$(of .image)" 2> /dev/null | jq -r '.[0].Config.User // ""')
  user=${user%%:*}
  case $user in
    '' | root | 0) chmod 400 "$1" ;;
    *[!0-9]*) chmod 444 "$1" ;;
    *) chown "$user" "$1" && chmod 400 "$1" ;;
  esac
}

# with_environment_secrets CONTAINER create ARGUMENTS: docker with the variables that were asked for. It reads them from a
# file in memory, or from its own environment where they have several lines; its arguments hold names at most.
with_environment_secrets() (
  folder=$RUN/secrets/$1/environment file=$RUN/secrets/$1/.env names=()
  shift 2
  if [ -d "$folder" ]; then
    : > "$file"
    for path in "$folder"/*; do
      [ -e "$path" ] || continue
      name=${path##*/} value=$(< "$path")
      case $value in
        *$'\n'*)
          case $name in PATH | HOME | SHELL | BASH* | IFS | LD_* | DOCKER_* | AWS_*) echo "a secret of several lines cannot be the variable $name" && return 1 ;; esac
          export "$name=$value"
          names+=(--env "$name")
          ;;
        *) printf '%s=%s\n' "$name" "$value" >> "$file" ;;
      esac
    done
    names+=(--env-file "$file")
  fi
  dk create ${names[@]+"${names[@]}"} "$@" "$(of .image)" ${words[@]+"${words[@]}"}
  status=$?
  rm -f "$file"
  return "$status"
)

# mask CONTAINER: text without the values of its secrets; of one with several lines each line counts too. Longest first, since
# one value may be a part of another.
mask() {
  local text path value values=() ordered=()
  text=$(cat)
  for path in "$RUN/secrets/$1"/files/* "$RUN/secrets/$1"/environment/*; do
    [ -f "$path" ] || continue
    value=$(< "$path")
    [ -z "$value" ] || values+=("$value")
    case $value in
      *$'\n'*)
        while IFS= read -r value; do
          value=${value%$'\r'}
          [ ${#value} -lt 4 ] || values+=("$value")
        done <<< "$value"
        ;;
    esac
  done
  if [ ${#values[@]} -gt 0 ]; then
    mapfile -d '' -t ordered < <(for value in "${values[@]}"; do printf '%06d%s\0' ${#value} "$value"; done | sort -zr)
    for value in "${ordered[@]}"; do text=${text//"${value:6}"/***}; done
  fi
  printf '%s\n' "$text"
}
