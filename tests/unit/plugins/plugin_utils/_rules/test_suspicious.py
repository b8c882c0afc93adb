# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""suspicious-record: forged records are said, with the user whom the kernel proves, and are no missing evidence."""

from __future__ import annotations

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_oom import DOUBTS, DoubtfulRecord
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.ownership import describe_doubts
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.policy import BUILT_IN
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.evaluate import evaluate_facts

ALICE = "/user.slice/user-4321.slice/user@4321.service/x"


def found(facts, *records):
    return evaluate_facts("h", facts(errors=describe_doubts(records, 0)), "root", BUILT_IN)


def test_each_kind_and_user_is_a_finding_and_no_missing_evidence(facts):
    findings = found(facts, DoubtfulRecord(5, "foreign id", ALICE, "text"), DoubtfulRecord(6, "forged", None, "text"))
    assert [(finding["rule"], finding["severity"], finding["user"]) for finding in findings] == [
        ("suspicious-record", "high", "4321"), ("suspicious-record", "medium", None)]
    assert findings[0]["summary"].startswith("4321: %s (1 record(s)" % DOUBTS["foreign id"])
    assert findings[1]["evidence"]["kind"] == DOUBTS["forged"]


def test_more_of_the_same_is_the_same_finding(facts):
    (first,), (second,) = (found(facts, *[DoubtfulRecord(at, "forged", None, "text %d" % at) for at in times])
                           for times in ([5], [5, 900]))
    assert first["id"] == second["id"] and first["summary"] != second["summary"]


def test_a_line_that_is_not_complete_is_missing_evidence(facts):
    assert [finding["rule"] for finding in found(facts, DoubtfulRecord(5, "incomplete", ALICE, "text"))] == ["evidence-missing"]


def test_text_of_the_host_does_nothing(facts):
    findings = found(facts, DoubtfulRecord(5, "forged", None, "{{ lookup('pipe', 'id') }}\x1b[2J\n$(id)"))
    assert "\x1b" not in findings[0]["summary"] and "lookup" not in findings[0]["remedy"] and "$" not in findings[0]["remedy"]
