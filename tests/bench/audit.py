# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The audit of simulated hosts with 50 containers each, beside ansible.builtin.ping of the same hosts.

Both with the same forks and docs/ansible.cfg, in turn, several times. The hosts' own work (Python, the module, the
stand-in for Podman) runs on the controller's processors here, on both sides, so a real controller has less to do: how
much is measured once more with hosts that answer at once, by a stand-in for their Python. Beside it: the controller's
memory, the report's size, and from the cost of a host the capacity table.
"""

import json
import os
import shutil
import statistics
from pathlib import Path

from bench import Row, _capacity, _fleet, _results
from bench._simulate import CONTAINERS, Simulated

_TARGET = 1.5
_MEMORY = 1 << 30
_PLAYBOOK = "podman_fleet.memory.audit"
_SINCE = "2026-11-01T00:00:00Z"  # before the host was recorded


def add_arguments(parser):
    """What the part takes."""
    parser.add_argument("--hosts", type=int, nargs="+", default=[50, 200, 1000])
    parser.add_argument("--rounds", type=int, default=3, help="of the largest fleet one, since that takes long enough (3)")
    parser.add_argument("--forks", type=int, default=10)


def main(options):
    """A ratio for each size of the fleet; memory, report and capacity from the largest."""
    rows, costs = [], {}
    with Simulated(_results.directory() / "simulated") as simulated:
        for count in sorted(options.hosts):
            rounds = 1 if count == max(options.hosts) > 500 else options.rounds
            costs[count] = each = _measure(simulated, count, rounds, options.forks)
            rows.append(_ratio(count, each, options.forks))
        rows.append(_controller(simulated, min(options.hosts), options.rounds, options.forks))
    for count, (_pings, audits, size) in costs.items():
        rows.append(_memory(count, audits, size))
    few, many = min(costs), max(costs)
    if few != many:
        rows.append(_linear(few, many, costs))
    return rows + _capacity.rows(many, *_medians(costs[many]), costs[many][2])


def _controller(simulated, count, rounds, forks):
    """What is left when hosts cost nothing: each answers what one of them has answered."""
    listing = _fleet.inventory(_results.directory() / "one.ini", 1, simulated.podman)
    options = {"executable": str(simulated.podman), "since": _SINCE, "as_json": True}
    listings = []
    for name, words in (("ansible.builtin.ping", []), ("podman_fleet.memory.oom_facts", ["-a", json.dumps(options)])):
        told = _fleet.run(simulated.command(["ansible", "-i", str(listing), "all", "-m", name, *words]), 1, 120).output
        answer = json.loads(told[told.index("{"):])
        (simulated.directory / f"{name}.json").write_text(json.dumps(answer), encoding="utf-8")
        python = simulated.stand_in(f"python-{name}", f"#!/bin/sh\ncat >/dev/null\nexec cat {{here}}/{name}.json\n")
        listings.append(_fleet.inventory(
            _results.directory() / f"{name}.ini", count, simulated.podman,
            {_fleet.name(number): f"ansible_python_interpreter={python}" for number in range(count)}))
    ping = simulated.command(["ansible", "-i", str(listings[0]), "all", "-m", "ansible.builtin.ping"])
    pings, audits = _in_turn(ping, audit_command(simulated, listings[1]), count, rounds, forks)
    cpu = [statistics.median(each.cpu for each in costs) for costs in (pings, audits)]
    return Row(f"the controller's own part, {count} hosts × {CONTAINERS} containers", f"{cpu[1]:.1f} s of processors",
               f"ping {cpu[0]:.1f} s", f"{cpu[1] / cpu[0]:.2f}")


def _measure(simulated, count, rounds, forks):
    """([Cost of ping], [Cost of the audit], bytes of the report)."""
    listing = _fleet.inventory(_results.directory() / "fleet.ini", count, simulated.podman)
    ping = simulated.command(["ansible", "-i", str(listing), "all", "-m", "ansible.builtin.ping"])
    pings, audits = _in_turn(ping, audit_command(simulated, listing), count, rounds, forks)
    report = Path(_results.directory(), "reports", "latest", "report.json")
    return pings, audits, os.path.getsize(report)


def _in_turn(ping, audit, count, rounds, forks):
    """([Cost of ping], [Cost of the audit])."""
    shutil.rmtree(_results.directory() / "reports", ignore_errors=True)  # a report carries on what the one before has
    limit = 60 + 3 * count
    pings, audits = [], []
    for number in range(rounds):
        pings.append(_fleet.run(ping, forks, limit))
        # memory is looked at once: looking costs time
        audits.append(_fleet.run(audit, forks, limit, sample=number == 0))
        print(f"  {count} hosts, round {number + 1}: ping {pings[-1].seconds:.1f} s ({pings[-1].cpu:.1f} s of processors), "
              f"audit {audits[-1].seconds:.1f} s ({audits[-1].cpu:.1f} s)", flush=True)
    return pings, audits


def audit_command(simulated, listing, *more, reports=None):
    """The command line of an audit of all hosts of an inventory."""
    return simulated.command(["ansible-playbook", "-i", str(listing), "-e", "podman_memory_become=false",
                              "-e", f"oom_audit_since={_SINCE}", "-e", f"oom_audit_reports={reports or _results.directory() / 'reports'}",
                              *more, _PLAYBOOK])


def _medians(cost):
    pings, audits, _size = cost
    return statistics.median(each.seconds for each in pings), statistics.median(each.seconds for each in audits)


def _ratio(count, cost, forks):
    ping, audit = _medians(cost)
    cpu = statistics.median(each.cpu for each in cost[1]) / statistics.median(each.cpu for each in cost[0])
    return Row(f"audit of {count} hosts × {CONTAINERS} containers, {forks} forks", f"{audit:.1f} s", f"ping {ping:.1f} s",
               f"{audit / ping:.2f} (processors {cpu:.2f})", f"≤ {_TARGET}", audit / ping <= _TARGET)


def _memory(count, audits, size):
    largest, controller = max(each.largest for each in audits), max(each.controller for each in audits)
    return Row(f"controller's memory, {count} hosts", f"{controller / 2**20:.0f} MiB",
               f"largest process {largest / 2**20:.0f} MiB; report {size / 2**20:.1f} MiB",
               f"{size / count / CONTAINERS:.0f} bytes of report for a container", "≤ 1024 MiB", controller <= _MEMORY)


def _linear(few, many, costs):
    each = [1000 * _medians(costs[count])[1] / count for count in (few, many)]
    return Row(f"audit, one host of {many}", f"{each[1]:.0f} ms", f"one host of {few} {each[0]:.0f} ms",
               f"{each[1] / each[0]:.2f}", "≤ 1.2 (linear)", each[1] / each[0] <= 1.2)
