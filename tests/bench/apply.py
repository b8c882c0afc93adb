# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""container_memory in one call, and enforce.yml, beside the bare API calls for the same containers.

The bare calls are one `podman system service` and one request for each container, without looking at anything
before or after. The containers do not run, so an update writes Podman's record only: the case in which looking at
them weighs most. The start of any module is not counted.
"""

import statistics

from bench import BenchError, Row, _host

_TARGET = 4
MIB = 1 << 20


def measure(host, wanted, rounds):
    """Seconds of each kind: {name: [float]}."""
    listing = _host.prepare(host, wanted)
    seconds = {"bare": [], "ping": [], "container_memory": [], "unchanged": [], "enforce": []}
    for number in range(rounds):
        bare = host.run(["python3", _host.CREATE, "update", str(wanted), str((100 + number) * MIB)], timeout=900)
        seconds["bare"].append(float(bare.stdout))
        seconds["ping"].append(_host.module(host, listing, "ansible.builtin.ping")[0])
        asked = {"containers": [{"name": f"bench-{each}", "memory": f"{200 + number}m"} for each in range(wanted)], "timeout": 300}
        for kind, changes in (("container_memory", wanted), ("unchanged", 0)):
            took, result = _host.module(host, listing, "podman_fleet.memory.container_memory", asked)
            seconds[kind].append(took)
            changed = sum(each["changed"] for each in result["containers"])
            if changed != changes:
                raise BenchError(f"container_memory changed {changed} of {wanted} containers, not {changes}")
        policy = {"rules": [{"name": "bench", "match": "labels.bench == 'yes'", "memory": {"min": f"{300 + number}m"}}]}
        took, output = _host.playbook(host, listing, "enforce", {
            "podman_memory_policy": policy, "memory_policy_settings": ["memory"], "memory_policy_users": ["root"],
            "memory_policy_timeout": 300})
        seconds["enforce"].append(took)
        if f"CHANGED {wanted} containers" not in " ".join(output.split()):
            raise BenchError(f"enforce.yml did not change {wanted} containers:\n{output[-3000:]}")
        _host.say(number, seconds)
    return seconds


def add_arguments(parser):
    """What the part takes."""
    parser.add_argument("--host", default="debian13")
    parser.add_argument("--containers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)


def main(options):
    """The ratio with everything to change, and the cost with nothing to change."""
    with _host.started(options.host) as host:
        seconds = measure(host, options.containers, options.rounds)
    median = {name: statistics.median(values) for name, values in seconds.items()}
    cost, idle = median["container_memory"] - median["ping"], median["unchanged"] - median["ping"]
    what = f"container_memory, {options.containers} containers on {options.host}"
    return [Row(what, f"{cost:.2f} s", f"bare API calls {median['bare']:.2f} s", f"{cost / median['bare']:.2f}", f"≤ {_TARGET}",
                cost / median["bare"] <= _TARGET),
            Row(what + ", nothing to change", f"{idle:.2f} s", f"everything to change {cost:.2f} s", f"{idle / cost:.2f}"),
            Row(f"enforce.yml, {options.containers} containers on {options.host}: facts, plan, change", f"{median['enforce']:.2f} s",
                f"bare API calls {median['bare']:.2f} s", f"{median['enforce'] / median['bare']:.2f}")]
