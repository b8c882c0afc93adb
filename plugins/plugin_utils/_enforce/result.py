# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of a plan: its steps and container_memory's results, as rows for people and programs.

Pure. A row: {container, user, setting, before, after, rules, decided_by, changed, live, persistent,
restart_required, message, failed}; sizes in bytes, before None for no limit.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from .host_plan import Change, HostPlan

Row = dict[str, Any]


def result_rows(plan: HostPlan, results: list[dict[str, Any]]) -> list[Row]:
    """Return a row for each step of the plan.

    :param results: container_memory's `containers`, of all its calls; those that it did not reach are missing.
    """
    return [row for change in plan.changes for row in _rows(change, next(
        (result for result in reversed(results) if change.is_of(result.get("user"), result.get("name"), result.get("id"))), None))]


def _rows(change: Change, result: dict[str, Any] | None) -> list[Row]:
    result = result or {"failed": True, "message": "no result came back for it"}
    message = str(result.get("message") or "")
    if message == "set" or message.startswith("set; "):
        message = message.partition("; ")[2]  # the row already shows what was set
    return [{
        "container": change.name,
        "user": change.user,
        "setting": step.setting,
        "before": step.before,
        "after": step.after,
        "rules": list(step.rules),
        "decided_by": step.decided_by,
        "changed": bool(result.get("changed")),
        "live": bool(result.get("applied_live")),
        "persistent": bool(result.get("persistent")),
        "restart_required": bool(result.get("restart_required")),
        "message": message,
        "failed": bool(result.get("failed")),
    } for step in change.steps]


def refused_containers(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the results of the containers because of which nothing was done to their user's, or was taken back.

    container_memory does all or none of each user's: that user's others can be done without these.
    """
    done = {result["user"] for result in results if result.get("changed") and not result.get("failed")}
    return [result for result in results if result.get("failed") and result["user"] not in done]


def count_results(plan: HostPlan, rows: list[Row]) -> dict[str, Any]:
    """Return what a host comes to, as numbers of containers; `skipped`: of settings, by kind of obstacle."""
    def containers(chosen: list[Row]) -> int:
        return len({(row["user"], row["container"]) for row in chosen})

    done = [row for row in rows if row["changed"] and not row["failed"]]
    return {
        "containers": plan.containers,
        "compliant": plan.compliant,
        "exempt": plan.exempt,
        "planned": len(plan.changes),
        "changed": containers(done),
        "not_persistent": containers([row for row in done if not row["persistent"]]),
        "failed": containers([row for row in rows if row["failed"]]),
        "skipped": dict(sorted(Counter(setting.kind for setting in plan.skipped).items())),
    }
