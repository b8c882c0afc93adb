#!/bin/sh
# Runs on a host as root: 50 containers (42 run, 3 were never started, 5 were killed for memory), and then all that
# oom_facts reads of them and of the host, as a tar on standard output.
set -eu
exec 3>&1 1>&2
python3 /root/bench-create.py create 45
podman start $(seq -f 'bench-%g' 0 41) >/dev/null
for n in 1 2 3 4 5; do
    podman container exists "killed-$n" ||
        podman run --name "killed-$n" --memory=20m --network=none localhost/bb:latest sort /dev/zero || :
done
sleep 2

out=/root/recorded
rm -rf "$out"
mkdir -p "$out/proc" "$out/cgroup"
podman ps --all --no-trunc --format '{{.ID}} {{.Names}}' >"$out/ps"
# shellcheck disable=SC2046 # ids
podman container inspect $(cut -d' ' -f1 "$out/ps") >"$out/inspect"
podman info --format json >"$out/info"
podman --version >"$out/version"
# shellcheck disable=SC2046 # ids
for pid in $(podman container inspect --format '{{.State.Pid}}' $(podman ps --no-trunc --quiet)); do
    cp "/proc/$pid/cgroup" "$out/proc/$pid"
done
# every memory file of the containers' cgroups and of all above them
python3 - "$out/cgroup" <<'END'
import os, sys
for directory, _directories, files in os.walk("/sys/fs/cgroup"):
    where = os.path.relpath(directory, "/sys/fs/cgroup")
    if where != "." and where.split("/")[0] != "machine.slice":
        continue
    os.makedirs(os.path.join(sys.argv[1], where), exist_ok=True)
    for name in files:
        if name.startswith("memory.") or name == "cgroup.controllers":
            try:
                with open(os.path.join(directory, name)) as source:
                    text = source.read()
            except OSError:
                continue
            with open(os.path.join(sys.argv[1], where, name), "w") as target:
                target.write(text)
END
cp /etc/machine-id "$out/machine-id"
journalctl --sync
journalctl --flush 2>/dev/null || :
for journal in /run/log/journal /var/log/journal; do
    if [ -d "$journal" ]; then mkdir -p "$out/journal"; cp -r "$journal/." "$out/journal/"; fi
done
tar -C "$out" -cf - . >&3
