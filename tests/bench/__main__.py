# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make bench`: oom_facts beside a bare `podman container inspect` of the same containers, on a real host.

    python -m bench [--host debian13] [--containers 200] [--rounds 3] [--limit 1.3]

Both are measured in turn, several times, and the medians compared. The cost of starting any module
(ssh, Python, Ansible's wrapper) is that of ansible.builtin.ping, measured beside them and taken off.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from fleet import inventory, vm

INSPECT = ("ids=$(podman ps --all --no-trunc --quiet); t=$(date +%s%N); podman container inspect $ids >/dev/null; "
           "echo $(( $(date +%s%N) - t ))")


def bare_inspect(host):
    """Seconds of one bare inspect of all containers, without the time to list them."""
    return int(host.run(INSPECT, timeout=600).stdout) / 1e9


def module(host, listing, name, arguments=None):
    """(Seconds of one module call by Ansible, its result)."""
    began = time.monotonic()
    done = subprocess.run(
        ["ansible", host.name, "-i", str(listing), "-m", name, *(["-a", json.dumps(arguments)] if arguments else [])],
        env=dict(os.environ, ANSIBLE_STDOUT_CALLBACK="ansible.builtin.minimal"),
        capture_output=True, text=True, timeout=900, check=False, stdin=subprocess.DEVNULL)
    took = time.monotonic() - began
    if done.returncode:
        sys.exit(f"{name} on {host.name}: rc {done.returncode}\n{done.stdout}\n{done.stderr}")
    return took, json.loads(done.stdout[done.stdout.index("{"):])


def prepare(host, wanted):
    """Make the containers; return the inventory."""
    host.put("/root/bench-create.py", Path(__file__).with_name("create.py").read_text(encoding="utf-8"))
    print(f"{host.name}: {wanted} containers …", flush=True)
    host.run(["python3", "/root/bench-create.py", str(wanted)], timeout=1200)
    listing = inventory.write()
    module(host, listing, "ansible.builtin.ping")  # the ssh connection and the host's caches
    return listing


def measure(host, wanted, rounds):
    """Seconds of each kind: {name: [float]}."""
    listing = prepare(host, wanted)
    seconds = {"inspect": [], "ping": [], "oom_facts": []}
    for number in range(rounds):
        seconds["inspect"].append(bare_inspect(host))
        seconds["ping"].append(module(host, listing, "ansible.builtin.ping")[0])
        took, result = module(host, listing, "podman_fleet.memory.oom_facts", {"users": ["root"]})
        seconds["oom_facts"].append(took)
        seen = len(result["ansible_facts"]["podman_oom"]["containers"])
        if seen < wanted:
            sys.exit(f"oom_facts saw {seen} of {wanted} containers")
        say(number, seconds)
    return seconds


def say(number, seconds):
    """Print a round."""
    print(f"  round {number + 1}: " + ", ".join(f"{name} {values[-1]:.2f} s" for name, values in seconds.items()), flush=True)


def medians(prog, limit, work):
    """Do work(host, containers, rounds) on the host of the command line; return (its options, {name: median})."""
    parser = argparse.ArgumentParser(prog=prog)
    parser.add_argument("--host", default="debian13")
    parser.add_argument("--containers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=limit)
    options = parser.parse_args()
    was_up = vm.Host(options.host).running
    vm.up([options.host])
    try:
        seconds = work(vm.Host(options.host), options.containers, options.rounds)
    finally:
        if not was_up:
            vm.down([options.host])
    return options, {name: statistics.median(values) for name, values in seconds.items()}


def main():
    """Measure, print the table and the ratio; exit code 1 when it is over the limit."""
    options, median = medians("bench facts", 1.3, measure)
    ratio = (median["oom_facts"] - median["ping"]) / median["inspect"]
    print(f"\nmedians of {options.rounds}: bare inspect {median['inspect']:.2f} s, any module's start {median['ping']:.2f} s, "
          f"oom_facts {median['oom_facts']:.2f} s")
    print(f"(oom_facts - start) / inspect = {ratio:.2f}, {options.containers} containers on {options.host} (limit {options.limit})")
    sys.exit(ratio > options.limit)


if __name__ == "__main__":
    main()
