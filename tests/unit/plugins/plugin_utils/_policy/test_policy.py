# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a policy decides: later rules override key by key, bounds never contradict each other, infra is left alone."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.parse import parse_policy
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.policy import (
    BUILT_IN,
    DECISION_KEYS,
    MEMORY_KEYS,
    Decision,
    HostInventory,
    decide,
    explain_decision,
    named_host,
)

MIB, GIB = 1024 ** 2, 1024 ** 3
HOST = {"name": "h", "memory_total": 4 * GIB}
WEB = {"id": "c" * 64, "name": "web", "user": "root", "labels": {}}


def rule(name, match="true", **keys):
    return {"name": name, "match": match, **keys}


def decide_by(*rules, host=None, container=None):
    return decide(parse_policy({"rules": list(rules)}, "test"), host or HOST, container or WEB)


def test_all_keys_and_where_they_come_from():
    decision = decide_by(rule("a", memory={"required": True, "default": "512m", "min": "64m", "max": "1g", "swap": "1g", "reservation": "10%",
                                           "high": "800m"}, oom_group=True, severity="low"))
    assert decision[:9] == (True, 512 * MIB, 64 * MIB, GIB, True, "low", GIB, 429496729, 800 * MIB)
    assert decision.decided_by == {**dict.fromkeys(DECISION_KEYS, "rule 1 'a'"), "reservation": "rule 1 'a' (10% of the host)"}


@pytest.mark.parametrize("swap, expected", [
    ("none", 0), ("None", 0), ("unlimited", "unlimited"), ("512m", 512 * MIB), (1024, 1024), ("25%", GIB), (None, None)])
def test_swap(swap, expected):
    decision = decide_by(rule("a", memory={"swap": "1t"}), rule("b", memory={"swap": swap}))
    assert decision.swap == expected
    assert not decision.is_exempt or swap is None


def test_later_rules_override_key_by_key():
    decision = decide_by(rule("a", memory={"required": True, "max": "8g"}, oom_group=True),
                         rule("b", "name == 'web'", memory={"max": "1g"}, severity="low"),
                         rule("c", "name == 'db'", oom_group=False))
    assert (decision.required, decision.max, decision.oom_group, decision.severity) == (True, GIB, True, "low")
    assert decision.decided_by == {
        "required": "rule 1 'a'", "max": "rule 2 'b'", "oom_group": "rule 1 'a'", "severity": "rule 2 'b'"}


@pytest.mark.parametrize("exempt, left", [
    ({"memory": {"required": False}}, (False, GIB, True)),
    ({"memory": {"required": None}}, (None, GIB, True)),
    ({"memory": None}, (None, None, True)),
    ({"oom_group": None}, (True, GIB, None)),
    ({"memory": None, "oom_group": None}, (None, None, None)),
])
def test_null_takes_a_wish_back(exempt, left):
    decision = decide_by(rule("a", memory={"required": True, "max": "1g"}, oom_group=True), rule("b", **exempt))
    assert (decision.required, decision.max, decision.oom_group) == left
    assert {key for key, value in zip(("required", "max", "oom_group"), left) if value is not None} == set(decision.decided_by)


def test_and_a_third_rule_can_wish_again():
    decision = decide_by(rule("a", oom_group=True), rule("b", oom_group=None), rule("c", oom_group=False))
    assert decision.oom_group is False and decision.decided_by == {"oom_group": "rule 3 'c'"}


@pytest.mark.parametrize("first, second, bounds", [
    ({"min": "512m"}, {"max": "256m"}, (256, 256)),
    ({"max": "256m"}, {"min": "512m"}, (512, 512)),
    ({"min": "64m", "max": "128m"}, {"max": "256m"}, (64, 256)),
])
def test_of_contradicting_bounds_the_later_one_wins(first, second, bounds):
    decision = decide_by(rule("a", memory=first), rule("b", memory=second))
    assert (decision.min, decision.max) == (bounds[0] * MIB, bounds[1] * MIB)


def test_both_bounds_then_come_from_the_later_rule():
    assert decide_by(rule("a", memory={"min": "512m"}), rule("b", memory={"max": "256m"})).decided_by == {
        "min": "rule 2 'b'", "max": "rule 2 'b'"}


@pytest.mark.parametrize("default, moved", [("64m", 128), ("2g", 256), ("200m", 200)])
def test_a_default_is_moved_into_the_bounds_of_later_rules(default, moved):
    decision = decide_by(rule("a", memory={"default": default}), rule("b", memory={"min": "128m", "max": "256m"}))
    assert decision.default == moved * MIB
    assert decision.decided_by["default"] == ("rule 1 'a'" if default == "200m" else "rule 2 'b'")


@pytest.mark.parametrize("memory, total, expected", [
    ({"max_share_of_host": 0.5}, 4 * GIB, (None, 2 * GIB)),
    ({"max_share_of_host": 0.5, "max": "1g"}, 4 * GIB, (None, GIB)),
    ({"max_share_of_host": 0.5, "max": "8g"}, 4 * GIB, (None, 2 * GIB)),
    # a host too small for min
    ({"max_share_of_host": 0.5, "min": "1g"}, GIB, (512 * MIB, 512 * MIB)),
    ({"max_share_of_host": 0.5, "min": "1g"}, None, (GIB, None)),
    ({"max_share_of_host": 0.5, "max": "8g"}, None, (None, 8 * GIB)),
])
def test_share_of_host(memory, total, expected):
    decision = decide_by(rule("a", memory=memory), host={"name": "h", "memory_total": total})
    assert (decision.min, decision.max) == expected
    assert "max_share_of_host" not in decision.decided_by


def test_the_host_is_named_where_it_decided():
    decision = decide_by(rule("a", memory={"max": "8g", "max_share_of_host": 0.5}))
    assert decision.decided_by == {"max": "rule 1 'a' (max_share_of_host)"}


def test_infra_containers_are_left_alone():
    infra = {**WEB, "is_infra": True, "pod": "p", "state": {"status": "running"}, "memory": {"usage": {"working_set": 200000}}}
    assert decide_by(rule("a", memory={"required": True}, oom_group=True), container=infra) == Decision()
    explained = explain_decision(BUILT_IN, HOST, infra)
    assert explained["exempt"] == "the infra container of a pod" and explained["rules"] == []
    claimed = explain_decision(BUILT_IN, HOST, {**infra, "pod": None})
    assert claimed["exempt"] is None and claimed["rules"]


def test_the_built_in_policy():
    decision = decide(BUILT_IN, HOST, WEB)
    assert decision == Decision(required=True, oom_group=True, decided_by=decision.decided_by)
    assert set(decision.decided_by.values()) == {"built-in rule"}


def test_no_rules_are_no_wishes():
    assert decide_by() == Decision()


def test_a_rule_that_cannot_be_asked_does_not_match_and_is_told():
    # Podman's names are text always, so the policy was not refused
    odd = {**WEB, "name": 7}
    decision = decide_by(rule("a", "starts_with(name, 'w')", oom_group=True), rule("b", severity="low"), container=odd)
    assert (decision.oom_group, decision.severity) == (None, "low")
    assert decision.problems[0].startswith("rule 1 'a': In function starts_with()")


def test_explain():
    policy = parse_policy({
        "rules": [rule("a", memory={"required": True, "max": "1g"}), rule("b", "name == 'db'", oom_group=False)],
        "waivers": [{"match": "name == 'web'", "rule": "oom-killed", "reason": "known", "expires": "2020-01-01"},
                    {"match": "name == 'db'", "rule": "oom-killed", "reason": "known", "expires": "2020-01-01"}]}, "test")
    decision = json.loads(json.dumps(explain_decision(policy, HOST, WEB)))
    assert [(rule["rule"], rule["matched"]) for rule in decision["rules"]] == [("rule 1 'a'", True), ("rule 2 'b'", False)]
    assert decision["decision"]["max"] == {"value": GIB, "size": "1g", "decided_by": "rule 1 'a'"}
    assert decision["decision"]["oom_group"] == {"value": None, "decided_by": None}
    assert [waiver["match"] for waiver in decision["waivers"]] == ["name == 'web'"]
    assert (decision["host"], decision["user"], decision["container"], decision["exempt"]) == ("h", "root", "web", None)


# -- for any rules

SIZES = st.one_of(st.none(), st.integers(min_value=1, max_value=8 * GIB))


@st.composite
def rules(draw):
    """Return a rule that is right by itself."""
    memory = {}
    for key in draw(st.sets(st.sampled_from(MEMORY_KEYS))):
        memory[key] = draw({"required": st.one_of(st.none(), st.booleans()),
                            "max_share_of_host": st.sampled_from([None, 0.001, 0.5, 1])}.get(key, SIZES))
    bounds = sorted(value for key, value in memory.items() if key in ("default", "min", "max") and value is not None)
    present = [key for key in ("min", "default", "max") if memory.get(key) is not None]
    memory.update(zip(present, bounds))
    made = {"name": draw(st.text(min_size=1).filter(str.strip)), "match": draw(st.booleans())}
    if draw(st.booleans()):
        made["memory"] = draw(st.sampled_from([memory, None]))
    if draw(st.booleans()):
        made["oom_group"] = draw(st.one_of(st.none(), st.booleans()))
    return made


@given(st.lists(rules(), max_size=5))
def test_the_last_matching_rule_with_a_key_decides_it(given_rules):
    decision = decide_by(*given_rules)
    for key, read in (("oom_group", lambda each: each), ("memory", lambda each: (each or {}))):
        having = [each for each in given_rules if each["match"] and key in each]
        if key == "oom_group":
            assert decision.oom_group == (having[-1]["oom_group"] if having else None)
        else:
            settled = [read(each["memory"]).get("required") for each in having
                       if each["memory"] is None or "required" in each["memory"]]
            assert decision.required == (settled[-1] if settled else None)


@given(st.lists(rules(), max_size=5))
def test_a_decision_never_contradicts_itself(given_rules):
    decision = decide_by(*given_rules)
    known = [each for each in (decision.min, decision.default, decision.max) if each is not None]
    assert known == sorted(known)
    assert set(decision.decided_by) == {key for key in DECISION_KEYS if getattr(decision, key) is not None}


@given(st.lists(rules(), max_size=4), rules())
def test_a_rule_that_does_not_match_changes_nothing(given_rules, other):
    assert decide_by(*given_rules) == decide_by(*given_rules, {**other, "match": False})


@given(st.lists(rules(), min_size=1, max_size=4))
def test_said_twice_is_said_once(given_rules):
    assert decide_by(*given_rules)[:6] == decide_by(*given_rules, *given_rules)[:6]


@pytest.mark.parametrize("memory, total, expected", [
    ({"default": "10%"}, 8 << 30, (None, 858993459, None)), ({"min": "1%", "max": "50 %", "default": "12.5%"}, 8 << 30, (85899345, 1 << 30, 4 << 30)),
    ({"default": "100%"}, 5, (None, 5, None)), ({"default": "10%", "max": "1g"}, None, (None, None, 1 << 30)), ({"max": "50%"}, None, (None, None, None)),
    # bytes and a share: on a small host they cross, and then, as anywhere, the bounds win over the default
    ({"min": "512m", "default": "10%"}, 1 << 30, (512 << 20, 512 << 20, None)), ({"max": "10%", "default": "512m"}, 1 << 30, (None, 107374182, 107374182)),
    ({"max": "90%", "max_share_of_host": 0.5}, 1 << 30, (None, None, 512 << 20)), ({"default": "2Gi", "min": "1Mi"}, 1, (1 << 20, 2 << 30, None)),
])
def test_shares_of_the_hosts_memory(memory, total, expected):
    decision = decide_by(rule("a", memory=memory), host=dict(HOST, memory_total=total))
    assert (decision.min, decision.default, decision.max) == expected


def test_a_share_says_whose_it_is():
    decision = decide_by(rule("a", memory={"default": "10.50%"}))
    assert decision.decided_by["default"] == "rule 1 'a' (10.5% of the host)"


TIERS = [{"name": "prod", "match": "host.vars.tier == 'prod'", "memory": {"default": "2g"}},
         {"name": "db", "match": "contains(host.groups, 'db')", "oom_group": False},
         {"name": "big", "match": "host.vars.size.gib > `4`", "severity": "low"}]


@pytest.mark.parametrize("inventory, expected", [
    (HostInventory(), (None, None, None)), (HostInventory(("db", "web"), {"tier": "prod"}), (2 << 30, False, None)),
    (HostInventory(("dbs",), {"tier": "test", "size": {"gib": 8}}), (None, None, "low")), (HostInventory((), {"tier": ["prod"]}), (None, None, None)),
    # of a type that the expression does not expect: no match, and said
    (HostInventory((), {"size": {"gib": "8"}}), (None, None, None)),
])
def test_groups_and_variables_of_the_inventory(inventory, expected):
    policy = parse_policy({"host_variables": ["tier", "size"], "rules": TIERS}, "test")
    decision = decide(policy, named_host("web1", {"host": HOST}, inventory), WEB)
    assert (decision.default, decision.oom_group, decision.severity) == expected
    assert len(decision.problems) == (inventory.variables.get("size") == {"gib": "8"})


def test_a_host_can_not_say_what_groups_it_is_in():
    said = {"host": dict(HOST, groups=["db"], vars={"tier": "prod"}, name="other")}
    host = named_host("web1", said, HostInventory())
    assert (host["groups"], host["vars"], host["name"]) == ([], {}, "web1")
