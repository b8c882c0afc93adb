# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules near-limit (its working set almost fills its limit) and memory-stalls (it waits for memory, and is not near its limit).

Pure. No single number warns (2i2c infrastructure #5749): a working set near the limit does, and so does a
container that the kernel stalls. `memory.events` max alone does not: page cache that is reclaimed at the limit
counts there for free (cgroup-v2.rst).
"""

from __future__ import annotations

from typing import Any

from .._model.container_facts import Facts, effective_settings, has_own_limit, is_infra, is_running, memory_usage
from .._model.container_key import ContainerKey, ContainerKeys
from .._model.finding import Finding
from .._model.kill_text import describe_cgroup
from .._text import human_size, plural
from .limits import settings_finding
from .remedy import higher_limit_remedy, memory_stalls_remedy, podman_version, shared_limit_remedy

# Awesome Prometheus Alerts: container memory above 80 % is high; Netdata's cgroup alert: 90 % warns.
NEAR_SHARE, FULL_SHARE = 0.80, 0.90
# Percentages of time in which nothing in the container could run (PSI full, avg300). Below 1 % reclaim works
# unnoticed; above 10 % over five minutes users notice. systemd-oomd kills at 60 % by default (oomd.conf(5)).
STALLS_SOMETIMES, STALLS_OFTEN = 1.0, 10.0
# With this share of the limit or more still free in swap, it gets slow before it dies.
SWAP_ROOM_SHARE = 0.10
# What happens at the limit, while it can swap and when it can't; and where the OOM killer is off for it.
_AT_THE_LIMIT = {
    False: ("It can still swap %s: it gets slow before it dies.", "It cannot swap: the next step over the limit is a kill."),
    True: ("It can still swap %s: it gets slow before it hangs.",
           "The OOM killer is off for it (--oom-kill-disable): at its limit its tasks stop until memory is given back or the limit is raised."),
}
_ONE_LOWER = {"high": "medium", "medium": None}


def near_limit_findings(host: str, facts: Facts, keys: ContainerKeys) -> list[Finding]:
    """Return at most one finding of these two rules on each running container of a host."""
    containers = facts.get("containers") or []
    usage_by_source = _usage_by_source(containers)
    has_swap = bool((facts.get("host") or {}).get("swap_total"))
    findings = []
    for container in containers:
        evidence = _evidence(container, usage_by_source, has_swap)
        if evidence is None or not is_running(container) or is_infra(container):
            continue
        podman = podman_version(facts.get("host") or {})
        near, stalls = _near_severity(evidence), _stall_severity(evidence)
        if near:
            findings.append(_near_limit(
                host, container, keys.lookup(container), evidence, "high" if stalls == "high" else near, podman))
        elif stalls:
            findings.append(_memory_stalls(host, container, keys.lookup(container), evidence, stalls))
    return findings


def _usage_by_source(containers: list[Facts]) -> dict[str, tuple[int, int]]:
    """By the cgroup whose limit is enforced: (working set below it in bytes, number of containers that share it)."""
    usage: dict[str, tuple[int, int]] = {}
    for container in containers:
        source = (effective_settings(container) or {}).get("source")
        working_set = memory_usage(container).get("working_set")
        if source and isinstance(working_set, int):
            total, count = usage.get(source, (0, 0))
            usage[source] = (total + working_set, count + 1)
    return usage


def _evidence(container: Facts, usage_by_source: dict[str, tuple[int, int]], has_swap: bool) -> dict[str, Any] | None:
    """What the rules look at; None where it could not be read."""
    effective, usage = effective_settings(container), memory_usage(container)
    events = (container.get("memory") or {}).get("events") or {}
    if not effective or not isinstance(usage.get("working_set"), int):
        return None
    limit, source = effective.get("limit"), effective.get("source")
    # a limit that containers share is used by all of them
    working_set, sharing = usage_by_source.get(source or "", (usage["working_set"], 1))
    swap_limit = effective.get("swap_limit")
    swap_room = None
    if has_swap and limit:
        # swap_limit is memory and swap together; without one it can have as much as the host
        swap_room = max(0, swap_limit - limit - (usage.get("swap") or 0)) if isinstance(swap_limit, int) else limit
    return {
        "share": round(working_set / limit, 4) if limit else None,
        "limit": limit,
        "source": source,
        "sharing": sharing,
        "oom_kill_disabled": effective.get("oom_kill_disabled"),
        "working_set": working_set,
        "high": effective.get("high"),
        "swap": usage.get("swap"),
        "swap_room": swap_room,
        "peak": usage.get("peak"),
        "pressure_full_avg300": usage.get("pressure_full_avg300"),
        "events": {key: events.get(key) for key in ("high", "max", "oom")},
    }


def _near_severity(evidence: dict[str, Any]) -> str | None:
    """How near its limit the working set is; None: not near."""
    share = evidence["share"] or 0
    severity = "high" if share >= FULL_SHARE else "medium" if share >= NEAR_SHARE else None
    if severity and (evidence["swap_room"] or 0) >= SWAP_ROOM_SHARE * (evidence["limit"] or 0):
        return _ONE_LOWER[severity]
    return severity


def _stall_severity(evidence: dict[str, Any]) -> str | None:
    """How much it waits for memory after it hit its limit or memory.high in this run; None: not noticeably."""
    stalled = evidence["pressure_full_avg300"] or 0
    if not (evidence["events"]["max"] or evidence["events"]["high"]):
        return None
    return "high" if stalled >= STALLS_OFTEN else "medium" if stalled >= STALLS_SOMETIMES else None


def _near_limit(host: str, container: Facts, key: ContainerKey, evidence: dict[str, Any], severity: str,
                podman: tuple[int, ...]) -> Finding:
    is_shared = evidence["source"] and not has_own_limit(container)
    return settings_finding(
        "near-limit", host, container, key, severity=severity,
        summary=", ".join(filter(None, (
            _usage_text(container, evidence), _stall_text(evidence),
            "hangs at its limit instead of being killed" if evidence["oom_kill_disabled"] else ""))),
        detail=_detail(evidence, *_AT_THE_LIMIT[bool(evidence["oom_kill_disabled"])]),
        remedy=shared_limit_remedy(evidence["source"], key.user) if is_shared else higher_limit_remedy(
            container, key, evidence["limit"], podman),
        evidence=evidence)


def _memory_stalls(host: str, container: Facts, key: ContainerKey, evidence: dict[str, Any], severity: str) -> Finding:
    return settings_finding(
        "memory-stalls", host, container, key, severity=severity,
        summary=", ".join(filter(None, (_stall_text(evidence), _usage_text(container, evidence)))),
        detail="For that share of the last five minutes all of its tasks waited for memory (PSI full, avg300). "
               + _detail(evidence, "It can swap %s.", ""),
        remedy=memory_stalls_remedy(evidence["source"], evidence["high"] if evidence["events"]["high"] else None),
        evidence=evidence)


def _usage_text(container: Facts, evidence: dict[str, Any]) -> str:
    if evidence["share"] is None:
        return ""
    which, whose = "its", ""
    if evidence["source"] and not has_own_limit(container):
        which, whose = "the", " of %s" % describe_cgroup(evidence["source"])
        whose += ", shared by %s" % plural(evidence["sharing"], "container") if evidence["sharing"] > 1 else ""
    return "uses %.0f %% of %s %s%s" % (100 * evidence["share"], which, human_size(evidence["limit"]), whose)


def _stall_text(evidence: dict[str, Any]) -> str:
    stalled = evidence["pressure_full_avg300"] or 0
    return "stalled %.0f %% of the time" % stalled if stalled >= STALLS_SOMETIMES else ""


def _detail(evidence: dict[str, Any], can_swap: str, cannot_swap: str) -> str:
    events = evidence["events"]
    sentences = [
        "The working set (without page cache that can go) is %s." % human_size(evidence["working_set"]),
        "It hit its limit %s in this run." % plural(events["max"], "time") if events["max"] else "",
        "memory.high of %s throttled it %s." % (human_size(evidence["high"]), plural(events["high"], "time"))
        if events["high"] and evidence["high"] is not None else "",
        "%s of swap in use." % human_size(evidence["swap"]) if evidence["swap"] else "",
        can_swap % human_size(evidence["swap_room"]) if evidence["swap_room"] else cannot_swap if evidence["limit"] else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)
