# systemd-oomd kills by pressure, the kernel has no part in it. Run when nothing else is under pressure.
mkdir -p /run/systemd/oomd.conf.d "$UNITS"
printf '[OOM]\nDefaultMemoryPressureDurationSec=2s\n' >/run/systemd/oomd.conf.d/scenario.conf
printf '[Slice]\nMemoryHigh=12M\nManagedOOMMemoryPressure=kill\nManagedOOMMemoryPressureLimit=2%%\n' \
    >"$UNITS/scenoomd.slice"
systemctl daemon-reload
systemctl restart systemd-oomd.service
# Page cache above MemoryHigh is thrown out and read again all the time; without swap only that
# makes the reclaim that oomd wants to see before it kills.
run -d --name oomd --cgroup-parent=scenoomd.slice "$IMAGE" \
    sh -c 'dd if=/dev/zero of=/big bs=1M count=40; while :; do cat /big >/dev/null; done'
podman wait oomd
# It stays active, as on many real hosts, but no longer so impatient.
rm /run/systemd/oomd.conf.d/scenario.conf "$UNITS/scenoomd.slice"
systemctl daemon-reload
systemctl restart systemd-oomd.service
