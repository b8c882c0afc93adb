# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make bench ARGS=apply`: container_memory in one call beside the bare API calls for the same containers.

    python -m bench.apply [--host debian13] [--containers 200] [--rounds 3] [--limit 4]

The bare calls are one `podman system service` and one request for each container, without looking at anything
before or after. The containers do not run, so an update writes Podman's record only: the case in which looking at
them weighs most. Rounds and the start of any module are treated as in __main__.py.
"""

import sys

from .__main__ import medians, module, prepare, say

MIB = 1 << 20


def measure(host, wanted, rounds):
    """Seconds of each kind: {name: [float]}."""
    listing = prepare(host, wanted)
    seconds = {"bare": [], "ping": [], "container_memory": [], "unchanged": []}
    for number in range(rounds):
        bare = host.run(["python3", "/root/bench-create.py", str(wanted), str((100 + number) * MIB)], timeout=900)
        seconds["bare"].append(float(bare.stdout))
        seconds["ping"].append(module(host, listing, "ansible.builtin.ping")[0])
        asked = {"containers": [{"name": f"bench-{each}", "memory": f"{200 + number}m"} for each in range(wanted)], "timeout": 300}
        for kind, changes in (("container_memory", wanted), ("unchanged", 0)):
            took, result = module(host, listing, "podman_fleet.memory.container_memory", asked)
            seconds[kind].append(took)
            changed = sum(each["changed"] for each in result["containers"])
            if changed != changes:
                sys.exit(f"container_memory changed {changed} of {wanted} containers, not {changes}")
        say(number, seconds)
    return seconds


def main():
    """Measure, print the table and the ratio; exit code 1 when it is over the limit."""
    options, median = medians("bench apply", 4, measure)
    ratio = (median["container_memory"] - median["ping"]) / median["bare"]
    print(f"\nmedians of {options.rounds}: bare API calls {median['bare']:.2f} s, any module's start {median['ping']:.2f} s, "
          f"container_memory {median['container_memory']:.2f} s, with nothing to change {median['unchanged']:.2f} s")
    print(f"(container_memory - start) / bare = {ratio:.2f}, {options.containers} containers on {options.host} "
          f"(limit {options.limit})")
    sys.exit(ratio > options.limit)


if __name__ == "__main__":
    main()
