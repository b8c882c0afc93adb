# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rule oom-killed: containers that lost processes to an OOM killer, in this run or before.

Pure. One finding per container, however often it was killed and recreated: a unit in a crash
loop with --rm leaves a removed container for each kill.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .._model.container_facts import Facts, declared_settings, effective_settings, is_running
from .._model.container_key import ContainerKey, ContainerKeys
from .._model.finding import Finding, make_finding
from .._model.kill_text import CRASH_LOOP, describe_cause, describe_flag_error, describe_outcome, describe_pace, describe_victim
from .._text import format_time
from .remedy import (
    HOST_OOM_REMEDY,
    KERNEL_LOG_REMEDY,
    higher_limit_remedy,
    nested_limit_remedy,
    numa_nodes_remedy,
    podman_version,
    shared_limit_remedy,
)

MAX_ITEMS = 20  # victims and reasons in a finding; the facts have them all


class _Killed(NamedTuple):
    """A container that was hit."""

    container: Facts
    key: ContainerKey
    is_removed: bool  # an element of `removed`


def kill_findings(host: str, facts: Facts, keys: ContainerKeys) -> list[Finding]:
    """Return a finding for each container of the host that was hit."""
    groups: dict[tuple[str, str], list[_Killed]] = {}
    for is_removed, containers in ((False, facts.get("containers") or []), (True, facts.get("removed") or [])):
        for container in containers:
            oom = container.get("oom") or {}
            if oom.get("killed") or oom.get("count"):
                key = keys.lookup(container)
                groups.setdefault((key.user, key.stable_name), []).append(_Killed(container, key, is_removed))
    managers = _managers_by_unit(facts)
    return [_finding(host, facts, group, managers) for group in groups.values()]


def _managers_by_unit(facts: Facts) -> dict[tuple[str, str], Facts]:
    """{(user, unit): the manager of the first container that the unit has now}."""
    managers: dict[tuple[str, str], Facts] = {}
    for container in facts.get("containers") or []:
        unit = (container.get("manager") or {}).get("unit")
        if unit:
            managers.setdefault((container["user"], unit), container["manager"])
    return managers


def _finding(host: str, facts: Facts, group: list[_Killed], managers: dict[tuple[str, str], Facts]) -> Finding:
    """One finding for all containers of one name; the latest kill speaks for them."""
    latest = max(group, key=lambda killed: killed.container["oom"].get("last_at") or "")
    count = sum(max(killed.container["oom"].get("count") or 0, 1) for killed in group)
    evidence = _evidence(latest, count)
    evidence["containers"] = len(group)
    evidence["lethal_count"] = sum(_ended_runs(killed.container["oom"]) for killed in group)
    # the facts have the last 50 of each container one by one
    times = {kill["at"] for killed in group for kill in killed.container["oom"].get("history") or [] if kill.get("at")}
    evidence["first_at"], evidence["timed_kills"] = min(times, default=None), len(times)
    return make_finding(
        "oom-killed", host, latest.key, severity=_severity(evidence), summary="%s; %s; %s" % (
            describe_cause(evidence), describe_outcome(evidence), format_time(evidence["last_at"])),
        detail=_detail(evidence), remedy=_remedy(facts, _with_manager(managers, latest.container), latest.key, evidence),
        evidence=evidence)


def _ended_runs(oom: Facts) -> int:
    """How many runs of a container are known to have ended by a kill."""
    count = oom.get("lethal_count")
    return count if isinstance(count, int) else int(bool(oom.get("killed") and oom.get("lethal")))


def _evidence(killed: _Killed, count: int) -> dict[str, Any]:
    container, is_removed = killed.container, killed.is_removed
    oom, state = container["oom"], container.get("state") or {}
    # a removed container's run is its last one, so there the kill is always of "this" run
    is_current = bool(oom.get("killed")) or is_removed
    past = {} if is_current else max(oom.get("history") or [{}], key=lambda kill: kill.get("at") or "")
    settings = effective_settings(container) or declared_settings(container)
    return {
        "current_run": is_current,
        "removed": is_removed and bool(container.get("gone", True)),
        "running": is_running(container),
        "container_id": container["id"],
        # the verdict's cause is of the present run; an earlier kill has its own
        "cause": oom.get("cause") if is_current else past.get("cause") or "unknown",
        "scope": oom.get("scope") if is_current else None,
        "scope_limit": oom.get("scope_limit") if is_current else None,
        "lethal": oom.get("lethal") if is_current else None,
        "confidence": oom.get("confidence") or "unknown",
        "group": bool(oom.get("group")) if is_current else None,
        "count": count,
        "last_at": oom.get("last_at"),
        "victims": (oom.get("victims") or ([past] if past else []))[:MAX_ITEMS],
        "limit": settings.get("limit"),
        "exit_code": state.get("exit_code") if is_current else None,
        "flag": state.get("oom_killed_flag"),
        "flag_trust": oom.get("flag_trust") or "unknown",
        "reasons": (oom.get("evidence") or [])[:MAX_ITEMS],
    }


def _severity(evidence: dict[str, Any]) -> str:
    if evidence["current_run"] and evidence["lethal"]:
        return "critical" if evidence["confidence"] == "certain" else "high"
    if evidence["count"] >= CRASH_LOOP or (evidence["current_run"] and evidence["lethal"] is None):
        return "high"
    return "medium"


def _detail(evidence: dict[str, Any]) -> str:
    count, ended, pace = evidence["count"], evidence["lethal_count"], describe_pace(evidence)
    sentences = [
        "Killed: %s." % describe_victim(evidence) if describe_victim(evidence) else "",
        "%d kills are known%s%s." % (count, ", %d of them ended a run" % ended if ended else "", pace and ", " + pace) if count > 1 else "",
        {"certain": "This is certain.", "likely": "This is likely, not certain."}.get(
            evidence["confidence"], "It is not known how sure this is."),
        (describe_flag_error(evidence) + ".").capitalize() if describe_flag_error(evidence) else "",
        "The container is removed." if evidence["removed"] else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _remedy(facts: Facts, container: Facts, key: ContainerKey, evidence: dict[str, Any]) -> str:
    if evidence["cause"] == "container_limit":
        return higher_limit_remedy(container, key, evidence["limit"], podman_version(facts.get("host") or {}))
    if evidence["cause"] == "nested_limit":
        return nested_limit_remedy(evidence["scope"])
    if evidence["cause"] == "cpuset_oom":
        return numa_nodes_remedy(container, key)
    if evidence["cause"] in ("ancestor_limit", "systemd_oomd"):
        return shared_limit_remedy(evidence["scope"], key.user)
    return HOST_OOM_REMEDY if evidence["cause"] == "host_oom" else KERNEL_LOG_REMEDY


def _with_manager(managers: dict[tuple[str, str], Facts], container: Facts) -> Facts:
    """A container, with what is known of its unit's file by the container that the unit has now: a removed one has lost it."""
    manager = managers.get((container["user"], (container.get("manager") or {}).get("unit") or ""))
    return {**container, "manager": manager} if manager else container
