# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings on recorded hosts are those of commit 2fc24aa, before the code moved into rooms; but for prose."""

from __future__ import annotations

import json
import pathlib

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.policy import BUILT_IN
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.evaluate import evaluate_facts

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures"
BEFORE = json.loads((FIXTURES / "before_rooms" / "findings.json").read_text(encoding="ascii"))
PROSE = ("summary", "detail", "remedy")


@pytest.mark.parametrize("name", sorted(BEFORE))
def test_findings(name, recorded):
    findings = evaluate_facts("host", recorded(name), "root", BUILT_IN)
    for finding in findings:
        finding["evidence"].pop("reasons", None)
        finding["evidence"].pop("scope_limit", None)
        for key in ("lethal_count", "first_at", "timed_kills"):
            finding["evidence"].pop(key, None)
    assert [{key: value for key, value in finding.items() if key not in PROSE} for finding in findings] == BEFORE[name]
