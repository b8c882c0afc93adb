# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of rules is whole, and the published schema knows the same rules."""

from __future__ import annotations

import json
import pathlib

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._model.finding import SEVERITIES
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._model.rules import RULES, SETTINGS, rule_title

DEFINITIONS = json.loads(
    (pathlib.Path(__file__).parents[5] / "docs" / "report-v1.schema.json").read_text(encoding="utf-8"))["$defs"]


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_every_rule_has_words(rule):
    assert rule.title and rule.text.endswith(".") and rule.severity in SEVERITIES
    assert rule.about in ("container", "host") and set(rule.settings) <= set(SETTINGS)


def test_the_schema_has_the_same_rules():
    by_rule = DEFINITIONS["summary"]["properties"]["findings"]["properties"]["by_rule"]
    assert DEFINITIONS["finding"]["properties"]["rule"]["enum"] == list(RULES)
    assert list(by_rule["properties"]) == list(RULES) and sorted(by_rule["required"]) == sorted(RULES)


def test_titles():
    assert rule_title("oom-killed") == "OOM kill" and rule_title("of-another-version") == "of-another-version"
