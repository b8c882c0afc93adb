# clean.sh CONTAINER...: removes what an earlier drive of this user left behind, nothing else.
export PODMAN_IGNORE_CGROUPSV1_WARNING=1
here=$(cd "$(dirname "$0")" && pwd)
XDG_RUNTIME_DIR=/run/user/$(id -u)
export XDG_RUNTIME_DIR
DIR=/run/scenarios
[ "$(id -u)" = 0 ] || DIR=$XDG_RUNTIME_DIR/scenarios
. "$here/lib.sh"

for unit in quadlet-job quadlet-restart-job unit-split-job; do
    [ -e "$QUADLETS/$unit.container" ] || [ -e "$UNITS/$unit.service" ] || continue
    units stop "$unit.service"
    units reset-failed "$unit.service"
    rm -f "$QUADLETS/$unit.container" "$UNITS/$unit.service"
done
if [ -e "$DIR" ]; then
    podman pod rm -f -i -t 0 pod-limit-pod
    podman rm -f -i -t 0 "$@"
    rm -rf "$DIR"
fi
units daemon-reload
