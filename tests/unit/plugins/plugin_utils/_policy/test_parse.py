# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsing a policy: what is accepted, and that everything that is wrong is reported at once and in words."""

from __future__ import annotations

import datetime

import pytest
import yaml
from hypothesis import given, strategies as st

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._model.rules import RULES
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.parse import PolicyError, parse_policy
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.policy import BUILT_IN

MIB, GIB = 1024 ** 2, 1024 ** 3
# design.md, section 7
EXAMPLE = """
rules:
  - name: every container has a limit and dies as a whole
    match: "true"
    memory: {required: true, default: 512m, min: 64m, max: 8g, max_share_of_host: 0.5}
    oom_group: true
    severity: high
  - name: databases survive a killed worker
    match: "labels.role == 'database'"
    oom_group: false
waivers:
  - {match: "name == 'legacy-batch'", rule: memory-limit-missing, reason: "moves in Q1", owner: "ops", expires: 2027-03-31}
host: {max_committed_share: 0.9, require_cgroup_v2: false}
"""


def problems(document):
    with pytest.raises(PolicyError) as caught:
        parse_policy(document, "variable podman_memory_policy")
    assert all(line.startswith("variable podman_memory_policy: ") for line in caught.value.problems)
    assert all(line in str(caught.value) for line in caught.value.problems)
    return [line[len("variable podman_memory_policy: "):] for line in caught.value.problems]


def of_rule(**keys):
    return problems({"rules": [{"name": "a", "match": "true", **keys}]})


def of_waiver(**changes):
    waiver = {"match": "true", "rule": "oom-killed", "reason": "known", "expires": "2027-03-31", **changes}
    return problems({"waivers": [{key: value for key, value in waiver.items() if value != "left out"}]})


def test_the_example():
    policy = parse_policy(yaml.safe_load(EXAMPLE), "test")
    assert [rule.label for rule in policy.rules] == [
        "rule 1 'every container has a limit and dies as a whole'", "rule 2 'databases survive a killed worker'"]
    assert policy.rules[0].settings == {
        "required": True, "default": 512 * MIB, "min": 64 * MIB, "max": 8 * GIB, "max_share_of_host": 0.5,
        "oom_group": True, "severity": "high"}
    assert policy.rules[1].settings == {"oom_group": False}
    assert policy.waivers[0][1:] == ("memory-limit-missing", "moves in Q1", "ops", datetime.date(2027, 3, 31))
    assert (policy.max_committed_share, policy.require_cgroup_v2) == (0.9, False)


@pytest.mark.parametrize("document", [None, {}, ""])
def test_nothing_is_the_built_in_policy(document):
    assert parse_policy(document, "test") == BUILT_IN


def test_parts_that_are_left_out():
    alone = parse_policy({"host": {"max_committed_share": 1.5}}, "test")
    assert alone.rules == BUILT_IN.rules and alone.waivers == () and alone.require_cgroup_v2 is True
    assert parse_policy({"rules": None, "waivers": None, "host": None}, "test") == BUILT_IN
    assert parse_policy({"rules": []}, "test").rules == ()


def test_texts_as_templates_give_them():
    policy = parse_policy({"rules": [{"name": "a", "match": "True".lower(), "oom_group": "True", "memory": {
        "required": "no", "min": "1048576", "max_share_of_host": "0.5"}}]}, "test")
    assert policy.rules[0].settings == {"required": False, "min": MIB, "max_share_of_host": 0.5, "oom_group": True}


@pytest.mark.parametrize("text, share", [("25%", 0.25), (" 12.5 % ", 0.125), ("100%", 1.0)])
def test_shares_of_the_host_are_percentages_as_other_bounds_are(text, share):
    policy = parse_policy({"rules": [{"name": "a", "match": "true", "memory": {"max_share_of_host": text}}],
                           "host": {"max_committed_share": text}}, "test")
    assert (policy.rules[0].settings["max_share_of_host"], policy.max_committed_share) == (share, share)
    assert parse_policy({"host": {"max_committed_share": "150%"}}, "test").max_committed_share == 1.5


def test_everything_at_once():
    assert problems({
        "rules": [{"name": "one", "match": "lables.x", "memory": {"max": "lots", "defualt": 1}},
                  {"match": "a ==", "severity": "hihg"}, "three"],
        "waivers": [{"match": "true", "rule": "oom-kiled"}],
        "hosts": {}, "host": {"max_committed_share": 90}}) == [
        "unknown key 'hosts'; did you mean host?",
        "rule 1 'one': match: 'lables.x': there is no field 'lables' (did you mean labels?); "
        "a text is written in single quotes: 'lables'",
        "rule 1 'one': memory: unknown key 'defualt'; did you mean default?",
        "rule 1 'one': memory: max: 'lots' is not a size: give bytes, such as 536870912, or a number with k, m, g or t, "
        "such as 512m, 1.5GiB or 2Gi, or a share of the host's memory, such as 10%",
        "rule 2: name is missing: a few words that reports and errors can call the rule by",
        "rule 2: match: 'a ==' is no JMESPath expression: it ends too early, at character 5",
        "rule 2: severity: 'hihg' is not known; did you mean high?",
        "rule 3: 'three' is no mapping with the keys name, match, memory, oom_group, severity",
        "waiver 1 'oom-kiled': rule: 'oom-kiled' is not known; did you mean oom-killed?",
        "waiver 1 'oom-kiled': reason is missing: why this may stay as it is",
        "waiver 1 'oom-kiled': expires is missing: the last day on which it counts, such as 2027-03-31",
        "host: max_committed_share: 90 is no share of the host's memory: give a percentage such as 50%, or a number above 0 and up to 10, such as 0.5",
    ]


@pytest.mark.parametrize("document, message", [
    ([], "[] is no mapping with the keys rules, waivers, host, host_variables"), ("x", "'x' is no mapping"), (7, "7 is no mapping"),
    (True, "True is no mapping"), ({"rules": {}}, "rules: {} is no list"), ({"waivers": "x"}, "waivers: 'x' is no list"),
    ({"host": "x"}, "host: 'x' is no mapping with the keys max_committed_share, require_cgroup_v2"),
    ({"host": {"require_cgroup_v2": "maybe"}}, "host: require_cgroup_v2: 'maybe' is neither true nor false"),
    ({7: 8}, "unknown key 7; known: rules, waivers, host, host_variables"),
])
def test_shapes(document, message):
    assert problems(document)[0].startswith(message)


@pytest.mark.parametrize("variables, message", [
    ("tier", "host_variables: 'tier' is no list"), (["ti er"], "host_variables: 'ti er' is no name of a variable"), ([7], "host_variables: 7 is no name"),
    (["ansible_host"], "host_variables: 'ansible_host' is not the inventory's own"),
    (["group_names"], "host_variables: 'group_names' is not the inventory's own"),
])
def test_host_variables(variables, message):
    assert problems({"host_variables": variables})[0].startswith(message)


def test_host_variables_are_known_to_all_conditions():
    waiver = {"match": "host.vars.tier == 'x'", "rule": "oom-killed", "reason": "known", "expires": "2027-03-31"}
    rule = {"name": "a", "match": "host.vars.tier == 'x' && contains(host.groups, 'db')"}
    assert parse_policy({"host_variables": ["tier"], "rules": [rule], "waivers": [waiver]}, "test").host_variables == ("tier",)
    lines = problems({"host_variables": ["tire"], "rules": [rule], "waivers": [waiver]})
    assert len(lines) == 2 and all("there is no field 'tier' in host.vars (did you mean tire?)" in line for line in lines)


@pytest.mark.parametrize("keys, message", [
    ({"max": "8g"}, "unknown key 'max'; it belongs under memory"),
    ({"name": " "}, "name: ' ' is no text"), ({"name": 7}, "name: 7 is no text"),
    ({"match": None}, "match is missing"), ({"match": []}, "match: [] is no JMESPath expression"),
    ({"oom_group": 1}, "oom_group: 1 is neither true nor false"), ({"severity": ["high"]}, "severity: ['high'] is not known"),
    ({"memory": []}, "memory: [] is no mapping"), ({"memory": {"required": 0}}, "memory: required: 0 is neither"),
    ({"memory": {"min": "9g", "max": "8g"}}, "memory: min 9g is above max 8g"),
    ({"memory": {"min": "64m", "default": "32m"}}, "memory: default 32m is below min 64m"),
    ({"memory": {"default": "2g", "max": "1g"}}, "memory: default 2g is above max 1g"),
    ({"memory": {"min": "20%", "max": "10.5 %"}}, "memory: min 20% is above max 10.5%"),
    ({"memory": {"min": "20%", "default": "1%"}}, "memory: default 1% is below min 20%"),
    ({"memory": {"default": "0%"}}, "memory: default: '0%' is no share of the host's memory: above 0% and up to 100%"),
    ({"memory": {"default": "100.1%"}}, "memory: default: '100.1%' is no share of the host's memory"),
    ({"memory": {"default": "-5%"}}, "memory: default: '-5%' is negative: give bytes"),
    ({"memory": {"default": "ten %"}}, "memory: default: 'ten %' is not a size: give bytes"),
    ({"memory": {"swap": "off"}}, "memory: swap: 'off' is not a size: give bytes"), ({"memory": {"swap": 0}}, "memory: swap: 0 is not a usable size"),
    ({"memory": {"high": "unlimited"}}, "memory: high: 'unlimited' is no bound"), ({"memory": {"reservation": "x"}}, "memory: reservation: 'x' is not"),
    ({"memory": {"swap_max": 1}}, "memory: unknown key 'swap_max'; did you mean swap?"),
    ({"memory": {"max": "unlimited"}}, "memory: max: 'unlimited' is no bound; null takes a bound away"),
    ({"memory": {"min": 0}}, "memory: min: 0 is not a usable size"),
    ({"memory": {"default": -1}}, "memory: default: -1 is negative"),
    ({"memory": {"max_share_of_host": 0}}, "memory: max_share_of_host: 0 is no share"),
    ({"memory": {"max_share_of_host": 1.1}}, "memory: max_share_of_host: 1.1 is no share"),
    ({"memory": {"max_share_of_host": "101%"}}, "memory: max_share_of_host: '101%' is no share"),
    ({"memory": {"max_share_of_host": "0%"}}, "memory: max_share_of_host: '0%' is no share"),
    ({"memory": {"max_share_of_host": "1/4"}}, "memory: max_share_of_host: '1/4' is no share of the host's memory: give a percentage "
     "such as 50%, or a number above 0 and up to 1, such as 0.5"),
    ({"memory": {"max_share_of_host": float("nan")}}, "memory: max_share_of_host: nan is no share"),
    ({"memory": {"max_share_of_host": True}}, "memory: max_share_of_host: True is no share"),
])
def test_rules(keys, message):
    lines = of_rule(**keys)
    assert len(lines) == 1
    assert lines[0].split(": ", 1)[0].startswith("rule 1") and lines[0].split(": ", 1)[1].startswith(message)


@pytest.mark.parametrize("changes, message", [
    ({"reason": "left out"}, "reason is missing"), ({"reason": ""}, "reason: '' is no text"),
    ({"expires": "left out"}, "expires is missing"), ({"expires": None}, "expires is missing"),
    ({"expires": "soon"}, "expires: 'soon' is no day: write it as 2027-03-31"),
    ({"expires": 20270331}, "expires: 20270331 is no day"), ({"expires": "2027-02-30"}, "expires: '2027-02-30' is no day"),
    ({"rule": "left out"}, "rule is missing"), ({"rule": "nothing"}, "rule: 'nothing' is not known; known: oom-killed,"),
    ({"rule": "waiver-expired"}, "rule: waiver-expired cannot be waived"), ({"match": "left out"}, "match is missing"),
    ({"owner": 7}, "owner: 7 is no text"), ({"until": 1}, "unknown key 'until'"),
])
def test_waivers(changes, message):
    lines = of_waiver(**changes)
    assert len(lines) == 1 and lines[0].split(": ", 1)[1].startswith(message)


@pytest.mark.parametrize("expires", [
    datetime.date(2027, 3, 31), datetime.datetime(2027, 3, 31, 23, 59), "2027-03-31", " 2027-03-31 ", "2027-03-31T12:00:00Z",
    # already the 31st in UTC
    "2027-04-01T01:00:00+02:00",
    datetime.datetime(2027, 4, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
])
def test_days(expires):
    waiver = {"match": "true", "rule": "oom-killed", "reason": "known", "expires": expires}
    assert parse_policy({"waivers": [waiver]}, "test").waivers[0].expires == datetime.date(2027, 3, 31)


@pytest.mark.parametrize("rule", sorted(set(RULES) - {"waiver-expired"}))
def test_every_other_rule_can_be_waived(rule):
    parse_policy({"waivers": [{"match": "true", "rule": rule, "reason": "known", "expires": "2027-03-31"}]}, "test")


def test_names_are_shown_harmless():
    assert "\x1b" not in problems({"rules": [{"name": "\x1b[2J" + "x" * 500, "match": "true", "oom_group": "\x1b"}]})[0]


def test_jmespath_is_only_missed_where_it_is_needed(without_jmespath):
    assert parse_policy({"rules": [{"name": "a", "match": "true"}]}, "test").rules
    assert problems({"rules": [{"name": "a", "match": "name == 'x'"}] * 3}) == [
        "jmespath is missing on the controller, in the Python that runs Ansible: pip install jmespath"]


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.dates(),
              st.sampled_from(["512m", "true", "name", "oom-killed"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from([
        "rules", "waivers", "host", "name", "match", "memory", "required", "min", "oom_group", "rule", "expires", "x"]), inner)),
    max_leaves=10)


@given(VALUES)
def test_anything_is_a_policy_or_a_list_of_problems(document):
    try:
        parse_policy(document, "test")
    except PolicyError as exc:
        assert exc.problems and all(line.startswith("test") for line in exc.problems)
