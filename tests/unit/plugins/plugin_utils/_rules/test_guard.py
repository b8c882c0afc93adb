# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rule that fails on one container costs that container, and is told; all others are as without it."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._door.door import clean_facts
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import parse_iso
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.baseline import BaselineFinding, Scope
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._enforce.plan import plan_host
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.policy import BUILT_IN
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules import evaluate
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.evaluate import evaluate_facts, evaluate_record

NOW = parse_iso("2026-11-29T12:00:00Z")
TODAY = datetime.date(2026, 11, 29)
RULES = ("kill_findings", "near_limit_findings", "host_findings", "evidence_findings", "invalid_container_findings",
         "settings_findings", "container_evidence_findings", "decide", "apply_waivers")


def evaluated(facts):
    return evaluate_record({"host": "h", "run_as": "root", "problem": None, "facts": facts}, BUILT_IN, TODAY)


def of_others(findings, ident):
    return [finding for finding in findings if finding["evidence"].get("container_id") != ident]


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError("deep"), OverflowError("large"), AssertionError()])
@pytest.mark.parametrize("rule", RULES)
def test_one_that_fails_on_one_container(recorded, monkeypatch, rule, error):
    facts = recorded("debian13-root")
    ident = next(each["id"] for each in facts["containers"] if each["oom"]["killed"] and each["memory"]["effective"])
    _entry, expected = evaluated(recorded("debian13-root"))
    working = getattr(evaluate, rule)

    def fail(*arguments):
        if rule == "container_evidence_findings":
            arguments, given = arguments[2:3], arguments  # it looks at the facts of the host as well
        else:
            given = arguments
        if any(isinstance(each, dict) and (each.get("id") == ident or any(
                one["id"] == ident for one in each.get("containers") or [])) for each in arguments):
            raise error
        return working(*given)
    monkeypatch.setattr(evaluate, rule, fail)
    entry, findings = evaluated(facts)
    assert of_others(findings, ident) == of_others(expected, ident) and entry["facts"] is facts
    failed = [finding for finding in findings if finding["evidence"].get("kind") == "error"]
    assert [finding["evidence"]["container_id"] for finding in failed] == [ident]
    assert type(error).__name__ in failed[0]["summary"] and failed[0]["rule"] == "evidence-missing"


@pytest.mark.parametrize("rule", ["kill_findings", "host_findings"])
def test_one_that_fails_always(recorded, monkeypatch, rule):
    def fail(*_arguments):
        raise KeyError("x")
    monkeypatch.setattr(evaluate, rule, fail)
    _entry, findings = evaluated(recorded("debian12-root"))
    assert [finding["summary"] for finding in findings if finding["evidence"].get("kind") == "error"]


def invalid(recorded, **changes):
    facts = recorded("debian13-root")
    facts["containers"][0].update(changes)
    return facts["containers"][0], clean_facts(facts, NOW)


@pytest.mark.parametrize("changes", [{"memory": 5}, {"labels": []}, {"oom": "x"}, {"image": 5}])
def test_a_container_that_is_not_valid_is_a_finding_of_its_own(recorded, changes):
    container, facts = invalid(recorded, **changes)
    entry, findings = evaluated(facts)
    own = [finding for finding in findings if finding["rule"] == "evidence-missing" and finding["container"] == container["name"]
           and finding["user"] == container["user"]]
    assert [(finding["evidence"]["kind"], finding["severity"]) for finding in own] == [("facts", "medium")]
    assert container["name"] in own[0]["detail"] and container["id"] in own[0]["remedy"]
    # and of an earlier report nothing of it counts as resolved
    scope = Scope(entry, findings)
    for rule in ("oom-killed", "near-limit", "memory-limit-missing"):
        assert not scope.covers(BaselineFinding("1", "h", rule, "high", container["user"], container["name"], None, "", "", "", None))
    if not any(each["id"] == container["id"] for each in facts["containers"]):
        assert entry["status"] == "partial"


def test_what_has_no_name_is_a_finding_as_well(recorded):
    _container, facts = invalid(recorded, name=5, user=5, id=5)
    entry, findings = evaluated(facts)
    assert entry["status"] == "partial"
    assert [finding["user"] for finding in findings if finding["evidence"].get("kind") == "facts"] == [None]


def test_enforcement_leaves_alone_what_it_does_not_know_all_of(recorded):
    facts = recorded("debian13-root")
    changed = {change.container_id for change in plan_host("h", facts, "root", BUILT_IN, TODAY).changes}
    facts["containers"] = [dict(each, labels=[]) if each["id"] in changed else each for each in facts["containers"]]
    plan = plan_host("h", clean_facts(facts, NOW), "root", BUILT_IN, TODAY)
    assert changed and not plan.changes
    assert len([each for each in plan.skipped if each.kind == "unknown" and "labels is not an object" in each.reason]) == len(changed)


def test_a_container_whose_name_podman_would_refuse_goes_by_its_id(recorded):
    container, facts = invalid(recorded, name="$(reboot)")
    names = {finding["container"] for finding in evaluate_facts("h", facts, "root", BUILT_IN)
             if finding["evidence"].get("container_id") == container["id"]}
    assert names == {container["id"][:12]}
