# drive.sh NAME...: runs scenarios one after another, as the user who calls it.
# Prints "@@ran NAME RC SECONDS" for each, and "@@log NAME TEXT" for what failed.

here=$(cd "$(dirname "$0")" && pwd)
LIMIT=${LIMIT:-240}
if [ "$(id -u)" = 0 ]; then
    # root's runtime directory goes with its last session
    DIR=/run/scenarios
else
    XDG_RUNTIME_DIR=/run/user/$(id -u)
    DIR=$XDG_RUNTIME_DIR/scenarios
fi
export DIR XDG_RUNTIME_DIR PODMAN_IGNORE_CGROUPSV1_WARNING=1
mkdir -p "$DIR"
# conmon < 2.1.13 leaves a file "oom" where it was started
cd "$DIR" || exit

for name; do
    started=$(date +%s)
    rc=0
    timeout -k 5 "$LIMIT" sh -eu "$here/one.sh" "$name" >"$DIR/$name.log" 2>&1 </dev/null || rc=$?
    echo "@@ran $name $rc $(($(date +%s) - started))"
    [ "$rc" = 0 ] || tail -n 20 "$DIR/$name.log" | sed "s/^/@@log $name /"
done
