# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What test_container_memory.py has run on the hosts, as root and as alice: shell, and a look in Python."""

from __future__ import annotations

# One container of each kind that somebody may have made; quadlet where Podman has it. Each has two processes.
MAKE = r"""
set -e
cd /
IMAGE=localhost/bb:latest
TWO='sleep 50000 & sleep 50000'
if [ "$(id -u)" = 0 ]; then SYSTEMCTL=systemctl; QUADLETS=/etc/containers/systemd; UNITS=/etc/systemd/system
else SYSTEMCTL='systemctl --user'; QUADLETS=$HOME/.config/containers/systemd; UNITS=$HOME/.config/systemd/user; fi
run() { podman run -d --network=none --stop-timeout=0 "$@"; }
run --name cm-run --memory=64m --pids-limit=99 --restart=always $IMAGE sh -c "$TWO"
run --name cm-kill $IMAGE sh -c "$TWO"
run --name cm-rm --rm $IMAGE sh -c "$TWO"
run --name cm-compose --label com.docker.compose.project=cm $IMAGE sh -c "$TWO"
run --name cm-kube --annotation io.podman.annotations.kube.health.probe=none $IMAGE sh -c "$TWO"
podman pod create --name cm-pod --network=none --infra-image $IMAGE --infra-command 'sleep 50000' --infra-name cm-infra
podman run -d --pod cm-pod --name cm-member --stop-timeout=0 $IMAGE sh -c "$TWO"
podman run --name cm-stopped --network=none --memory=64m --stop-timeout=0 $IMAGE sh -c '[ -e /was ] && sleep 50000; echo >/was'
podman create --name cm-created --network=none --stop-timeout=0 $IMAGE sh -c "$TWO"
run --name cm-use --shm-size=64m $IMAGE sh -c 'dd if=/dev/zero of=/dev/shm/x bs=1M count=40; sleep 50000'
mkdir -p $UNITS $QUADLETS/sub
cat >$UNITS/cm-unit.service <<EOF
[Service]
Environment=PODMAN_SYSTEMD_UNIT=%n
ExecStart=/usr/bin/podman run --rm --replace --sdnotify=conmon --cgroups=no-conmon -d --name cm-unit --network=none --stop-timeout=0 $IMAGE sleep 50000
ExecStop=/usr/bin/podman rm -f -i -t 0 cm-unit
ExecStopPost=-/usr/bin/podman rm -f -i -t 0 cm-unit
Type=notify
NotifyAccess=all
TimeoutStartSec=300
EOF
if [ -e /usr/lib/systemd/system-generators/podman-system-generator ]; then
    cat >$QUADLETS/sub/cm-quadlet.container <<EOF
[Container]
Image=$IMAGE
ContainerName=cm-quadlet
Network=none
PodmanArgs=--memory=64m --stop-timeout=0
Exec=sh -c "sleep 50000 & sleep 50000"
[Service]
TimeoutStartSec=300
[Install]
WantedBy=default.target
EOF
    sed 's/^PodmanArgs.*/PodmanArgs=--stop-timeout=0 --cgroups=disabled/; s/cm-quadlet/cm-free/' \
        $QUADLETS/sub/cm-quadlet.container >$QUADLETS/cm-free.container
    QUADLET='cm-quadlet.service cm-free.service'
fi
$SYSTEMCTL daemon-reload
$SYSTEMCTL start cm-unit.service $QUADLET
$SYSTEMCTL enable podman-restart.service
# the quadlet is put right, and not restarted
if [ -n "$QUADLET" ]; then sed -i 's/ --cgroups=disabled//' $QUADLETS/cm-free.container; $SYSTEMCTL daemon-reload; fi
"""

# The state of all containers of the user, and what the kernel has for them: JSON by name.
LOOK = r"""
import json, os, subprocess
os.chdir("/")
ids = subprocess.check_output(["podman", "ps", "-aq", "--no-trunc", "--filter", "name=^cm-"]).decode().split()
found = {}
for each in json.loads(subprocess.check_output(["podman", "container", "inspect"] + ids).decode()) if ids else []:
    state, kernel = each["State"], None
    if state["Pid"]:
        with open("/proc/%d/cgroup" % state["Pid"]) as stream:
            leaf = "/sys/fs/cgroup" + stream.read().strip().rpartition("::")[2]
        kernel = {"leaf": leaf}
        for name in ("memory.max", "memory.swap.max", "memory.low", "memory.oom.group", "pids.max"):
            with open(leaf + "/" + name) as stream:
                kernel[name] = stream.read().strip()
    found[each["Name"]] = {"id": each["Id"], "status": state["Status"], "pid": state["Pid"], "started": state["StartedAt"],
                           "restarts": each["RestartCount"], "kernel": kernel}
print(json.dumps(found))
"""

# Something else changes what is enforced, and nobody tells Podman.
DRIFT = r"""
cd /
pid=$(podman inspect --format '{{.State.Pid}}' cm-run)
leaf=/sys/fs/cgroup$(cut -d: -f3 /proc/$pid/cgroup)
echo 80M >$leaf/memory.max
echo 0 >$leaf/memory.oom.group
"""

# The kernel kills for real; the container's end is what is waited for.
KILL = r"""
cd /
podman exec cm-kill sort /dev/zero
n=0
while [ "$(podman inspect --format '{{.State.Running}}' cm-kill)" = true ] && [ $n -lt 60 ]; do sleep 1; n=$((n + 1)); done
podman inspect --format '{{.State.Status}} {{.State.ExitCode}}' cm-kill
"""

# Everything that can be started again is.
RESTART = r"""
cd /
if [ "$(id -u)" = 0 ]; then SYSTEMCTL=systemctl; else SYSTEMCTL='systemctl --user'; fi
podman restart cm-run cm-stopped cm-created && $SYSTEMCTL restart cm-unit.service || exit
if [ -e /usr/lib/systemd/system-generators/podman-system-generator ]; then $SYSTEMCTL restart cm-quadlet.service; fi
"""
