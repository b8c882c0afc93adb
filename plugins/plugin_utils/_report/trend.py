# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The trend: each report has the counts of those before it, so that one file tells it.

Pure. A run with --limit is no point of the same series: its counts are of other hosts.
"""

from __future__ import annotations

from typing import Any

_MAX_POINTS = 90  # three months of nightly runs

Point = dict[str, Any]


def extend_trend(before: list[Point], generated_at: str, limit: str | None, summary: dict[str, Any]) -> list[Point]:
    """Return the points of the reports before, and this one's.

    :param summary: of Tally.
    :returns: [{generated_at, limit, and counts}], oldest first.
    """
    findings = summary["findings"]
    point = {
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
    return [*before, point][-_MAX_POINTS:]


def series(trend: list[Point], key: str) -> list[int]:
    """Return one count of all runs with the same limit as the last one, oldest first."""
    return [point[key] for point in trend if point.get("limit") == trend[-1].get("limit")]
