# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs on the host: gives Podman's containers bench-0 … the cgroups that they would have if they ran, and measures.

    running.py make            the cgroups of all bench containers, as crun lays them out, a process in each
    running.py measure N       JSON: CPU seconds and RSS of N runs of the recorder, and of `python3 -c pass`
    running.py clean

To start 200 containers takes many minutes on an emulated host, and the recorder sees nothing of them but this.
"""

import json
import os
import signal
import subprocess
import sys

BASE = "/sys/fs/cgroup/machine.slice"
SERVICE = "podman-memory-recorder.service"


def idents():
    listed = subprocess.check_output(["podman", "ps", "--all", "--no-trunc", "--quiet", "--filter", "label=bench=yes"])
    return listed.decode("ascii").split()


def write(path, text):
    with open(path, "w") as handle:
        handle.write(text)


def make():
    os.makedirs(BASE, exist_ok=True)
    write(BASE + "/cgroup.subtree_control", "+memory")
    for ident in idents():
        scope = "%s/libpod-%s.scope" % (BASE, ident)
        leaf = scope + "/container"
        os.mkdir(scope)
        write(scope + "/cgroup.subtree_control", "+memory")
        os.mkdir(leaf)
        write(scope + "/memory.max", str(64 << 20))
        sleeper = os.fork()
        if sleeper == 0:
            write(leaf + "/cgroup.procs", "0")
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):  # ssh waits for whoever has its streams
                os.dup2(nothing, stream)
            os.execvp("sleep", ["sleep", "50000"])


def clean():
    for ident in idents():
        scope = "%s/libpod-%s.scope" % (BASE, ident)
        if os.path.isdir(scope):
            with open(scope + "/container/cgroup.procs") as handle:
                pids = [int(pid) for pid in handle.read().split()]
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            write(scope + "/cgroup.kill", "1")


def cost(line):
    """(CPU seconds with its children, largest RSS in bytes) of a command."""
    child = os.fork()
    if child == 0:
        os.execv(line[0], line)
    _pid, status, used = os.wait4(child, 0)
    assert status == 0, (line, status)
    return used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


def show(name):
    return subprocess.check_output(["systemctl", "show", SERVICE, "--property=" + name, "--value"]).decode("utf-8").strip()


def measure(rounds):
    unit = subprocess.check_output(["systemctl", "cat", SERVICE]).decode("utf-8")
    line = [each for each in unit.splitlines() if each.startswith("ExecStart=")][0].partition("=")[2].split()
    subprocess.check_call(["systemctl", "stop", "podman-memory-recorder.timer"])
    found = {"recorder": [], "rss": [], "python": [], "service": []}
    cost(line)  # what the minutes before have left to be read
    for _round in range(rounds):
        found["python"].append(cost([line[0], "-I", "-S", "-c", "pass"])[0])
        seconds, rss = cost(line)
        found["recorder"].append(seconds)
        found["rss"].append(rss)
        subprocess.check_call(["systemctl", "start", SERVICE])
        found["service"].append(int(show("CPUUsageNSec")) / 1e9)
    subprocess.check_call(["systemctl", "start", "podman-memory-recorder.timer"])
    print(json.dumps(found))


if __name__ == "__main__":
    {"make": make, "clean": clean}.get(sys.argv[1], lambda: measure(int(sys.argv[2])))()
