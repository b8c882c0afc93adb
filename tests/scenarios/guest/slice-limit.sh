# Only the slice around the container has a limit.
# The rootless conmon is in the slice without any protection, and Linux 7.2 often kills it too: conmon needs a
# page when its child has ended but the child's memory isn't given back yet. Once more then.
mkdir -p "$UNITS"
printf '[Slice]\nMemoryMax=30M\n' >"$UNITS/scenlimit.slice"
units daemon-reload
for attempt in 1 2 3 4 5 6; do
    podman rm -f -i -t 0 slice-limit
    got=0
    timeout 60 podman run --network=none --name slice-limit --cgroup-parent=scenlimit.slice "$IMAGE" $HOG || got=$?
    [ "$got" = 137 ] && break
done
[ "$got" = 137 ]
