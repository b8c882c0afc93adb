# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alerts: the body of a message on the new findings of a report, and on nothing else.

Pure. `slack` is for incoming webhooks of Slack and what understands them (Mattermost, Rocket.Chat), `generic`
is JSON for everything else.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NamedTuple

from .._model.finding import SEVERITIES, Finding, owner_suffix
from .._model.quota import fair_share, finding_owner
from .._model.rules import rule_title
from .._report.tally import Tally, worst_first
from .._text import format_time, plural, printable

SCHEMA = "podman_fleet.memory/alert/v1"
KINDS = ("generic", "slack")
_MAX_LISTED = {"generic": 50, "slack": 15}
_MAX_HOSTS = 5  # named, of those that have most of what is not listed


class _News(NamedTuple):
    """What a message is about."""

    new: int  # findings
    by_severity: dict[str, int]
    listed: list[Finding]  # the worst of them, and some of each host
    unlisted: list[tuple[str, int]]  # (host, how many more it has), of those that have most
    generated_at: str
    controller: str
    report: str  # path of report.json


def alert_body(kind: str, tally: Tally, generated_at: str, controller: str, report: str) -> str | None:
    """Return the message as JSON, None when nothing is new.

    :param kind: one of KINDS; report: path of the report.json.
    """
    if not tally.states["new"]:
        return None
    listed = fair_share(worst_first(tally.new), _MAX_LISTED[kind], finding_owner)
    unlisted = tally.new_by_host - Counter(finding["host"] for finding in listed)
    news = _News(new=tally.states["new"], by_severity=_by_severity(tally), listed=listed, unlisted=unlisted.most_common(_MAX_HOSTS),
                 generated_at=generated_at, controller=controller, report=report)
    return json.dumps(_slack(news) if kind == "slack" else _generic(news))


def _by_severity(tally: Tally) -> dict[str, int]:
    counts = dict.fromkeys(SEVERITIES, 0)
    for (_rule, severity, state), count in tally.combined.items():
        if state == "new":
            counts[severity] += count
    return counts


def _generic(news: _News) -> dict[str, Any]:
    keys = ("id", "rule", "severity", "host", "user", "container", "unit", "summary", "first_seen")
    return {
        "schema": SCHEMA,
        "generated_at": news.generated_at,
        "controller": printable(news.controller, 300),
        "report": printable(news.report, 1000),
        "new": news.new,
        "by_severity": news.by_severity,
        "findings": [{key: printable(finding[key], 200) if isinstance(finding[key], str) else finding[key] for key in keys}
                     for finding in news.listed],
        "not_listed": news.new - len(news.listed),
        "not_listed_of": [{"host": printable(host, 200), "findings": count} for host, count in news.unlisted],
    }


def _slack(news: _News) -> dict[str, Any]:
    counts = ", ".join("%s %s" % (format(count, ","), severity) for severity, count in news.by_severity.items() if count)
    lines = ["*Podman memory audit: %s* (%s)" % (plural(news.new, "new finding"), counts)]
    for finding in news.listed:
        container = " %s" % _code(finding["container"]) if finding["container"] else ""
        lines.append("• *%s* %s%s%s: %s: %s" % (
            finding["severity"], _code(finding["host"]), container, owner_suffix(finding["user"], _code),
            rule_title(finding["rule"]), _code(finding["summary"], 160)))
    unlisted = news.new - len(news.listed)
    if unlisted:
        lines.append("… and %s more: %s%s" % (
            format(unlisted, ","), ", ".join("%s of %s" % (format(count, ","), _code(host)) for host, count in news.unlisted),
            ", …" if sum(count for _host, count in news.unlisted) < unlisted else ""))
    lines.append("%s on %s, report %s" % (format_time(news.generated_at), _code(news.controller), _code(news.report, 300)))
    return {"text": "\n".join(lines)}


def _code(value: object, max_chars: int = 60) -> str:
    """A text of a host as code: there it is no markup, no link and no mention (Slack: Formatting text)."""
    text = printable(value, max_chars).replace("`", "'").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "`%s`" % text if text else ""
