# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an action does with a report: its result, the summary, an alert, what fails the play, old reports."""

from __future__ import annotations

import datetime
import os
import socket
from typing import Any

from ansible.utils.display import Display

from .._audit.alert import KINDS, alert_body
from .._audit.audit import Outcome
from .._audit.gate import CHOICES, NEVER, count_violations, violation_message
from .._formats.render import FORMATS
from .._formats.summary import summary_lines
from .._formats.summary_context import Context
from .._report.retention import prune_reports
from .._report.tally import Tally
from .._text import plural, printable
from .controller import output_width, show_lines

# Options, for the argument_spec of an action.
SPEC = {
    "alert": {"type": "str", "choices": list(KINDS)},
    "fail_on": {"type": "str", "choices": list(CHOICES), "default": NEVER},
    "formats": {"type": "list", "elements": "str", "choices": list(FORMATS), "default": []},
    "keep": {"type": "int", "default": 0},
    "keep_days": {"type": "int", "default": 0},
    "summary": {"type": "bool", "default": True},
}
display = Display()


def set_counts(result: dict[str, Any], outcome: Outcome) -> None:
    """Put the outcome into the task's result, and hand it to workflows as set_stats does."""
    counts = outcome.tally.summary()
    findings, hosts, unreachable = counts["findings"], counts["hosts"], counts["not_checked"].get("unreachable", 0)
    outputs = {
        "report": outcome.path,
        "findings": findings["by_severity"],
        "findings_new": findings["new"],
        "findings_resolved": findings["resolved"],
        "findings_waived": findings["waived"],
        "oom_killed": counts["oom"]["killed"],
        "near_limit": findings["by_rule"]["near-limit"],
        "memory_stalls": findings["by_rule"]["memory-stalls"],
        "unprotected": counts["unprotected"],
        "hosts": hosts["total"],
        "not_checked": hosts["not_checked"],
        "partly_checked": hosts["partial"],
        "unreachable": unreachable,
        "errors": hosts["not_checked"] - unreachable,
    }
    result.update(
        changed=outcome.path is not None,
        report=outcome.path,
        counts=counts,
        msg="%s; report: %s" % (plural(findings["total"], "finding"), outcome.path or "none is written in check mode"),
        ansible_stats={"per_host": False, "aggregate": False,
                       "data": {"podman_memory_audit_" + name: value for name, value in outputs.items()}},
    )


def set_alert_and_gate(result: dict[str, Any], outcome: Outcome, options: dict[str, Any]) -> None:
    """Add to the result what comes next: an alert to be sent, and why the play has to fail."""
    outcome.warnings.extend("the report's format %s could not be written: %s" % (name, printable(problem))
                            for name, problem in outcome.failed_formats.items())
    tally, fail_on = outcome.tally, options["fail_on"]
    violations = count_violations(tally, fail_on)
    result.update(violations=violations, alert=None, failed_formats=outcome.failed_formats,
                  violation_message=violation_message(tally, fail_on, outcome.path) if violations else None)
    if options["alert"] and outcome.path:
        result["alert"] = alert_body(options["alert"], tally, outcome.generated_at, socket.gethostname(), outcome.path)


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


def show_summary(tally: Tally, generated_at: str, report: str | None, has_previous: bool, previous_at: str | None) -> None:
    """Show the summary of a report.

    :param report: its path; previous_at: when the report was made that it was compared with.
    """
    show_lines(summary_lines(tally, Context(
        now=generated_at, report=report, has_previous=has_previous, previous_at=previous_at,
        width=output_width(display.columns), everything=display.verbosity > 0)))


def show_outcome(outcome: Outcome) -> None:
    """Show the summary of the report that was made."""
    show_summary(outcome.tally, outcome.generated_at, outcome.path, outcome.has_previous, outcome.previous_at)
