# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""oom_facts beside a bare `podman container inspect` of the same containers, on a real host.

Both are measured in turn, several times, and the medians compared. The start of any module is not counted. oom_facts
is called as the audit calls it. The target is against the inspect alone, which is given the ids; whoever has none yet
lists the containers first, so that is beside it too.
"""

import json
import statistics

from bench import BenchError, Row, _host

_TARGET = 1.3
INSPECT = ("a=$(date +%s%N); ids=$(podman ps --all --no-trunc --quiet); b=$(date +%s%N); "
           "podman container inspect $ids >/dev/null; c=$(date +%s%N); echo $(( b - a )) $(( c - b ))")


def bare(host):
    """Seconds of (one bare listing of all containers, one bare inspect of them)."""
    return tuple(int(word) / 1e9 for word in host.run(INSPECT, timeout=600).stdout.split())


def measure(host, wanted, rounds):
    """Seconds of each kind: {name: [float]}."""
    listing = _host.prepare(host, wanted)
    seconds = {"ps": [], "inspect": [], "ping": [], "oom_facts": []}
    for number in range(rounds):
        for name, took in zip(("ps", "inspect"), bare(host)):
            seconds[name].append(took)
        seconds["ping"].append(_host.module(host, listing, "ansible.builtin.ping")[0])
        took, result = _host.module(host, listing, "podman_fleet.memory.oom_facts", {
            "users": ["root"], "timeout": 600, "as_json": True})
        seconds["oom_facts"].append(took)
        seen = len(json.loads(result["facts_json"])["containers"])
        if seen != wanted:
            raise BenchError(f"oom_facts saw {seen} containers instead of {wanted}; `make fleet-down` for a fresh host")
        _host.say(number, seconds)
    return seconds


def add_arguments(parser):
    """What the part takes."""
    parser.add_argument("--host", default="debian13-smp", help="two processors by default, as few as real hosts have")
    parser.add_argument("--containers", type=int, nargs="+", default=[200, 500, 2000])
    parser.add_argument("--rounds", type=int, default=3)


def main(options):
    """The ratio at each number of containers, and what one more container costs at the ends."""
    rows, costs = [], {}
    with _host.started(options.host) as host:
        for wanted in sorted(options.containers):
            median = {name: statistics.median(values) for name, values in measure(host, wanted, options.rounds).items()}
            costs[wanted] = median["oom_facts"] - median["ping"]
            ratio = costs[wanted] / median["inspect"]
            rows.append(Row(f"oom_facts, {wanted} containers on {options.host}", f"{costs[wanted]:.2f} s",
                            f"podman container inspect {median['inspect']:.2f} s (any module's start, {median['ping']:.2f} s, "
                            "is not counted)", f"{ratio:.2f}", f"≤ {_TARGET}", ratio <= _TARGET))
            listed = median["ps"] + median["inspect"]
            rows.append(Row(f"the same, {wanted} containers", f"{costs[wanted]:.2f} s",
                            f"podman ps and podman container inspect {listed:.2f} s", f"{costs[wanted] / listed:.2f}", "", True))
    return rows + _linear(costs)


def _linear(costs):
    """Whether a container costs the same among many as among few."""
    few, many = min(costs), max(costs)
    if few == many:
        return []
    each = [1000 * costs[number] / number for number in (few, many)]
    return [Row(f"oom_facts, one container of {many}", f"{each[1]:.1f} ms", f"one container of {few} {each[0]:.1f} ms",
                f"{each[1] / each[0]:.2f}", "≤ 1.2 (linear)", each[1] / each[0] <= 1.2)]
