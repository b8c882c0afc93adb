# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Rows of the HTML page's tables: what the index of all rows holds, and what is shown of one that is opened.

Pure. Facts are taken as they are: the page makes text of everything, and everything harmless.
"""

from __future__ import annotations

from typing import Any

from .._model import container_facts as _limits
from .._model.finding import SEVERITIES, Finding, severity_rank
from .safe import dicts_in, dig

_STATES = ("new", "open", "waived", "resolved")
_LONGEST = 300  # characters of a text in the index; the details have all of it
Row = tuple[list[Any], dict[str, Any]]


def containers_of(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the containers of a host, those that are removed last."""
    return dicts_in(dig(entry, "facts", "containers")) + [
        {**each, "state": {"status": "removed"}} for each in dicts_in(dig(entry, "facts", "removed"))]


def finding(each: Finding, container: dict[str, Any] | None) -> Row:
    """Return the row of a finding: [severity, state, rule, host, user, container, summary, first seen, last kill].

    Severity and state are numbers, the worst 0.
    """
    evidence = each.get("evidence") or {}
    row = [severity_rank(each["severity"]), _STATES.index(each["state"]), each["rule"], *(_short(each[key]) for key in (
        "host", "user", "container", "summary")), each["first_seen"], evidence.get("last_at") or each.get("last_at")]
    return row, {**each, "daily": _daily(container), "image": dig(container, "image")}


def by_subject(findings: list[Finding]) -> dict[Any, list[Finding]]:
    """Return the findings that count, by user and container."""
    grouped: dict[Any, list[Finding]] = {}
    for each in findings:
        if each["state"] != "waived":
            grouped.setdefault((each["user"], each["container"]), []).append(each)
    return grouped


def container(host: str, each: dict[str, Any], own: list[Finding]) -> Row:
    """Return the row of a container: [host, user, name, image, status, killed, cause, kills, limit, working set,
    worst severity of its findings, history].

    Limit and working set are bytes or null, severity as in `finding` (5: none), history up to 30 daily maxima.
    """
    enforced = _limits.effective_settings(each) or _limits.declared_settings(each)
    row = [*(_short(value) for value in (host, each.get("user"), each.get("name"), each.get("image"),
                                         dig(each, "state", "status"))),
           dig(each, "oom", "killed"), dig(each, "oom", "cause"), dig(each, "oom", "count"),
           dig(enforced, "limit"), dig(each, "memory", "usage", "working_set"),
           min((severity_rank(found["severity"]) for found in own), default=len(SEVERITIES)),
           [dig(day, "working_set_max") for day in _daily(each)[-30:]]]
    return row, {**each, "host": host}


def host(entry: dict[str, Any], containers: list[dict[str, Any]], findings: list[Finding]) -> Row:
    """Return the row of a host: [name, status, reason, distribution, Podman, cgroup version, memory, containers,
    running ones, findings, kills]."""
    about = dig(entry, "facts", "host")
    counted = [each for each in findings if each["state"] != "waived"]
    present = [each for each in containers if dig(each, "state", "status") != "removed"]
    row = [_short(entry["name"]), entry["status"], _short(entry["reason"]), _short(dig(about, "distribution")),
           _short(dig(about, "podman", "version")), dig(about, "cgroup_version"), dig(about, "memory_total"),
           len(present), sum(_limits.is_running(each) for each in present), len(counted),
           sum(each["rule"] == "oom-killed" for each in counted)]
    return row, {"status": entry["status"], "kind": entry["kind"], "reason": entry["reason"], "run_as": entry["run_as"],
                 "host": about, "sources": dig(entry, "facts", "sources"), "errors": dig(entry, "facts", "errors")}


def _daily(each: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The recorder's daily peaks, oldest first; none where it has none."""
    return dicts_in(dig(each, "memory", "daily"))


def _short(value: Any) -> Any:
    return value[:_LONGEST] + "…" if isinstance(value, str) and len(value) > _LONGEST else value
