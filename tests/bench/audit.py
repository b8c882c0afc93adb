# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The audit of simulated hosts with 50 containers each, beside ansible.builtin.ping of the same hosts.

Both with the same forks and docs/ansible.cfg, in turn, several times, after an audit that is not counted: each one has
the report of another to compare with, as every night. The hosts' own work (Python, the module, the stand-in for Podman)
runs on the controller's processors here, on both sides, so a real controller has less to do: how much is measured once
more with hosts that answer at once, by a stand-in for their Python. Beside it: the same where one host in twenty cannot
be reached; the controller's memory, in one more audit; the report's size, and from the cost of a host the capacity table.
"""

import functools
import json
import os
import shutil
import statistics
from typing import NamedTuple

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.report_file import Report
from bench import BenchError, Row, _capacity, _fleet, _results
from bench._simulate import CONTAINERS, Simulated

_TARGET = 1.5
_MEMORY = 1 << 30
_PLAYBOOK = "podman_fleet.memory.audit"
_UNREACHABLE = 20  # one host in so many
_GONE = "ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1"
_SINCE = "2026-11-01T00:00:00Z"  # before the host was recorded


def add_arguments(parser):
    """What the part takes."""
    parser.add_argument("--hosts", type=int, nargs="+", default=[50, 200, 1000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--forks", type=int, default=10)


def main(options):
    """A ratio for each size of the fleet; memory, report and capacity from the largest."""
    rows, costs = [], {}
    with Simulated(_results.directory() / "simulated") as simulated:
        for count in sorted(options.hosts):
            costs[count] = each = _measure(simulated, count, options.rounds, options.forks)
            rows.append(_ratio(f"audit of {count} hosts × {CONTAINERS} containers", each, options.forks))
        few = min(options.hosts)
        gone = {_fleet.name(number): _GONE for number in range(0, few, _UNREACHABLE)}
        rows.append(_ratio(f"the same, {few} hosts of which {len(gone)} are unreachable",
                           _measure(simulated, few, options.rounds, options.forks, gone), options.forks, judged=False))
        rows.append(_controller(simulated, few, options.rounds, options.forks))
    for count, each in costs.items():
        rows.append(_memory(count, each))
    few, many = min(costs), max(costs)
    if few != many:
        rows.append(_linear(few, many, costs))
    return rows + _capacity.rows(many, costs[many].seconds()[1], costs[many].report, options.forks)


class Measured(NamedTuple):
    """Of one fleet."""

    pings: list  # of _fleet.Cost
    audits: list  # of _fleet.Cost
    sampled: _fleet.Cost  # an audit whose memory was looked at, which costs time
    report: int  # bytes

    def seconds(self):
        """Medians of (ping, audit)."""
        return [statistics.median(each.seconds for each in costs) for costs in (self.pings, self.audits)]

    def cpu(self):
        """Medians of processor seconds of (ping, audit)."""
        return [statistics.median(each.cpu for each in costs) for costs in (self.pings, self.audits)]


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
    cpu = _in_turn(ping, audit_command(simulated, listings[1]), count, rounds, forks).cpu()
    return Row(f"the controller's own part, {count} hosts × {CONTAINERS} containers", f"{cpu[1]:.1f} s of processors",
               f"ping {cpu[0]:.1f} s", f"{cpu[1] / cpu[0]:.2f}")


def _measure(simulated, count, rounds, forks, gone=None):
    """What a fleet costs; gone: {name: variables} of hosts that cannot be reached."""
    listing = _fleet.inventory(_results.directory() / "fleet.ini", count, simulated.podman, gone)
    ping = simulated.command(["ansible", "-i", str(listing), "all", "-m", "ansible.builtin.ping"])
    return _in_turn(ping, audit_command(simulated, listing), count, rounds, forks, len(gone or ()))


def _in_turn(ping, audit, count, rounds, forks, gone=0):
    """Measured, of both commands in turn."""
    reports = _results.directory() / "reports"
    shutil.rmtree(reports, ignore_errors=True)
    limit, codes = 60 + 3 * count, (4,) if gone else (0,)
    audited = functools.partial(_audited, audit, forks, limit, codes, count, gone)
    audited()
    pings, audits = [], []
    for number in range(rounds):
        pings.append(_fleet.run(ping, forks, limit, codes=codes))
        audits.append(audited())
        print(f"  {count} hosts, round {number + 1}: ping {pings[-1].seconds:.1f} s ({pings[-1].cpu:.1f} s of processors), "
              f"audit {audits[-1].seconds:.1f} s ({audits[-1].cpu:.1f} s)", flush=True)
    sampled = audited(sample=True)
    if not sampled.controller:
        raise BenchError("the controller's memory could not be read from /proc")
    return Measured(pings, audits, sampled, os.path.getsize(reports / "latest" / "report.json"))


def _audited(audit, forks, limit, codes, count, gone, sample=False):
    """The Cost of an audit that has seen every container of every host that is there."""
    cost = _fleet.run(audit, forks, limit, sample=sample, codes=codes)
    summary = Report(str(_results.directory() / "reports" / "latest" / "report.json")).head["summary"]
    seen = (summary["hosts"]["total"], summary["hosts"]["not_checked"], summary["containers"]["total"])
    if seen != (count, gone, (count - gone) * CONTAINERS):
        raise BenchError(f"an audit saw (hosts, not checked, containers) {seen}")
    return cost


def audit_command(simulated, listing, *more, reports=None):
    """The command line of an audit of all hosts of an inventory."""
    return simulated.command(["ansible-playbook", "-i", str(listing), "-e", "podman_memory_become=false",
                              "-e", f"oom_audit_since={_SINCE}", "-e", f"oom_audit_reports={reports or _results.directory() / 'reports'}",
                              *more, _PLAYBOOK])


def _ratio(what, measured, forks, judged=True):
    (ping, audit), cpu = measured.seconds(), measured.cpu()
    return Row(f"{what}, {forks} forks", f"{audit:.1f} s", f"ping {ping:.1f} s",
               f"{audit / ping:.2f} (processors {cpu[1] / cpu[0]:.2f})", f"≤ {_TARGET}" if judged else "",
               audit / ping <= _TARGET or not judged)


def _memory(count, measured):
    largest, controller, size = measured.sampled.largest, measured.sampled.controller, measured.report
    return Row(f"controller's memory, {count} hosts (ssh's processes would come on top)", f"{controller / 2**20:.0f} MiB",
               f"largest process {largest / 2**20:.0f} MiB; report {size / 2**20:.1f} MiB",
               f"{size / count / CONTAINERS:.0f} bytes of report for a container", "≤ 1024 MiB", controller <= _MEMORY)


def _linear(few, many, costs):
    each = [1000 * costs[count].seconds()[1] / count for count in (few, many)]
    return Row(f"audit, one host of {many}", f"{each[1]:.0f} ms", f"one host of {few} {each[0]:.0f} ms",
               f"{each[1] / each[0]:.2f}", "≤ 1.2 (linear)", each[1] / each[0] <= 1.2)
