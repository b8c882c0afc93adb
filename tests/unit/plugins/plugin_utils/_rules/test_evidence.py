# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""evidence-missing: what was not seen is said, once, and is never taken for "nothing there"."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.parse import parse_policy
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.policy import BUILT_IN
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.evaluate import evaluate_facts, evaluate_record


def missing(facts, run_as="root"):
    findings = evaluate_facts("h", facts, run_as, BUILT_IN)
    return [finding for finding in findings if finding["rule"] == "evidence-missing"]


def source(name, status, user=None, detail="why"):
    return {"name": name, "user": user, "status": status, "detail": detail, "covers_since": None}


@pytest.mark.parametrize("name, status, severity", [
    ("podman", "unavailable", "medium"),
    ("kernel_log", "unavailable", "medium"),
    ("kernel_log", "absent", "medium"),
    ("kernel_log", "partial", "low"),
    ("cgroup", "unavailable", "medium"),
    ("systemd", "unavailable", "low"),
    ("recorder", "unavailable", "low"),
    ("podman", "absent", None),
    ("recorder", "absent", None),
    ("kernel_log", "ok", None),
])
def test_sources(facts, name, status, severity):
    findings = missing(facts(sources=[source(name, status)]))
    assert [finding["severity"] for finding in findings] == ([severity] if severity else [])


def test_an_error_without_a_source_is_a_finding_and_with_one_it_is_not_a_second(facts):
    errors = [{"source": "podman", "user": "bob", "message": "no such user"},
              {"source": "kernel_log", "user": None, "message": "denied"}]
    findings = missing(facts(sources=[source("kernel_log", "unavailable", detail=None)], errors=errors))
    assert sorted(finding["summary"] for finding in findings) == [
        "kernel log could not be read: denied", "podman reported an error: no such user"]


def test_unknown_verdict(container, facts):
    findings = missing(facts(container(oom__killed=None, oom__cause="unknown", oom__missing=["kernel_log"])))
    assert [finding["summary"] for finding in findings] == ["unknown whether it was OOM killed (kernel_log)"]


@pytest.mark.parametrize("killed, code, told", [(None, 137, True), (None, 1, False), (True, 137, False)])
def test_a_removed_container_that_the_kernel_could_not_name(container, facts, killed, code, told):
    """W02 with --rm."""
    gone = dict(container(oom__killed=killed, oom__cause="unknown", oom__missing=["kernel_log"]), exit_code=code, gone=True)
    findings = missing(facts(removed=[gone]))
    assert [finding["summary"] for finding in findings] == ["unknown whether it was OOM killed (kernel_log)"] * told
    assert all(finding["container"] == gone["name"] and "podman_fleet.memory.prepare" in finding["remedy"] for finding in findings)


def test_a_crash_loop_is_no_missing_evidence(container, facts):
    """E4: its cgroup was never there when it was looked at, and what it declares is enough to judge."""
    looping = {"memory__effective": None, "memory__usage": None, "state__ended_meanwhile": True}
    policy = parse_policy({"rules": [{"name": "a", "match": "true", "memory": {"min": "200m"}, "oom_group": True}]}, "test")
    findings = evaluate_facts("h", facts(container(**looping)), "root", policy)
    assert [finding["rule"] for finding in findings] == ["memory-limit-out-of-bounds"]


def test_a_unit_with_a_variable(container, facts):
    findings = missing(facts(container(memory__next_start_problem="'${MEM}' is not a size", memory__declared__limit=None)))
    assert [(finding["severity"], finding["summary"]) for finding in findings] == [
        ("low", "unknown what limits its next start has (its unit: '${MEM}' is not a size)")]
    # what its next start has instead is not made up
    assert len(evaluate_facts("h", facts(container(memory__next_start_problem="x", memory__declared__limit=None)), "root", BUILT_IN)) == 1


def test_without_become_is_said_once_and_plainly(recorded):
    findings = missing(recorded("debian13-alice"), "alice")
    by_scope = {}
    for finding in findings:
        by_scope.setdefault(finding["evidence"]["scope"], []).append(finding["summary"])
    assert by_scope["privilege"] == ["ran as alice without become: only alice's containers, kernel log unreadable"]
    assert "source" not in by_scope


def test_with_become_nothing_is_missing_but_a_container_without_cgroup(recorded):
    assert {finding["container"] for finding in missing(recorded("debian13-root"))} == {"cgroups-disabled"}


@pytest.mark.parametrize("run_as, users, alone", [
    ("root", ["alice"], False),  # asked for alice only
    ("alice", ["alice"], True),
    (None, ["alice"], True),
    (None, ["root", "alice"], False),
    (None, [], False),
])
def test_who_could_not_see_everything(facts, run_as, users, alone):
    findings = missing(facts(sources=[source("podman", "ok", user) for user in users]), run_as)
    assert bool(findings) is alone


@pytest.mark.parametrize("broken", [
    None, {}, [], {"schema": "other"}, {"schema": "podman_fleet.memory/facts/v1", "containers": 3},
    {"schema": "podman_fleet.memory/facts/v1", "containers": [{}]},
    {"schema": "podman_fleet.memory/facts/v1", "containers": ["x"]},
])
def test_odd_facts_do_not_take_the_report_along(broken):
    entry, findings = evaluate_record({"host": "h", "run_as": None, "problem": None, "facts": broken},
                                      BUILT_IN, datetime.date(2026, 11, 23))
    assert (entry["status"], entry["kind"], entry["facts"]) == ("not_checked", "bad_facts", None)
    assert [finding["rule"] for finding in findings] == ["evidence-missing"]
