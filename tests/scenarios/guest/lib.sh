# Helpers for the scenario scripts; sourced by one.sh.
# DIR: a directory of this user, empty at the start of a drive; mounted as /out in some.

IMAGE=localhost/bb:latest
# Goes over any limit. Never to be run without one: the host would thrash for minutes.
HOG='sort /dev/zero'
FOREVER='sleep 50000'

run() {
    podman run --network=none "$@"
}

# expect RC COMMAND...: the scenario is broken when the command ends with anything else.
expect() {
    wanted=$1
    shift
    got=0
    "$@" || got=$?
    [ "$got" = "$wanted" ] || {
        echo "ended with $got instead of $wanted: $*" >&2
        exit 1
    }
}

# wait_for COMMAND...: until it succeeds; drive.sh's time limit ends it.
wait_for() {
    until "$@"; do sleep 0.3; done
}

# units COMMAND...: systemctl for root's or the user's own service manager.
units() {
    if [ "$(id -u)" = 0 ]; then
        systemctl "$@"
    else
        systemctl --user "$@"
    fi
}

unit_ended() {
    case "$(units is-active "$1")" in
    failed | inactive) true ;;
    *) false ;;
    esac
}

# Where this user's own quadlets and units are.
if [ "$(id -u)" = 0 ]; then
    QUADLETS=/etc/containers/systemd
    UNITS=/run/systemd/system
else
    QUADLETS=$HOME/.config/containers/systemd
    UNITS=$XDG_RUNTIME_DIR/systemd/user
fi
