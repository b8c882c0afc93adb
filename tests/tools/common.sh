# shellcheck shell=bash
# Sourced by every script here: where things are, messages, and a step with a log.

set -euo pipefail

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
TOOLS=$REPO/tests/tools
CACHE=${PODMAN_FLEET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/podman_fleet}
TREE=$CACHE/tree-$(printf %s "$REPO" | sha256sum | cut -c1-12)
COLLECTION=$TREE/ansible_collections/podman_fleet/memory

# pyenv's shims answer to every name and fail only when run; real interpreters are found by find_python.
# An environment of a calling script must not become "the machine's python3".
PATH=$(printf %s "$PATH" | tr : '\n' | grep -v '/shims$' | grep -vF "$CACHE/" | paste -sd:)
PYENV_ROOT=${PYENV_ROOT:-$HOME/.pyenv}
PODMAN_FLEET_CACHE=$CACHE
mkdir -p "$CACHE"
export PATH PYENV_ROOT PODMAN_FLEET_CACHE PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# The interpreter of one version ("3.6"): from PATH, else the newest of pyenv's; fails when there is none.
find_python() {
    local version=$1 candidate
    for candidate in $(type -ap "python$version") \
        $(printf '%s\n' "$PYENV_ROOT"/versions/"$version".*/bin/"python$version" | sort -rV); do
        [ -x "$candidate" ] && "$candidate" -c '' 2>/dev/null && printf '%s\n' "$candidate" && return
    done
    return 1
}

# The collection where Ansible looks for it; the link leads to this working tree.
use_tree() {
    mkdir -p "${COLLECTION%/*}"
    ln -sfnT "$REPO" "$COLLECTION"
    export ANSIBLE_COLLECTIONS_PATH=$TREE ANSIBLE_NOCOWS=1 ANSIBLE_LOCALHOST_WARNING=false
}

# Where an environment of tests/tools/setup is.
venv_of() {
    if [ "$1" = user ]; then printf '%s\n' "$CACHE/venv"; else printf '%s\n' "$CACHE/venv-$1"; fi
}

# use_venv NAME: set it up when it isn't there, and put it first on PATH.
use_venv() {
    "$TOOLS/setup" "$1"
    VIRTUAL_ENV=$(venv_of "$1")
    PATH=$VIRTUAL_ENV/bin:$PATH
    export VIRTUAL_ENV
}

# find_or_install COMMAND PACKAGE: a tool from the distribution.
find_or_install() {
    command -v "$1" >/dev/null || install_apt "$2"
}

install_apt() {
    command -v apt-get >/dev/null || die "$* is missing, and this machine has no apt-get: install it by hand"
    [ "$(id -u)" = 0 ] || die "$* is missing: run as root, or install it by hand"
    say "   apt-get install $*"
    # stages run side by side
    exec 7>"$CACHE/apt.lock"
    flock 7
    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@"; } \
        >"$CACHE/apt.log" 2>&1 </dev/null || { tail -20 "$CACHE/apt.log" >&2; die "apt-get could not install $*"; }
    exec 7>&-
}

# use_copy: go to a copy of the collection at a real path, for tools that don't follow links or leave files behind.
# One process at a time may have it. HOME is one of its own, so that no tool writes into the user's.
use_copy() {
    COPY=$CACHE/copy-${TREE##*-}/ansible_collections/podman_fleet/memory
    mkdir -p "$COPY" "$CACHE/home"
    exec 8>"$CACHE/copy-${TREE##*-}/lock"
    flock -n 8 || { say "   another run is using the copy of this tree, waiting"; flock 8; }
    rm -rf "$COPY"
    mkdir -p "$COPY"
    git -C "$REPO" ls-files -z --cached --others --exclude-standard |
        tar -C "$REPO" --null --files-from=- --ignore-failed-read --warning=no-failed-read -cf - | tar -C "$COPY" -xf -
    export HOME=$CACHE/home ANSIBLE_COLLECTIONS_PATH=$CACHE/copy-${TREE##*-} ANSIBLE_HOME=$CACHE/home/.ansible
    cd "$COPY"
}

# --- stages -----------------------------------------------------------------------------------
# A stage is a script that runs steps and ends with `finish`. `tests/tools/test` runs all stages with one $LOGS.

start_stage() {
    STAGE=$1
    exec 2>&1
    if [ -z "${LOGS:-}" ]; then
        LOGS=$CACHE/logs/$(date -u +%Y%m%dT%H%M%SZ)-$$
        mkdir -p "$LOGS"
        ln -sfnT "$LOGS" "$CACHE/logs/latest"
        find "$CACHE/logs" -mindepth 1 -maxdepth 1 -type d -mtime +14 -exec rm -rf {} +
        OWN_LOGS=yes
    fi
    export LOGS
}

# record RESULT STEP SECONDS [PYTEST COUNTS]: a line for the summary
record() { printf '%s\t%s\t%s\t%s\n' "$1" "$STAGE: $2" "$3" "${4:-}" >>"$LOGS/results"; }

# step [--show] NAME COMMAND...: its output goes to a log; on the screen one line, the log's end when it fails.
# Exit code 77 means "cannot run on this machine": skipped, with the last line as the reason. $STEP_CODE is its exit code.
step() {
    local show='' started=$SECONDS code name log tail
    [ "$1" = --show ] && { show=yes; shift; }
    name=$1
    shift
    log=$LOGS/$STAGE-${name//[^A-Za-z0-9.]/-}.log
    # errexit holds in the steps too (it would not on the left of || or in a condition)
    set +e
    if [ -n "$show" ]; then
        say "   ---   $STAGE: $name"
        # not a pipe: a virtual machine that holds its end open would keep us waiting
        : >"$log"
        tail -n +1 -f "$log" 2>/dev/null &
        tail=$!
    fi
    (set -e; "$@" >"$log" 2>&1 </dev/null)
    code=$?
    [ -z "$show" ] || { sleep 1; kill "$tail"; wait "$tail"; } 2>/dev/null
    set -e
    # shellcheck disable=SC2034 # for the caller
    STEP_CODE=$code
    local took=$((SECONDS - started)) counts
    counts=$(grep -aE '^(=+ )?[0-9].*(passed|failed|error|skipped|deselected).* in [0-9.:]+s' "$log" | tail -1 | tr -d = | xargs || true)
    case $code in
        0) say "$(printf '   ok    %s (%d s)%s' "$STAGE: $name" "$took" "${counts:+: $counts}")"; record ok "$name" "$took" "$counts" ;;
        77) say "$(printf '   skip  %s: %s' "$STAGE: $name" "$(tail -1 "$log")")"; record skip "$name" "$took" ;;
        *)
            [ -n "$show" ] || { tail -40 "$log" | sed 's/^/         /' >&2; }
            say "$(printf '   FAIL  %s (%d s, exit code %d), log: %s' "$STAGE: $name" "$took" "$code" "$log")"
            record FAIL "$name" "$took" "$counts"
            ;;
    esac
}

# finish: the stage's exit code; with a summary unless a bigger run prints one.
finish() {
    [ -z "${OWN_LOGS:-}" ] || summary "$LOGS/results"
    ! grep -q "^FAIL	$STAGE:" "$LOGS/results"
}

# summary RESULTS: pytest's closing lines, the names of what failed or was skipped, and one line that counts it all:
# each test that pytest ran, and each other step as one.
summary() {
    awk -F '\t' '
        $4 != "" { print "   " $2 ": " $4 }
        $1 == "skip" { skipped++; names["skipped"] = names["skipped"] "\n     " $2 }
        $1 == "FAIL" { names["failed"] = names["failed"] "\n     " $2 }
        $1 != "skip" && $4 == "" { if ($1 == "ok") passed++; else failed++ }
        $4 != "" {
            n = split($4, part, /, */); before = failed
            for (i = 1; i <= n; i++) {
                count = part[i] + 0; sub(/^ *[0-9]+ */, "", part[i])
                if (part[i] ~ /^passed/) passed += count
                if (part[i] ~ /^(failed|error)/) failed += count
                if (part[i] ~ /^skipped/) skipped += count
            }
            if ($1 == "FAIL" && failed == before) failed++
        }
        END {
            if (names["skipped"]) print "   skipped:" names["skipped"]
            if (names["failed"]) print "   failed:" names["failed"]
            printf "%d passed, %d failed%s\n", passed, failed, skipped ? sprintf(", %d skipped", skipped) : ""
        }' "$1"
}
