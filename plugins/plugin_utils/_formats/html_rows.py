# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows of the HTML page's tables: what the index of all rows holds, and what is shown of one that is opened.

Pure. Facts are taken as they are: the page makes harmless text of everything.
"""

from __future__ import annotations

from typing import Any

from .._model.container_facts import declared_settings, effective_settings, is_running
from .._model.container_key import shown_name
from .._model.finding import SEVERITIES, Finding, severity_rank
from .renderer import dicts_in, dig

_STATES = ("new", "open", "waived", "resolved")
_MAX_CHARS = 300  # of a text in the index; the details have all of it
# By table: what the rows of its index hold.
FIELDS = {
    # severity and state as numbers, the worst 0
    "findings": ("severity", "state", "rule", "host", "user", "container", "summary", "first_seen", "last_kill"),
    # limit and working_set in bytes or null, severity the worst of its findings (5: none), history up to 30 daily maxima
    "containers": ("host", "user", "name", "image", "status", "killed", "cause", "kills", "limit", "working_set", "severity",
                   "history"),
    "hosts": ("name", "status", "reason", "distribution", "podman", "cgroup_version", "memory", "containers", "running",
              "findings", "kills"),
}
Row = tuple[list[Any], dict[str, Any]]  # what is in the index, what is shown of the row when it is opened


def containers_of(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the containers of a host, the removed ones last."""
    return dicts_in(dig(entry, "facts", "containers")) + [
        {**container, "state": {"status": "removed"}} for container in dicts_in(dig(entry, "facts", "removed"))]


def finding_row(finding: Finding, container: dict[str, Any] | None) -> Row:
    """Return the row of a finding or a resolved finding; its container, where the host still has it."""
    evidence = finding.get("evidence") or {}
    row = [severity_rank(finding["severity"]), _STATES.index(finding["state"]), finding["rule"], *(_short(finding[key]) for key in (
        "host", "user", "container", "summary")), finding["first_seen"], evidence.get("last_at") or finding.get("last_at")]
    return row, {**finding, "daily": _daily(container), "image": dig(container, "image")}


def findings_by_container(findings: list[Finding]) -> dict[Any, list[Finding]]:
    """Return the findings that count, by user and container."""
    grouped: dict[Any, list[Finding]] = {}
    for finding in findings:
        if finding["state"] != "waived":
            grouped.setdefault((finding["user"], finding["container"]), []).append(finding)
    return grouped


def container_row(host: str, container: dict[str, Any], findings: list[Finding]) -> Row:
    """Return the row of a container, with its findings."""
    settings = effective_settings(container) or declared_settings(container)
    row = [*(_short(value) for value in (host, container.get("user"), shown_name(container), container.get("image"),
                                         dig(container, "state", "status"))),
           dig(container, "oom", "killed"), dig(container, "oom", "cause"), dig(container, "oom", "count"),
           dig(settings, "limit"), dig(container, "memory", "usage", "working_set"),
           min((severity_rank(finding["severity"]) for finding in findings), default=len(SEVERITIES)),
           [dig(day, "working_set_max") for day in _daily(container)[-30:]]]
    return row, {**container, "host": host}


def host_row(entry: dict[str, Any], containers: list[dict[str, Any]], findings: list[Finding]) -> Row:
    """Return the row of a host.

    :param containers: from containers_of().
    """
    host = dig(entry, "facts", "host")
    counted = [finding for finding in findings if finding["state"] != "waived"]
    present = [container for container in containers if dig(container, "state", "status") != "removed"]
    row = [_short(entry["name"]), entry["status"], _short(entry["reason"]), _short(dig(host, "distribution")),
           _short(dig(host, "podman", "version")), dig(host, "cgroup_version"), dig(host, "memory_total"),
           len(present), sum(map(is_running, present)), len(counted),
           sum(finding["rule"] == "oom-killed" for finding in counted)]
    return row, {"status": entry["status"], "kind": entry["kind"], "reason": entry["reason"], "run_as": entry["run_as"],
                 "host": host, "sources": dig(entry, "facts", "sources"), "errors": dig(entry, "facts", "errors")}


def _daily(container: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The recorder's daily peaks, oldest first; none where it has none."""
    return dicts_in(dig(container, "memory", "daily"))


def _short(value: Any) -> Any:
    return value[:_MAX_CHARS] + "…" if isinstance(value, str) and len(value) > _MAX_CHARS else value
