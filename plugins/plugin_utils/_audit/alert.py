# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Alerts: the body of a message on the new findings of a report, and on nothing else.

Pure. `slack` is for incoming webhooks of Slack and what understands them (Mattermost, Rocket.Chat), `generic`
is JSON for everything else.
"""

from __future__ import annotations

import json
from typing import Any

from .._model import rules as _told
from .._model.finding import SEVERITIES, Finding, owner_suffix
from .._report.tally import Tally, worst_first
from .._text import format_time, plural, printable

SCHEMA = "podman_fleet.memory/alert/v1"
KINDS = ("generic", "slack")
_LISTED = {"generic": 50, "slack": 15}


def alert_body(kind: str, tally: Tally, generated_at: str, controller: str, report: str) -> str | None:
    """Return the message as JSON, None when nothing is new.

    :param kind: one of KINDS; report: path of the report.json.
    """
    if not tally.states["new"]:
        return None
    made = _slack if kind == "slack" else _generic
    return json.dumps(made(tally, generated_at, controller, report, worst_first(tally.news)[: _LISTED[kind]]))


def _by_severity(tally: Tally) -> dict[str, int]:
    counts = dict.fromkeys(SEVERITIES, 0)
    for (_rule, severity, state), count in tally.combined.items():
        if state == "new":
            counts[severity] += count
    return counts


def _generic(tally: Tally, generated_at: str, controller: str, report: str, listed: list[Finding]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "generated_at": generated_at,
        "controller": printable(controller, 300),
        "report": printable(report, 1000),
        "new": tally.states["new"],
        "by_severity": _by_severity(tally),
        "findings": [{key: printable(each[key], 200) if isinstance(each[key], str) else each[key] for key in (
            "id", "rule", "severity", "host", "user", "container", "unit", "summary", "first_seen")} for each in listed],
        "not_listed": tally.states["new"] - len(listed),
    }


def _slack(tally: Tally, generated_at: str, controller: str, report: str, listed: list[Finding]) -> dict[str, Any]:
    counts = ", ".join("%s %s" % (format(count, ","), severity) for severity, count in _by_severity(tally).items() if count)
    lines = ["*Podman memory audit: %s* (%s)" % (plural(tally.states["new"], "new finding"), counts)]
    for each in listed:
        user = owner_suffix(each["user"], _code)
        name = " %s" % _code(each["container"]) if each["container"] else ""
        lines.append("• *%s* %s%s%s: %s: %s" % (
            each["severity"], _code(each["host"]), name, user, _told.rule_title(each["rule"]), _code(each["summary"], 160)))
    left = tally.states["new"] - len(listed)
    if left:
        lines.append("… and %s more" % format(left, ","))
    lines.append("%s on %s, report %s" % (format_time(generated_at), _code(controller), _code(report, 300)))
    return {"text": "\n".join(lines)}


def _code(value: object, longest: int = 60) -> str:
    """A text of a host as code: there it is no markup, no link and no mention (Slack: Formatting text)."""
    text = printable(value, longest).replace("`", "'").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "`%s`" % text if text else ""
