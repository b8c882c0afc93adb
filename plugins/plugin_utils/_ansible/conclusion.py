# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""What an action makes of a report once it is there: its result, the first screen, an alert, a reason to fail."""

from __future__ import annotations

import datetime
import os
import socket
from typing import Any

from ansible.utils.display import Display

from .._audit import alert as _alert, gate as _failing
from .._audit.audit import Outcome
from .._formats import screen as _summary
from .._formats.render import FORMATS
from .._report.retention import prune_reports
from .._report.tally import Tally
from .._text import plural
from . import controller as _controller

# Options, for the argument_spec of an action.
SPEC = {
    "alert": {"type": "str", "choices": list(_alert.KINDS)},
    "fail_on": {"type": "str", "choices": list(_failing.CHOICES), "default": _failing.NEVER},
    "formats": {"type": "list", "elements": "str", "choices": list(FORMATS), "default": []},
    "keep": {"type": "int", "default": 0},
    "keep_days": {"type": "int", "default": 0},
    "summary": {"type": "bool", "default": True},
}
display = Display()


def set_counts(result: dict[str, Any], outcome: Outcome) -> None:
    """Put the outcome into the task's result, and hand it to workflows as set_stats does."""
    counts = outcome.tally.summary()
    result.update(
        changed=outcome.path is not None,
        report=outcome.path,
        counts=counts,
        msg="%s; report: %s" % (plural(counts["findings"]["total"], "finding"),
                                outcome.path or "none is written in check mode"),
        ansible_stats={
            "per_host": False,
            "aggregate": False,
            "data": {
                "podman_memory_audit_report": outcome.path,
                "podman_memory_audit_findings": counts["findings"]["by_severity"],
                "podman_memory_audit_findings_new": counts["findings"]["new"],
                "podman_memory_audit_findings_resolved": counts["findings"]["resolved"],
                "podman_memory_audit_findings_waived": counts["findings"]["waived"],
                "podman_memory_audit_oom_killed": counts["oom"]["killed"],
                "podman_memory_audit_near_limit": counts["findings"]["by_rule"]["near-limit"],
                "podman_memory_audit_memory_stalls": counts["findings"]["by_rule"]["memory-stalls"],
                "podman_memory_audit_unprotected": counts["unprotected"],
                "podman_memory_audit_hosts": counts["hosts"]["total"],
                "podman_memory_audit_not_checked": counts["hosts"]["not_checked"],
                "podman_memory_audit_partly_checked": counts["hosts"]["partial"],
                "podman_memory_audit_unreachable": counts["not_checked"].get("unreachable", 0),
                "podman_memory_audit_errors": counts["hosts"]["not_checked"] - counts["not_checked"].get("unreachable", 0),
            },
        },
    )


def set_alert_and_gate(result: dict[str, Any], outcome: Outcome, options: dict[str, Any]) -> None:
    """Add what comes next: an alert to be sent, and a play to be failed."""
    tally, severity = outcome.tally, options["fail_on"]
    violations = _failing.count_violations(tally, severity)
    result.update(violations=violations, violation_message=_failing.violation_message(tally, severity, outcome.path) if violations else None,
                  alert=None)
    if options["alert"] and outcome.path:
        result["alert"] = _alert.alert_body(options["alert"], tally, outcome.generated_at, socket.gethostname(), outcome.path)


def prune(result: dict[str, Any], outcome: Outcome, options: dict[str, Any]) -> None:
    """Remove old reports once a new one is written, and say so in the task's message."""
    if outcome.path is None:
        return
    reports = os.path.dirname(os.path.dirname(outcome.path))
    try:
        count = prune_reports(reports, options["keep"], options["keep_days"], datetime.datetime.now(datetime.timezone.utc))
    except OSError as exc:
        # the report is there; its findings count more than the disk
        outcome.warnings.append("old reports could not be removed: %s" % exc)
        return
    if count:
        result["msg"] += "; %s removed" % plural(count, "old report")


def show_summary(tally: Tally, now: str, report: str | None, has_previous: bool, previous_at: str | None) -> None:
    """Show the first screen of a report.

    :param now: when it was made; report: its path; previous_at: when the one was made that it was compared with.
    """
    _controller.show_lines(_summary.summary_lines(tally, _summary.Context(
        now=now, report=report, has_previous=has_previous, previous_at=previous_at,
        width=_controller.output_width(display.columns), everything=display.verbosity > 0)))


def show_outcome(outcome: Outcome) -> None:
    """Show the first screen of the report that was made."""
    show_summary(outcome.tally, outcome.generated_at, outcome.path, outcome.has_previous, outcome.previous_at)
