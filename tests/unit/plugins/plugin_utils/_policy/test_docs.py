# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page on the policy: its examples work, and it has every key that there is."""

from __future__ import annotations

import datetime
import re

import pytest
import yaml
from docs_pages import code_blocks, read_page, table, tables

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.match import FIELDS, parse_condition
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.parse import PolicyError, parse_policy
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.policy import MEMORY_KEYS, decide
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.evaluate import evaluate_record

TEXT = read_page("policy")
POLICY = yaml.safe_load(code_blocks(TEXT, "yaml")[0])["podman_memory_policy"]
GIB = 1024 ** 3
CELLS = [row[1] for row in table(TEXT, "which containers", "``match``")]
# numbers are in backquotes
EXPRESSIONS = [expression for cell in CELLS for expression in re.findall(r"``((?:[^`]|`\d+`)+)``(?:,|$)", cell)]


def decide_by_example(container, name="web1", **changes):
    host = {"name": name, "memory_total": 64 * GIB}
    return decide(parse_policy(POLICY, "docs"), host, container(**changes))


def test_the_example(container):
    decision = decide_by_example(container)
    assert (decision.required, decision.default, decision.max, decision.oom_group, decision.severity) == (
        True, GIB // 2, 8 * GIB, True, "high")
    decision = decide_by_example(container, labels={"role": "database"})
    assert (decision.required, decision.default, decision.max, decision.oom_group) == (True, 4 * GIB, 32 * GIB, False)
    decision = decide_by_example(container, "build7")
    assert (decision.required, decision.default, decision.max, decision.oom_group) == (None, None, None, None)


@pytest.mark.parametrize("day, rules", [
    ("2027-03-31", {"memory-limit-missing": True}), ("2027-04-01", {"memory-limit-missing": False, "waiver-expired": False})])
def test_the_waiver(container, facts, day, rules):
    bare = container(name="legacy-batch", memory__declared__limit=None, memory__effective__limit=None)
    record = {"host": "h", "run_as": "root", "problem": None, "facts": facts(bare)}
    findings = evaluate_record(record, parse_policy(POLICY, "docs"), datetime.date.fromisoformat(day))[1]
    assert {finding["rule"]: bool(finding["waiver"]) for finding in findings} == rules


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_each_expression_is_one(expression):
    parse_condition(expression, ["tier"])


def test_none_is_left_out():
    assert len(CELLS) == 12 and len(EXPRESSIONS) == 16


def test_the_errors_are_those_that_come():
    rule = {"name": "databases", "match": "lables.role == 'x'", "memory": {"min": "9g", "max": "8g"}}
    with pytest.raises(PolicyError) as caught:
        parse_policy({"rules": [{"name": "a", "match": "true"}, rule]},
                     "variable podman_memory_policy of /srv/ansible/policy.yml")
    assert caught.value.problems == code_blocks(TEXT, "text")[0].splitlines()


def test_every_key_is_there():
    keys = {"rules", "waivers", "host", "name", "match", "oom_group", "severity", "rule", "reason", "owner", "expires",
            "max_committed_share", "require_cgroup_v2", "host_variables", *("memory." + key for key in MEMORY_KEYS)}
    assert keys == {row[0].strip("`") for rows in tables(TEXT) if rows[0][0] == "key" for row in rows[1:]}


def test_every_field_is_there():
    assert all("``%s``" % field in TEXT for field in FIELDS)
