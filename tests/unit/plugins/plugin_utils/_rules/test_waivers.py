# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waivers: what they waive, until when, and what becomes of them then."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.parse import parse_policy
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.evaluate import evaluate_record

LAST_DAY = datetime.date(2026, 11, 23)


def waiver(match="name == 'web'", rule="memory-limit-missing", expires=LAST_DAY, **keys):
    return {"match": match, "rule": rule, "reason": "moves in Q1", "expires": expires, **keys}


def judge(facts, *waivers, today=LAST_DAY, problem=None):
    """Return (waived findings, the others) by rule."""
    record = {"host": "h", "run_as": "root", "problem": problem, "facts": facts}
    _entry, findings = evaluate_record(record, parse_policy({"waivers": list(waivers)}, "test"), today)
    return ({finding["rule"]: finding for finding in findings if finding["waiver"]},
            {finding["rule"]: finding for finding in findings if not finding["waiver"]})


@pytest.fixture
def bare(container):
    """Return a container without a limit, with a mismatch of memory.oom.group."""
    return container(memory__declared__limit=None, memory__effective__limit=None, memory__effective__oom_group=False)


def test_one_rule_is_waived_and_the_other_is_not(bare, facts):
    waived, left = judge(facts(bare), waiver(owner="ops"))
    assert set(waived) == {"memory-limit-missing"} and set(left) == {"oom-group-mismatch"}
    assert waived["memory-limit-missing"]["waiver"] == {
        "rule": "memory-limit-missing", "match": "name == 'web'", "reason": "moves in Q1", "owner": "ops",
        "expires": "2026-11-23"}


@pytest.mark.parametrize("match", ["name == 'db'", "host.name == 'other'", "labels.legacy"])
def test_what_does_not_match_is_not_waived(bare, facts, match):
    assert not judge(facts(bare), waiver(match))[0]


def test_the_last_day_counts_and_the_next_does_not(bare, facts):
    assert judge(facts(bare), waiver())[0]
    waived, left = judge(facts(bare), waiver(owner="ops"), today=LAST_DAY + datetime.timedelta(days=1))
    assert not waived and set(left) == {"memory-limit-missing", "oom-group-mismatch", "waiver-expired"}
    expired = left["waiver-expired"]
    assert expired["summary"] == "waiver of memory-limit-missing expired on 2026-11-23 (ops): moves in Q1"
    assert expired["evidence"]["containers"] == ["web"] and expired["severity"] == "medium"
    assert expired["container"] is None


def test_a_user_cannot_have_root_s_container_waived_by_its_id(bare, facts):
    """alice says that her container has the id of root's, and gives it the label that the waiver wants."""
    hers = dict(bare, user="alice", name="other", labels={"legacy": "yes"})
    record = {"host": "h", "run_as": "root", "problem": None, "facts": facts(bare, hers)}
    _entry, findings = evaluate_record(record, parse_policy({"waivers": [waiver("labels.legacy == 'yes'")]}, "test"), LAST_DAY)
    found = {finding["user"]: finding["waiver"] for finding in findings if finding["rule"] == "memory-limit-missing"}
    assert found["root"] is None and found["alice"] is not None


def test_an_expired_waiver_is_one_finding_for_each_host(bare, facts):
    others = [dict(bare, id="%064x" % number, name="c%d" % number) for number in range(30)]
    left = judge(facts(*others), waiver("true"), today=datetime.date(2030, 1, 1))[1]
    assert left["waiver-expired"]["detail"] == "30 findings that it waived until then counts again."
    assert len(left["waiver-expired"]["evidence"]["containers"]) == 20


def test_an_expired_waiver_without_anything_to_waive_is_none(container, facts):
    assert not judge(facts(container()), waiver(), today=datetime.date(2030, 1, 1))[1]


def test_a_new_waiver_takes_the_place_of_an_expired_one(bare, facts):
    waived, left = judge(facts(bare), waiver(expires="2020-01-01"), waiver(expires="2027-01-01"), waiver())
    assert waived["memory-limit-missing"]["waiver"]["expires"] == "2027-01-01"
    assert "waiver-expired" not in left


def test_kills_of_removed_containers(container, facts):
    gone = {"id": "d" * 64, "user": "root", "name": None, "oom": container(
        oom__killed=True, oom__cause="container_limit", oom__lethal=True, oom__count=1)["oom"]}
    for match, is_waived in (("user == 'root'", True), ("user == 'alice'", False), ("starts_with(name, 'x')", False)):
        assert bool(judge(facts(removed=[gone]), waiver(match, "oom-killed"))[0]) is is_waived


@pytest.mark.parametrize("match, is_waived", [("host.name == 'h'", True), ("name == 'web'", False), ("true", True)])
def test_findings_on_a_host(facts, match, is_waived):
    old = facts(host={"cgroup_version": 1})
    assert bool(judge(old, waiver(match, "cgroup-v1"))[0]) is is_waived


def test_a_host_that_is_not_there(facts):
    problem = {"kind": "unreachable", "message": "no route"}
    assert set(judge(None, waiver("host.name == 'h'", "evidence-missing"), problem=problem)[0]) == {"evidence-missing"}


def test_a_condition_that_fails_waives_nothing(bare, facts):
    odd = dict(bare, labels="text")  # no Podman gives such labels, so the policy was not refused
    assert not judge(facts(odd), waiver("contains(keys(labels), 'a')"))[0]
