# Only the slice around the container has a limit.
mkdir -p "$UNITS"
printf '[Slice]\nMemoryMax=30M\n' >"$UNITS/scenlimit.slice"
units daemon-reload
expect 137 run --name slice-limit --cgroup-parent=scenlimit.slice "$IMAGE" $HOG
