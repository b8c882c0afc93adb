# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""oom_facts beside a bare `podman container inspect` of the same containers, on a real host.

Both are measured in turn, several times, and the medians compared. The start of any module is not counted. oom_facts
is called as the audit calls it. The target is against the inspect alone, which is given the ids; whoever has none yet
lists the containers first, so that is beside it too. One container in ten runs: to start more takes too long on an
emulated host.
"""

import json
import statistics

from bench import BenchError, Row, _host

_TARGET = 1.3
_RUNNING = 10  # one in so many
INSPECT = ("a=$(date +%s%N); ids=$(podman ps --all --no-trunc --quiet); b=$(date +%s%N); "
           "podman container inspect $ids >/dev/null; c=$(date +%s%N); echo $(( b - a )) $(( c - b ))")


def bare(host):
    """Seconds of (one bare listing of all containers, one bare inspect of them)."""
    return tuple(int(word) / 1e9 for word in host.run(INSPECT, timeout=600).stdout.split())


def measure(host, wanted, rounds):
    """Seconds of each kind: {name: [float]}."""
    listing = _host.prepare(host, wanted, wanted // _RUNNING)
    seconds = {"ps": [], "inspect": [], "ping": [], "oom_facts": []}
    for number in range(rounds):
        for name, took in zip(("ps", "inspect"), bare(host)):
            seconds[name].append(took)
        seconds["ping"].append(_host.module(host, listing, "ansible.builtin.ping")[0])
        took, result = _host.module(host, listing, "podman_fleet.memory.oom_facts", {
            "users": ["root"], "timeout": 600, "as_json": True})
        seconds["oom_facts"].append(took)
        seen = json.loads(result["facts_json"])["containers"]
        running = sum(each["memory"]["usage"] is not None for each in seen)
        if (len(seen), running) != (wanted, wanted // _RUNNING):
            raise BenchError(f"oom_facts saw {len(seen)} containers and {running} running ones instead of {wanted} and "
                             f"{wanted // _RUNNING}; `make fleet-down` for a fresh host")
        _host.say(number, seconds)
    return seconds


def add_arguments(parser):
    """What the part takes."""
    parser.add_argument("--host", default="debian13-smp", help="two processors by default, as few as real hosts have")
    parser.add_argument("--containers", type=int, nargs="+", default=[200, 500, 2000])
    parser.add_argument("--rounds", type=int, default=3)


def main(options):
    """The ratio at each number of containers, and what one more container costs."""
    rows, costs = [], {}
    with _host.started(options.host) as host:
        for wanted in sorted(options.containers):
            median = {name: statistics.median(values) for name, values in measure(host, wanted, options.rounds).items()}
            cost = median["oom_facts"] - median["ping"]
            costs[wanted] = (cost, median["inspect"])
            ratio = cost / median["inspect"]
            rows.append(Row(f"oom_facts, {wanted} containers on {options.host}, {wanted // _RUNNING} of them running", f"{cost:.2f} s",
                            f"podman container inspect {median['inspect']:.2f} s (any module's start, {median['ping']:.2f} s, "
                            "is not counted)", f"{ratio:.2f}", f"≤ {_TARGET}", ratio <= _TARGET))
            listed = median["ps"] + median["inspect"]
            rows.append(Row(f"the same, {wanted} containers", f"{cost:.2f} s",
                            f"podman ps and podman container inspect {listed:.2f} s", f"{cost / listed:.2f}"))
    return rows + _linear(costs)


def _linear(costs):
    """Whether what one more container costs grows, from few to many, more than the bare inspect's own cost of it does.

    :param costs: {containers: (seconds of oom_facts, seconds of the inspect)}.
    """
    sizes = sorted(costs)
    if len(sizes) < 3:
        return []
    more = [[1000 * (costs[end][kind] - costs[begin][kind]) / (end - begin) for kind in (0, 1)]
            for begin, end in zip(sizes, sizes[1:])]
    first, last = more[0], more[-1]
    grown = [last[kind] / first[kind] for kind in (0, 1)]
    return [Row(f"one more container, between {sizes[-2]} and {sizes[-1]}", f"{last[0]:.1f} ms, between {sizes[0]} and {sizes[1]} {first[0]:.1f} ms",
                f"podman container inspect {last[1]:.1f} ms and {first[1]:.1f} ms", f"grows by {grown[0]:.2f}, inspect by {grown[1]:.2f}",
                "≤ 1.2 × inspect (linear)", grown[0] <= 1.2 * grown[1])]
