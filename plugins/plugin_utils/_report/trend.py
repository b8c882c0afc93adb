# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""The trend: each report carries the counts of those before it, so that one file tells it.

Pure. A run with --limit is no point of the same line: its counts are of other hosts.
"""

from __future__ import annotations

from typing import Any

_KEPT = 90  # runs; three months of nightly ones

Point = dict[str, Any]


def point(generated_at: str, limit: str | None, summary: dict[str, Any]) -> Point:
    """Return the counts of one report: {generated_at, limit, hosts, not_checked, containers, killed, lethal,
    near_limit, unprotected, findings, critical, high, new, resolved}."""
    findings = summary["findings"]
    return {
        "generated_at": generated_at,
        "limit": limit,
        "hosts": summary["hosts"]["total"],
        "not_checked": summary["hosts"]["not_checked"],
        "containers": summary["containers"]["total"],
        "killed": summary["oom"]["killed"],
        "lethal": summary["oom"]["lethal"],
        "near_limit": findings["by_rule"]["near-limit"],
        "unprotected": summary["unprotected"],
        "findings": findings["total"],
        "critical": findings["by_severity"]["critical"],
        "high": findings["by_severity"]["high"],
        "new": findings["new"],
        "resolved": findings["resolved"],
    }


def extend_trend(before: list[Point], generated_at: str, limit: str | None, summary: dict[str, Any]) -> list[Point]:
    """Return the points of the reports before, and this one's."""
    return [*before, point(generated_at, limit, summary)][-_KEPT:]


def series(trend: list[Point], key: str) -> list[int]:
    """Return the numbers of one kind of all runs that are like the last one, oldest first."""
    return [each[key] for each in trend if each.get("limit") == trend[-1].get("limit")]
