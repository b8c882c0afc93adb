# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What follows from a report: alerts on what is new, and a play that fails of what is new or open."""

from __future__ import annotations

import json

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.alert import KINDS, alert_body
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.gate import count_violations, violation_message
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._model.container_key import ContainerKey
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._model.finding import make_finding
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.tally import Tally

NOW = "2026-11-24T03:00:00Z"


def finding(severity="high", state="new", name="web", rule="memory-limit-missing", user="root"):
    made = make_finding(rule, "h", ContainerKey(name, user, name, None), severity=severity, summary="no memory limit",
                        detail="d", remedy="r", evidence={"running": True, "container_id": name})
    made.update(state=state, first_seen=NOW)
    return made


def tally_of(*findings):
    tally = Tally()
    for each in findings:
        tally.add_finding(each)
    return tally


def alert(kind, *findings):
    text = alert_body(kind, tally_of(*findings), NOW, "controller", "/reports/1/report.json")
    return text and json.loads(text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("findings", [(), (finding(state="open"),), (finding(state="waived"),)])
def test_nothing_new_nothing_sent(kind, findings):
    assert alert(kind, *findings) is None


def test_generic():
    told = alert("generic", finding("low"), finding("critical", name="db"), finding(state="open"), finding(state="waived"))
    assert told["schema"] == "podman_fleet.memory/alert/v1" and told["new"] == 2 and told["not_listed"] == 0
    assert told["by_severity"] == {"critical": 1, "high": 0, "medium": 0, "low": 1, "info": 0}
    assert [each["container"] for each in told["findings"]] == ["db", "web"]
    assert set(told["findings"][0]) == {
        "id", "rule", "severity", "host", "user", "container", "unit", "summary", "first_seen"}


def test_slack():
    text = alert("slack", finding(), finding("critical", name="db", user="alice"))["text"]
    assert text.splitlines() == [
        "*Podman memory audit: 2 new findings* (1 critical, 1 high)",
        "• *critical* `h` `db` (`alice`): No memory limit: `no memory limit`",
        "• *high* `h` `web`: No memory limit: `no memory limit`",
        "2026-11-24 03:00 UTC on `controller`, report `/reports/1/report.json`",
    ]


@pytest.mark.parametrize("kind, listed", [("slack", 15), ("generic", 50)])
def test_many_are_not_all_listed(kind, listed):
    told = json.dumps(alert(kind, *(finding(name="c%04d" % number) for number in range(1000))), ensure_ascii=False)
    assert told.count("no memory limit") == listed
    assert ("and 985 more" in told) if kind == "slack" else ('"not_listed": 950' in told)
    assert len(told) < 20000


@pytest.mark.parametrize("name", ["<!channel>", "@here", "`code` *bold*", "<https://evil.example|click>", "\x1b[2J", "\u202egnp\u061c\u200e\u2067",
                                  "\ud800", "x" * 10000])
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_names(kind, name):
    text = alert_body(kind, tally_of(finding(name=name, user=name)), NOW, name, name)
    assert text.isascii() and len(text) < 10000
    told = json.loads(text)
    told["text" if kind == "slack" else "controller"].encode("utf-8")
    assert not set("\x1b\u202e\u061c\u200e\u2067") & set(json.dumps(told, ensure_ascii=False))
    if kind == "slack":
        assert "<" not in told["text"]
        for part in told["text"].split("`")[::2]:  # all that is no code is ours
            assert "@" not in part and "evil" not in part and "bold" not in part


@pytest.mark.parametrize("severity, expected", [("never", 0), ("critical", 1), ("high", 3), ("info", 5)])
def test_what_fails(severity, expected):
    tally = tally_of(finding("critical"), finding("high"), finding("high", "open"), finding("medium"), finding("info"),
                     finding("critical", "waived"))
    assert count_violations(tally, severity) == expected


def test_it_names_them():
    tally = tally_of(finding("medium", name="low one"), finding("high", name="web"), finding("critical", "open", "db", user="alice"))
    assert violation_message(tally, "high", "/reports/1/report.json").splitlines() == [
        "2 findings of severity high or worse (oom_audit_fail_on):",
        "critical: h db (alice): No memory limit: no memory limit",
        "high: h web: No memory limit: no memory limit",
        "Report: /reports/1/report.json",
    ]


def test_it_names_some_of_many():
    tally = tally_of(*(finding("critical", name="c%d\x1b" % number) for number in range(1000)))
    text = violation_message(tally, "critical", None)
    assert text.splitlines()[0] == "1,000 findings of severity critical (oom_audit_fail_on):"
    assert "and 980 more" in text and len(text.splitlines()) == 23 and "\x1b" not in text
