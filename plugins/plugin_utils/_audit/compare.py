# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare two reports: what is new, resolved, still there, and what the newer one could not evaluate.

Holds one host's findings at a time, and the worst of each list.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from .._model.finding import owner_suffix, severity_rank
from .._model.quota import fair_share, finding_owner
from .._model.rules import rule_title
from .._report.report_file import Report
from .._text import format_time, printable
from .baseline import Baseline, Scope

_MAX_ITEMS = 200  # of each list
CHANGES = ("new", "regressed", "improved", "resolved", "unchanged", "not_evaluated")
LISTED = ("new", "regressed", "improved", "resolved")
_FIELDS = ("host", "user", "container", "rule", "severity", "summary", "first_seen", "id")


class Comparison(NamedTuple):
    """What two reports have in common and what not."""

    older: str  # when it was made
    newer: str
    counts: dict[str, int]  # by CHANGES
    lists: dict[str, list[dict[str, Any]]]  # by LISTED, the worst first: _FIELDS, and `was`: severity before


def compare_reports(newer: Report, older: Report) -> Comparison:
    """Compare two reports.

    :raises ReportError: one of them cannot be read.
    """
    baseline = Baseline(older)
    counts: Counter[str] = Counter()
    lists: dict[str, list[dict[str, Any]]] = {change: [] for change in LISTED}

    def add(change: str, finding: dict[str, Any], was: str | None = None) -> None:
        counts[change] += 1
        if change in lists:
            lists[change].append({**{field: finding[field] for field in _FIELDS}, "was": was})
            if len(lists[change]) > 2 * _MAX_ITEMS:
                lists[change] = _worst(lists[change])

    for entry, findings in newer.by_host():
        before = baseline.pop_host(entry["name"])
        for finding in findings:
            known = before.pop(finding["id"], None)
            if known is None:
                add("new", finding)
            else:
                change = severity_rank(finding["severity"]) - severity_rank(known.severity)
                add("regressed" if change < 0 else "improved" if change else "unchanged", finding, known.severity)
        scope = Scope(entry, findings)
        for known in before.values():
            add("resolved" if scope.covers(known) else "not_evaluated", known._asdict())
    counts["not_evaluated"] += sum(1 for _finding in baseline.pop_other_hosts())
    return Comparison(older=older.head["generated_at"], newer=newer.head["generated_at"],
                      counts={change: counts[change] for change in CHANGES},
                      lists={change: _worst(lists[change]) for change in LISTED})


def _worst(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return fair_share(sorted(findings, key=lambda finding: severity_rank(finding["severity"])), _MAX_ITEMS, finding_owner)


def comparison_lines(comparison: Comparison, max_items: int | None) -> list[str]:
    """Return it as text for people.

    :param max_items: findings of each list; None: all there are.
    """
    lines = ["From %s to %s: %s" % (format_time(comparison.older), format_time(comparison.newer), ", ".join(
        "%s %s" % (format(count, ","), change.replace("_", " ")) for change, count in comparison.counts.items()))]
    for change in LISTED:
        found = comparison.lists[change]
        listed = found if max_items is None else fair_share(found, max_items, finding_owner)
        if listed:
            lines += ["", change.upper(), *(_line(finding) for finding in listed)]
            unlisted = comparison.counts[change] - len(listed)
            lines += ["    … and %s more" % format(unlisted, ",")] if unlisted else []
    return lines


def _line(finding: dict[str, Any]) -> str:
    was = ", was %s" % finding["was"] if finding["was"] not in (None, finding["severity"]) else ""
    return "  * %s %s%s: %s: %s (%s%s)" % (
        printable(finding["host"], 60), printable(finding["container"] or "", 60), owner_suffix(finding["user"]),
        rule_title(finding["rule"]), printable(finding["summary"], 120), finding["severity"], was)
