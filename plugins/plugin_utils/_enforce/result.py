# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""What became of a plan: the plan's steps and container_memory's results, as rows for people and programs.

Pure. A row: {container, user, what, before, after, rules, by, changed, live, persistent, method,
message, failed}; sizes in bytes, before and after None for no limit.
"""

from __future__ import annotations

from typing import Any

from .plan import Change, HostPlan

Row = dict[str, Any]


def result_rows(plan: HostPlan, results: list[dict[str, Any]]) -> list[Row]:
    """Return a row for each step of the plan.

    :param results: container_memory's `containers`, of all its calls; those that it did not get to are missing.
    """
    known = {(each.get("user"), each.get("id")): each for each in results}
    return [row for change in plan.changes for row in _rows(change, known.get((change.user, change.ident)))]


def _rows(change: Change, result: dict[str, Any] | None) -> list[Row]:
    told = result or {"failed": True, "message": "no result came back for it"}
    failed, message = bool(told.get("failed")), str(told.get("message") or "")
    return [{
        "container": change.name,
        "user": change.user,
        "what": step.what,
        "before": step.before,
        "after": step.after,
        "rules": list(step.rules),
        "by": step.by,
        "changed": bool(told.get("changed")),
        "live": bool(told.get("applied_live")),
        "persistent": bool(told.get("persistent")),
        "restart_required": bool(told.get("restart_required")),
        "method": told.get("method"),
        # what is set is said by the row itself
        "message": message.partition("; ")[2] if message == "set" or message.startswith("set; ") else message,
        "failed": failed,
    } for step in change.steps]


def refused_containers(results: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Return (user, id) of the containers because of which a call did nothing, or took back what it did.

    container_memory does all or none: the others can be done without these. Empty when it was otherwise.
    """
    if any(each.get("changed") and not each.get("failed") for each in results):
        return set()
    return {(each["user"], each["id"]) for each in results if each.get("failed")}


def count_results(plan: HostPlan | None, found: list[Row]) -> dict[str, Any]:
    """Return what a host comes to, in numbers; of containers, where nothing else is said."""
    def distinct(chosen: list[Row]) -> int:
        return len({(each["user"], each["container"]) for each in chosen})

    skipped: dict[str, int] = {}
    for each in plan.skipped if plan else ():
        skipped[each.kind] = skipped.get(each.kind, 0) + 1
    return {
        "containers": plan.containers if plan else 0,
        "right": plan.right if plan else 0,
        "exempt": plan.exempt if plan else 0,
        "planned": len(plan.changes) if plan else 0,
        "changed": distinct([each for each in found if each["changed"] and not each["failed"]]),
        "not_persistent": distinct([each for each in found if each["changed"] and not each["failed"] and not each["persistent"]]),
        "failed": distinct([each for each in found if each["failed"]]),
        "skipped": dict(sorted(skipped.items())),  # settings
    }
