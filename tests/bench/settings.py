# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each setting of docs/ansible.cfg is worth: the audit with it beside the audit without it.

Over local connections, so pipelining saves no round trips, and forks hide no waiting: these two rows only say that the
settings cost nothing.
"""

import statistics

from bench import Row, _fleet, _results
from bench._simulate import Simulated
from bench.audit import audit_command

# what: environment in place of the setting
_WITHOUT = {
    "pipelining = false": {"ANSIBLE_PIPELINING": "False"},
    "facts gathered too (ansible.builtin.setup), as other playbooks do": {"gather": "yes"},
    "forks = 5 (Ansible's default)": {"forks": 5},
    "forks = 50": {"forks": 50},
}


def add_arguments(parser):
    """What the part takes."""
    parser.add_argument("--hosts", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--forks", type=int, default=20)


def main(options):
    """A row for each setting."""
    directory = _results.directory()
    costs = {name: [] for name in ("docs/ansible.cfg", *_WITHOUT)}
    with Simulated(directory / "simulated") as simulated:
        listing = _fleet.inventory(directory / "fleet.ini", options.hosts, simulated.podman)
        audit = audit_command(simulated, listing)
        setup = simulated.command(["ansible", "-i", str(listing), "all", "-m", "ansible.builtin.setup"])
        for _round in range(options.rounds):
            for name, kept in costs.items():
                environment = dict(_WITHOUT.get(name, {}))
                forks, gather = environment.pop("forks", options.forks), environment.pop("gather", None)
                cost = _fleet.run(audit, forks, 1200, **environment)
                if gather:
                    more = _fleet.run(setup, forks, 1200)
                    cost = cost._replace(seconds=cost.seconds + more.seconds, cpu=cost.cpu + more.cpu)
                kept.append(cost)
                print(f"  {name}: {cost.seconds:.1f} s, {cost.cpu:.1f} s of processors", flush=True)
    own = _medians(costs.pop("docs/ansible.cfg"))
    return [Row(f"audit of {options.hosts} hosts with {name}", "%.1f s, %.1f s of processors" % _medians(each),
                "as in docs/ansible.cfg %.1f s, %.1f s" % own,
                "%.2f (processors %.2f)" % tuple(a / b for a, b in zip(_medians(each), own)))
            for name, each in costs.items()]


def _medians(costs):
    return statistics.median(each.seconds for each in costs), statistics.median(each.cpu for each in costs)
