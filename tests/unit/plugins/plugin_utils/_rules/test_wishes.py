# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Swap, reservation and memory.high: what of the policy's wishes a container does not have, and what enforcement does about it."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._enforce.plan import plan_host
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.parse import parse_policy
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.evaluate import evaluate_facts

MIB = 1 << 20
TODAY = datetime.date(2026, 11, 30)
SWAPS = {"swap_total": 1 << 30, "memory_total": 1 << 30, "cgroup_version": 2, "podman": {"version": "5.4.2"}}


@pytest.fixture
def one(container, facts):
    """Return a function that gives the facts of a host with one container: limit 100 MiB, no swap, no reservation, no memory.high."""
    def make(host=None, **changes):
        usual = {"limit": 100 * MIB, "swap_limit": 100 * MIB, "reservation": None, "oom_group": True}
        both = {"memory__declared__%s" % key: value for key, value in usual.items()}
        both.update({"memory__effective__limit": 100 * MIB, "memory__effective__swap_limit": 100 * MIB, "memory__effective__high": None,
                     "memory__effective__oom_group": True})
        return facts(container(**{**both, **changes}), host={**SWAPS, **(host or {})})
    return make


def policy(**memory):
    return parse_policy({"rules": [{"name": "a", "match": "true", "memory": memory}]}, "test")


def finding(given, **memory):
    found = [each for each in evaluate_facts("h", given, "root", policy(**memory)) if each["rule"] == "memory-settings-mismatch"]
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize("memory, changes, summary", [
    ({"swap": "none"}, {}, None), ({"swap": "50m"}, {}, "swap none instead of 50 MiB"), ({"swap": "unlimited"}, {}, "swap none instead of unlimited"),
    ({"swap": "none"}, {"memory__effective__swap_limit": 150 * MIB}, "swap 50 MiB instead of none"),
    ({"swap": "10%"}, {"memory__effective__swap_limit": 150 * MIB}, "swap 50 MiB instead of 102 MiB"),
    # both say so: it may swap as it likes. Only the kernel's: it has no such limit to read (swapaccount=0)
    ({"swap": "none"}, {"memory__effective__swap_limit": None, "memory__declared__swap_limit": None}, "swap unlimited instead of none"),
    ({"swap": "none"}, {"memory__effective__swap_limit": None}, None),
    # without a limit, or with that of a slice, there is nothing to set it beside
    ({"swap": "none"}, {"memory__effective__limit": None, "memory__declared__limit": None, "memory__effective__swap_limit": None}, None),
    ({"swap": "50m"}, {"memory__effective__source": "/machine.slice"}, None), ({"swap": "50m"}, {"host": {"swap_total": 0}}, None),
    ({"reservation": "64m"}, {}, "reservation none instead of 64 MiB"), ({"reservation": "64m"}, {"memory__declared__reservation": 64 * MIB}, None),
    ({"high": "90m"}, {}, "memory.high none instead of 90 MiB"), ({"high": "90m"}, {"memory__effective__high": 90 * MIB}, None),
    ({"high": "90m"}, {"host": {"cgroup_version": 1}}, None),
    ({"swap": "50m", "reservation": "64m", "high": "90m"}, {},
     "swap none instead of 50 MiB, reservation none instead of 64 MiB, memory.high none instead of 90 MiB"),
])
def test_audit(one, memory, changes, summary):
    found = finding(one(**changes), **memory)
    assert (found and found["summary"]) == summary
    assert found is None or found["severity"] == "low"


def test_the_remedy_is_one_command_of_the_collection(one):
    remedy = finding(one(), swap="50m", reservation="64m", high="90m")["remedy"].splitlines()
    assert '"memory": 104857600, "memory_swap": 157286400, "memory_reservation": 67108864' in remedy[1]
    assert remedy[-1] == "# memory.high is given when it is created: podman run --cgroup-conf=memory.high=94371840"
    assert '"memory_swap": "unlimited"' in finding(one(), swap="unlimited")["remedy"]
    assert "ansible" not in finding(one(), high="90m")["remedy"]


def options(given, **memory):
    plan = plan_host("h", given, "root", policy(**memory), TODAY)
    return [{key: value for key, value in change.module_options().items() if key not in ("name", "user")} for change in plan.changes], plan.skipped


@pytest.mark.parametrize("memory, changes, expected", [
    ({"swap": "50m"}, {}, {"memory": "100m", "memory_swap": "150m"}), ({"swap": "unlimited"}, {}, {"memory": "100m", "memory_swap": "unlimited"}),
    ({"swap": "none"}, {"memory__effective__swap_limit": 150 * MIB}, {"memory": "100m", "memory_swap": "100m"}),
    ({"reservation": "64m"}, {}, {"memory_reservation": "64m"}),
    ({"swap": "50m", "reservation": "64m"}, {}, {"memory": "100m", "memory_swap": "150m", "memory_reservation": "64m"}),
    # with its first limit it gets the swap at once
    ({"required": True, "default": "200m", "swap": "50m", "reservation": "64m"}, {"memory__effective__limit": None, "memory__declared__limit": None,
                                                                                  "memory__effective__swap_limit": None, "memory__declared__swap_limit": None},
     {"memory": "200m", "memory_swap": "250m", "memory_reservation": "64m"}),
    ({"min": "200m", "swap": "50m"}, {}, {"memory": "200m", "memory_swap": "250m"}),
])
def test_enforcement(one, memory, changes, expected):
    assert options(one(**changes), **memory) == ([expected], ())


def test_what_can_not_be_set_is_said(one):
    assert options(one(), high="90m")[1][0].reason == "memory.high is given to a container when it is created"
    changes, skipped = options(one(), reservation="200m", swap="50m")
    assert changes == [{"memory": "100m", "memory_swap": "150m"}]
    assert skipped[0].reason == "a reservation of 200 MiB is more than its limit of 100 MiB"
    assert "Podman 4.3.1 forgets it" in options(one(host={"podman": {"version": "4.3.1"}}), reservation="64m")[1][0].reason
