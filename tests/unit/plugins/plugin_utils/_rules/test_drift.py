# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""limit-drift and limit-not-persistent: what is a finding, of which of the two, and never of both."""

from __future__ import annotations

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.parse import parse_policy
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.policy import BUILT_IN
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.evaluate import evaluate_facts

MIB = 1024 * 1024
QUADLET = {"manager": {"kind": "quadlet", "unit": "web.service"}}


def rules(facts, policy=BUILT_IN):
    return {finding["rule"]: finding for finding in evaluate_facts("h", facts, "root", policy)}


def policy(**keys):
    return parse_policy({"rules": [{"name": "a", "match": "true", **keys}]}, "test")


def unit(limit=64, swap=128, group=True):
    return {"limit": limit and limit * MIB, "swap_limit": swap and swap * MIB, "reservation": None, "oom_group": group}


@pytest.mark.parametrize("changes, summary", [
    ({"memory__effective__limit": 32 * MIB}, "64 MiB declared, 32 MiB enforced"),
    ({"memory__effective__limit": 96 * MIB}, "64 MiB declared, 96 MiB enforced"),
    ({"memory__effective__limit": None, "memory__effective__source": None}, "64 MiB declared, no limit enforced"),
    ({"memory__effective__swap_limit": None}, "128 MiB memory+swap declared, no limit enforced"),
    ({"memory__effective__swap_limit": 256 * MIB}, "128 MiB memory+swap declared, 256 MiB enforced"),
])
def test_drift(container, facts, changes, summary):
    assert rules(facts(container(**changes)))["limit-drift"]["summary"] == summary


@pytest.mark.parametrize("changes", [
    # the kernel rounds down to pages
    {"memory__declared__limit": 64 * MIB + 1},
    {"memory__declared__limit": 64 * MIB + 65535},
    # an ancestor's limit is lower
    {"memory__effective__limit": 32 * MIB, "memory__effective__swap_limit": 32 * MIB,
     "memory__effective__source": "/machine.slice"},
    {"memory__effective__swap_limit": 64 * MIB},
    {"state__status": "exited", "memory__effective": None},
])
def test_no_drift(container, facts, changes):
    assert "limit-drift" not in rules(facts(container(**changes)))


def test_swap_does_not_matter_without_swap(container, facts):
    host = {"cgroup_version": 2, "swap_total": 0}
    assert not rules(facts(container(memory__effective__swap_limit=None), host=host))


@pytest.mark.parametrize("changes, summary", [
    ({"memory__declared__limit": None}, "no limit declared, 64 MiB enforced"),
    ({"memory__declared__oom_group": None}, "memory.oom.group on now, off at the next start"),
    ({"memory__declared__oom_group": False}, "memory.oom.group on now, off at the next start"),
    ({"memory__declared__limit": None, "memory__declared__oom_group": None},
     "no limit declared, 64 MiB enforced; memory.oom.group on now, off at the next start"),
    ({**QUADLET, "memory__next_start": unit(limit=None)}, "no limit in its unit, 64 MiB enforced"),
    ({**QUADLET, "memory__next_start": unit(group=None)}, "memory.oom.group on now, off at the next start"),
])
def test_what_the_next_start_loses(container, facts, changes, summary):
    findings = rules(facts(container(**changes)))
    assert {rule: finding["summary"] for rule, finding in findings.items()} == {"limit-not-persistent": summary}
    assert findings["limit-not-persistent"]["severity"] == "medium"


@pytest.mark.parametrize("changes, held", [
    # the unit's drop-in has it, Podman's record of this run has not
    ({**QUADLET, "memory__next_start": unit(), "memory__declared__limit": None, "memory__declared__oom_group": None}, set()),
    ({**QUADLET, "memory__next_start": unit(limit=32, swap=64)}, {"limit-drift"}),
    ({"memory__effective__source": "/machine.slice", "memory__declared__limit": None}, set()),
    ({"memory__effective__oom_group": False, "memory__declared__oom_group": None}, {"oom-group-mismatch"}),
    ({"memory__effective__oom_group": False}, {"oom-group-mismatch"}),
    ({"state__status": "exited", "memory__effective": None, "memory__declared__oom_group": None}, {"oom-group-mismatch"}),
])
def test_what_it_does_not_lose(container, facts, changes, held):
    assert set(rules(facts(container(**changes)))) == held


@pytest.mark.parametrize("most, declared, enforced, expected", [
    # what was put into bounds, and only live
    ("64m", 128, 64, {"limit-not-persistent"}),
    ("64m", 32, 48, {"limit-drift"}),
    ("64m", 32, 128, {"limit-drift", "memory-limit-out-of-bounds"}),
    ("64m", 256, 128, {"limit-drift", "memory-limit-out-of-bounds"}),
])
def test_a_difference_that_the_policy_wants_is_no_drift(container, facts, most, declared, enforced, expected):
    findings = rules(facts(container(memory__declared__limit=declared * MIB, memory__effective__limit=enforced * MIB)),
                     policy(memory={"max": most}))
    assert set(findings) == expected


@pytest.mark.parametrize("wanted, declared, enforced, expected", [
    (False, True, False, {"limit-not-persistent"}), (False, None, False, set()), (False, None, True, {"oom-group-mismatch"}),
    (None, None, True, {"limit-not-persistent"}), (None, True, False, set()), (None, True, True, set()),
])
def test_the_group_is_said_once(container, facts, wanted, declared, enforced, expected):
    findings = rules(facts(container(memory__declared__oom_group=declared, memory__effective__oom_group=enforced)),
                     policy(oom_group=wanted))
    assert set(findings) == expected


def test_the_remedy_keeps_what_is_lost(container, facts):
    lost = {"memory__declared__limit": None, "memory__declared__oom_group": None}
    remedy = rules(facts(container(**lost)))["limit-not-persistent"]["remedy"]
    assert '"memory": 67108864, "memory_swap": 134217728, "oom_group": true}' in remedy
    assert "--memory=67108864 --memory-swap=134217728 --cgroup-conf=memory.oom.group=1" in remedy
    endless = rules(facts(container(**lost, memory__effective__swap_limit=None)))["limit-not-persistent"]["remedy"]
    assert '"memory_swap": "unlimited"' in endless and "--memory-swap=-1" in endless
    of_unit = rules(facts(container(**QUADLET, memory__next_start=unit(limit=None))))["limit-not-persistent"]
    assert "container_memory" in of_unit["remedy"] and of_unit["evidence"]["next_start"]["limit"] is None
