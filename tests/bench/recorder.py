# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the recorder costs on a host with 200 containers: CPU share and RSS.

    python -m bench.recorder [--host debian13] [--containers 200] [--rounds 5] [--share 0.2] [--rss 40]

A test host's processor is emulated, 10 to 20 times slower than a real one, and the clock is shared. So the CPU time of a
run is also given as a multiple of a bare `python3 -c pass` on the same host, and the share of a real processor is
that multiple of what `python3 -c pass` takes on this machine. All of it is printed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from fleet import inventory, vm

HERE = Path(__file__).resolve().parent
PERIOD = 60  # seconds: the timer's
MEBIBYTE = 1 << 20


def here():
    """Median CPU seconds of a bare Python on this machine."""
    python = os.path.realpath(sys._base_executable)  # pylint: disable=protected-access
    seconds = []
    for _round in range(9):
        child = os.posix_spawn(python, [python, "-I", "-S", "-c", "pass"], {})
        used = os.wait4(child, 0)[2]
        seconds.append(used.ru_utime + used.ru_stime)
    return statistics.median(seconds)


def module(host, state):
    """Install the recorder, or take it away."""
    done = subprocess.run(
        ["ansible", host.name, "-i", str(inventory.write()), "-m", "podman_fleet.memory.oom_recorder", "-a", json.dumps({"state": state})],
        env=dict(os.environ, ANSIBLE_STDOUT_CALLBACK="ansible.builtin.minimal"),
        capture_output=True, text=True, timeout=900, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(f"oom_recorder on {host.name}: rc {done.returncode}\n{done.stdout}\n{done.stderr}")


def measure(host, containers, rounds):
    """What running.py measures on the host."""
    print(f"{host.name}: {containers} containers …", flush=True)
    for name in ("create.py", "running.py"):
        host.put(f"/root/bench-{name}", (HERE / name).read_text(encoding="utf-8"))
    host.run(["python3", "/root/bench-create.py", str(containers)], timeout=1800)
    host.run(["python3", "/root/bench-running.py", "make"], timeout=900)
    try:
        module(host, "present")
        return json.loads(host.run(["python3", "/root/bench-running.py", "measure", str(rounds)], timeout=1800).stdout)
    finally:
        module(host, "absent")
        host.run(["python3", "/root/bench-running.py", "clean"], timeout=900)


def main():
    """Measure and print; exit code 1 when it is over a limit."""
    parser = argparse.ArgumentParser(prog="bench.recorder")
    parser.add_argument("--host", default="debian13")
    parser.add_argument("--containers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--share", type=float, default=0.2, help="percent of a core")
    parser.add_argument("--rss", type=float, default=40, help="MiB")
    options = parser.parse_args()
    was_up = vm.Host(options.host).running
    vm.up([options.host])
    try:
        found = measure(vm.Host(options.host), options.containers, options.rounds)
    finally:
        if not was_up:
            vm.down([options.host])
    median = {name: statistics.median(values) for name, values in found.items()}
    ratio, bare = median["recorder"] / median["python"], here()
    share, rss = 100 * ratio * bare / PERIOD, max(found["rss"]) / MEBIBYTE
    print(f"\nmedians of {options.rounds} on {options.host}, emulated: python3 -c pass {median['python']:.2f} s, "
          f"one run {median['recorder']:.2f} s, as hardened service {median['service']:.2f} s of CPU")
    print(f"one run = {ratio:.1f} x python3 -c pass; largest RSS {rss:.1f} MiB (limit {options.rss:g})")
    print(f"share of the emulated core {100 * median['recorder'] / PERIOD:.2f} %; with this machine's {bare * 1000:.1f} ms for python3 -c pass "
          f"{share:.3f} % of a real one (limit {options.share:g})")
    sys.exit(share > options.share or rss > options.rss)


if __name__ == "__main__":
    main()
