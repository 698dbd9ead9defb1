# shellcheck shell=bash
# The one place where anything begins: all functions are known by now.

# A host that was never provisioned is told so, and made ready when the command asks for it.
ready() {
  local missing
  if [ "$wants_bootstrap" = true ] || [ "$operation" = bootstrap ]; then
    declare -F provision > /dev/null || finish failed 'this program cannot provision' 'Use an image of terraform/ami'
    step provision 'making the host ready'
    install_program
    provision || finish failed 'the host could not be made ready' 'Look at the lines above'
  fi
  case $operation in preflight | bootstrap) return 0 ;; esac
  missing=$(missing_programs)
  [ -z "$missing" ] || finish failed "these programs are not on the host: $missing" 'Provision it: run the action with bootstrap: true'
}

run_command() {
  if ! command -v jq > /dev/null 2>&1; then
    # Only a host that is to be provisioned may lack it; without it no order can be read.
    case $(printf %s "$payload" | base64 -d 2> /dev/null) in
      *'"bootstrap":true'* | *'"operation":"bootstrap"'*) declare -F provision > /dev/null && provision ;;
    esac
    command -v jq > /dev/null 2>&1 || {
      printf 'slipway-result %s\n' "$(printf '{"state":"failed","cause":"jq is not on the host","next":"Provision it: run the action with bootstrap: true"}' | base64 | tr -d '\n')"
      exit 1
    }
  fi
  prepare
  read_payload
  ready
  install_program
  case $operation in
    deploy | rollback | restart | status | logs | prune | preflight) "$operation" ;;
    bootstrap) facts && finish succeeded '' ;;
    *) bad_payload "the operation '$operation' is not known to this host" ;;
  esac
}

if [ -n "${payload:-}" ]; then
  run_command
fi
case ${1:-} in
  serve) as_service=yes && prepare && serve ;;
  boot) as_service=yes && prepare && forget_addresses && proxy_write ;;
  reconcile) as_service=yes && prepare && reconcile ;;
  provision) declare -F provision > /dev/null && prepare && provision ;;
  prune) as_service=yes && prepare && prune_all 2 ;;
  status)
    prepare && component='' environment='' && facts && jq . "$result_facts"
    rm -f "$result_facts"
    ;;
  *)
    echo 'slipway-host serve | reconcile | boot | prune | status | provision' >&2
    exit 64
    ;;
esac
