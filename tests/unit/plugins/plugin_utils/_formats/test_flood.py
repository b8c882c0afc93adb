# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that has very many findings: in no list, of no format, are those of another host missing."""

from __future__ import annotations

import io
import json

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.alert import KINDS, alert_body
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.gate import violation_message
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._enforce.summary import EnforcementSummary
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.html_summary import page_body
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.markdown import Markdown
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.summary import summary_lines
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.summary_context import Context
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._model.container_key import ContainerKey
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._model.finding import make_finding
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.tally import Tally
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._terminal import plain_text

NOW = "2026-11-24T03:00:00Z"
HEAD = {"generated_at": NOW, "run": {"limit": None, "previous": None}, "trend": []}
MANY = 2000
EVIDENCE = {
    "oom-killed": {"cause": "container_limit", "lethal": True, "current_run": True, "confidence": "certain", "last_at": NOW, "victims": []},
    "near-limit": {"share": 0.99}, "memory-stalls": {"pressure_full_avg300": 50.0}, "memory-limit-missing": {"running": True},
    "evidence-missing": {"scope": "container", "kind": "verdict"}}


def findings(rule, host, count, severity):
    for number in range(count):
        name = "%s%d" % (host, number)
        evidence = {**EVIDENCE[rule], "container_id": name, "message": "message %s" % name}
        yield make_finding(rule, host, ContainerKey(name, "alice", name, None), severity=severity, summary="of " + name, detail="d", remedy="r",
                           evidence=evidence)


@pytest.fixture(params=["it comes first", "it comes last"])
def tally(request):
    """Of a host that floods all lists with the worst, and a good one that has one of each rule."""
    made = Tally()
    order = [("evil", MANY, "critical"), ("good", 1, "medium")]
    for host, count, severity in order if request.param == "it comes first" else reversed(order):
        made.add_host({"name": host, "status": "checked", "kind": None, "facts": {}})
        for rule in EVIDENCE:
            for finding in findings(rule, host, count, severity):
                made.add_finding(finding)
        for finding in findings("oom-killed", host, count, severity):
            made.add_resolved({**finding, "first_seen": NOW})
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_alert(tally, kind):
    told = json.loads(alert_body(kind, tally, NOW, "c", "/r"))
    if kind == "generic":
        assert sum(each["host"] == "good" for each in told["findings"]) == len(EVIDENCE)
        assert told["not_listed_of"] == [{"host": "evil", "findings": told["not_listed"]}]
    else:
        assert told["text"].count("`good`") >= 2
        assert told["text"].splitlines()[-2] == "… and 9,990 more: 9,987 of `evil`, 3 of `good`"


def test_gate(tally):
    message = violation_message(tally, "info", "/r")
    assert "good good0" in message and "and 9,985 more" in message


def test_terminal(tally):
    text = plain_text(summary_lines(tally, Context(now=NOW, report="/r", has_previous=False, previous_at=None, width=140, everything=False)))
    lines = text.splitlines()
    assert len(lines) <= 30
    for title, expected in (("OOM KILLS", "good"), ("NEAR LIMIT", "good"), ("MEMORY STALLS", "good"), ("UNPROTECTED", "good"), ("NOT CHECKED", "good")):
        start = next(number for number, line in enumerate(lines) if line.startswith(title))
        part = lines[start + 1:start + 8]
        assert any(expected in line for line in part), (title, text)


def test_html(tally):
    body = page_body(HEAD, tally)
    for section in body.split('<section class="panel">')[1:]:
        assert "good" in section or "Unprotected" in section, section


def test_markdown(tally):
    stream = io.StringIO()
    Markdown(stream, HEAD, tally).finish()
    for section in stream.getvalue().split("\n## ")[1:]:
        assert "good" in section or section.startswith("Unprotected"), section


def test_enforcement():
    def record(host, count):
        rows = [{"container": "%s%d" % (host, number), "user": "alice", "setting": "memory", "before": None, "after": 1 << 20, "changed": True,
                 "persistent": False, "message": "until then", "failed": number % 2 == 1} for number in range(count)]
        skipped = [{"name": "%s%d" % (host, number), "user": "alice", "rule": "memory-limit-missing", "kind": "waived", "reason": "x"}
                   for number in range(count)]
        counts = dict.fromkeys(("containers", "compliant", "exempt", "changed", "not_persistent", "failed"), count)
        return {"host": host, "problem": None, "counts": {**counts, "skipped": {"waived": count}}, "rows": rows, "skipped": skipped}

    summary = EnforcementSummary()
    for each in (record("evil", MANY), record("good", 2)):
        summary.add(each)
    parts = plain_text(summary.lines(False, 200)).split("\n\n")[1:]
    assert len(parts) == 4 and all("good" in part and "more, -v shows all" in part for part in parts), parts
