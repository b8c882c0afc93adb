# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Compare two reports: what is new, what is resolved, what is still there, what was not looked for.

Holds one host's findings at a time, and the worst of each list.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from .._model import rules as _told
from .._model.finding import owner_suffix, severity_rank
from .._report import reader as _reader
from .._text import format_time, printable
from . import baseline as _previous
from .again import Looked

_KEPT = 200
KINDS = ("new", "regressed", "improved", "resolved", "unchanged", "not_evaluated")
LISTED = ("new", "regressed", "improved", "resolved")
_TOLD = ("host", "user", "container", "rule", "severity", "summary", "first_seen", "id")


class Comparison(NamedTuple):
    """What two reports have in common and what not."""

    older: str  # when it was made
    newer: str
    counts: dict[str, int]  # by kind
    lists: dict[str, list[dict[str, Any]]]  # by kind of LISTED, the worst first; `was`: severity before


def compare_reports(newer: str, older: str) -> Comparison:
    """Compare two report.json.

    :raises OSError, ValueError, KeyError, TypeError, AttributeError: when one of them cannot be read as a report.
    """
    before = _previous.Previous(older)
    counts: Counter[str] = Counter()
    lists: dict[str, list[dict[str, Any]]] = {kind: [] for kind in LISTED}

    def add(kind: str, each: dict[str, Any], was: str | None = None) -> None:
        counts[kind] += 1
        if kind in lists:
            lists[kind].append({**{key: each[key] for key in _TOLD}, "was": was})
            if len(lists[kind]) > 2 * _KEPT:
                lists[kind] = _worst(lists[kind])

    for entry, findings in _reader.by_host(newer):
        known = before.of_host(entry["name"])
        for each in findings:
            seen = known.pop(each["id"], None)
            change = severity_rank(each["severity"]) - severity_rank(seen.severity) if seen else 0
            add("new" if seen is None else "regressed" if change < 0 else "improved" if change else "unchanged",
                each, seen.severity if seen else None)
        looked = Looked(entry, findings)
        for seen in known.values():
            add("resolved" if looked.at(seen) else "not_evaluated", seen._asdict())
    counts["not_evaluated"] += sum(1 for _each in before.others())
    return Comparison(before.generated_at or "", _reader.head(newer)["generated_at"],
                      {kind: counts[kind] for kind in KINDS}, {kind: _worst(each) for kind, each in lists.items()})


def _worst(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(found, key=lambda each: severity_rank(each["severity"]))[:_KEPT]


def comparison_lines(found: Comparison, most: int | None) -> list[str]:
    """Return it as text for people.

    :param most: findings of each list; None: all that were kept.
    """
    told = ["From %s to %s: %s" % (format_time(found.older), format_time(found.newer), ", ".join(
        "%s %s" % (format(count, ","), kind.replace("_", " ")) for kind, count in found.counts.items()))]
    for kind in LISTED:
        listed = found.lists[kind][:most]
        if listed:
            told += ["", kind.upper(), *(_line(each) for each in listed)]
            left = found.counts[kind] - len(listed)
            told += ["    … and %s more" % format(left, ",")] if left else []
    return told


def _line(each: dict[str, Any]) -> str:
    user = owner_suffix(each["user"])
    was = ", was %s" % each["was"] if each["was"] not in (None, each["severity"]) else ""
    return "  * %s %s%s: %s: %s (%s%s)" % (
        printable(each["host"], 60), printable(each["container"] or "", 60), user, _told.rule_title(each["rule"]),
        printable(each["summary"], 120), each["severity"], was)
