# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""memory-limit-out-of-bounds, and what the policy makes of the other findings on settings."""

from __future__ import annotations

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.parse import parse_policy
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.evaluate import evaluate_facts

MIB, GIB = 1024 ** 2, 1024 ** 3
BARE = {"memory__declared__limit": None, "memory__effective__limit": None}
HOST = {"cgroup_version": 2, "swap_total": 0, "memory_total": 2 * GIB}


def rules(facts, **keys):
    policy = parse_policy({"rules": [{"name": "a", "match": "true", **keys}]}, "test")
    return {finding["rule"]: finding for finding in evaluate_facts("h", facts, "root", policy)}


@pytest.mark.parametrize("memory, summary", [
    ({"min": "128m"}, "limit 64 MiB is below the minimum of 128 MiB"),
    ({"max": "32m"}, "limit 64 MiB is above the maximum of 32 MiB"),
    ({"max_share_of_host": 0.01}, "limit 64 MiB is above the maximum of 20.5 MiB"),
])
def test_out_of_bounds(container, facts, memory, summary):
    finding = rules(facts(container(), host=HOST), memory=memory)["memory-limit-out-of-bounds"]
    assert (finding["summary"], finding["severity"]) == (summary, "medium")
    assert "Decided by rule 1 'a'" in finding["detail"] and finding["evidence"]["limit"] == 64 * MIB


@pytest.mark.parametrize("memory", [
    {"min": "64m", "max": "64m"}, {"min": 64 * MIB + 65535}, {"max": 64 * MIB - 65535}, {"max_share_of_host": 1}, None, {}])
def test_in_bounds(container, facts, memory):
    assert not rules(facts(container(), host=HOST), memory=memory)


@pytest.mark.parametrize("changes, expected", [
    # a limit that is not there, or not known, is in or out of no bounds
    (BARE, set()),
    ({"memory__effective": None}, {"evidence-missing"}),
    ({"state__status": "exited", "memory__effective": None}, {"memory-limit-out-of-bounds"}),
    ({"is_infra": True, "pod": "p", "memory__usage": {"working_set": MIB // 5}}, set()),
])
def test_no_limit_is_in_no_bounds(container, facts, changes, expected):
    assert set(rules(facts(container(**changes)), memory={"min": "128m"})) == expected


def test_a_limit_above_the_container(container, facts):
    finding = rules(facts(container(memory__effective__source="/machine.slice/small.slice", memory__effective__limit=32 * MIB)),
                    memory={"min": "64m"})["memory-limit-out-of-bounds"]
    assert finding["summary"] == "limit 32 MiB is below the minimum of 64 MiB (/machine.slice/small.slice)"
    assert "systemctl show -p MemoryMax" in finding["remedy"]


def test_the_remedy_is_the_bound_and_warns_of_a_kill(container, facts):
    tight = container(memory__usage={"current": 60 * MIB, "working_set": 40 * MIB})
    remedy = rules(facts(tight), memory={"max": "32m"})["memory-limit-out-of-bounds"]["remedy"]
    assert "podman update --memory=32m --memory-swap=32m -- web" in remedy and "it uses 40 MiB now" in remedy
    assert "now" not in rules(facts(container()), memory={"max": "32m"})["memory-limit-out-of-bounds"]["remedy"]


@pytest.mark.parametrize("memory, used, limit", [
    ({"default": "256m"}, 10, "256m"), ({"default": "256m"}, 1000, "1536m"), ({"default": "256m", "max": "1g"}, 1000, "1g"),
    ({"min": "1g"}, 10, "1g"), ({"max": "100m"}, 10, "100m"), ({"max": 100000000}, 10, "100000000"), ({}, 10, "512m"),
])
def test_a_first_limit_is_what_the_policy_wants(container, facts, memory, used, limit):
    findings = rules(facts(container(**BARE, memory__usage={"peak": used * MIB})), memory={"required": True, **memory})
    assert "--memory=%s --memory-swap=%s " % (limit, limit) in findings["memory-limit-missing"]["remedy"]


@pytest.mark.parametrize("severity, status, expected", [
    ("critical", "running", "critical"), ("info", "running", "info"), ("critical", "exited", "low"), ("info", "exited", "info"),
])
def test_severity(container, facts, severity, status, expected):
    bare = container(**BARE, memory__declared__oom_group=None, memory__effective__oom_group=False, state__status=status)
    findings = rules(facts(bare), memory={"required": True}, oom_group=True, severity=severity)
    assert {rule: finding["severity"] for rule, finding in findings.items()} == {
        "memory-limit-missing": expected, "oom-group-mismatch": expected}


def test_the_other_way_round(container, facts):
    finding = rules(facts(container()), oom_group=False)["oom-group-mismatch"]
    assert finding["summary"] == "memory.oom.group is on" and finding["evidence"]["wanted_by"] == "rule 1 'a'"


def test_what_nobody_asks_for_is_not_unknown(container, facts):
    assert not rules(facts(container(memory__effective=None)), memory=None)


def test_a_rule_that_fails_is_evidence_missing(container, facts):
    policy = parse_policy({"rules": [{"name": "a", "match": "contains(keys(labels), 'x')"}]}, "test")
    findings = evaluate_facts("h", facts(container(labels="text")), "root", policy)
    assert [finding["evidence"]["kind"] for finding in findings] == ["policy"]
