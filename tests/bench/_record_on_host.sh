#!/bin/sh
# Runs on a host as root: 50 containers (42 run, 3 were never started, 5 were killed for memory), and then all that
# oom_facts reads of them and of the host, as a tar on standard output.
set -eu
exec 3>&1 1>&2
python3 /root/bench-create.py 45
podman start $(seq -f 'bench-%g' 0 41) >/dev/null
for n in 1 2 3 4 5; do podman run --name "killed-$n" --memory=20m --network=none localhost/bb:latest sort /dev/zero || :; done
sleep 2

out=/root/recorded
rm -rf "$out"
mkdir -p "$out/proc" "$out/cgroup"
podman ps --all --no-trunc --format '{{.ID}} {{.Names}}' >"$out/ps"
podman container inspect $(cut -d' ' -f1 "$out/ps") >"$out/inspect"
podman info --format json >"$out/info"
podman --version >"$out/version"
for id in $(podman ps --no-trunc --quiet); do
    pid=$(podman container inspect --format '{{.State.Pid}}' "$id")
    cp "/proc/$pid/cgroup" "$out/proc/$pid"
done
# every memory file of the containers' cgroups and of all above them
cd /sys/fs/cgroup
for directory in . machine.slice $(find machine.slice -type d); do
    mkdir -p "$out/cgroup/$directory"
    for file in "$directory"/memory.* "$directory/cgroup.controllers"; do
        [ -f "$file" ] && cat "$file" >"$out/cgroup/$file" 2>/dev/null || :
    done
done
cp /etc/machine-id "$out/machine-id"
journalctl --sync
journalctl --flush 2>/dev/null || :
for journal in /run/log/journal /var/log/journal; do
    if [ -d "$journal" ]; then mkdir -p "$out/journal"; cp -r "$journal/." "$out/journal/"; fi
done
tar -C "$out" -cf - . >&3
