# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Rule near-limit: what dies next.

Pure. No single number warns (2i2c infrastructure #5749): a working set near the limit does, and so does a
container that the kernel stalls at its limit. `memory.events` max alone does not: page cache that is
reclaimed at the limit counts there for free (cgroup-v2.rst).
"""

from __future__ import annotations

from typing import Any

from .._model.container_facts import effective_settings, has_own_limit, is_running
from .._model.container_key import ContainerKeys
from .._model.finding import Facts, Finding
from .._model.kill_text import describe_cgroup
from .._text import human_size, plural
from .limits import settings_finding
from .remedy import higher_limit_remedy, shared_limit_remedy

# Awesome Prometheus Alerts: container memory above 80 % is high; Netdata's cgroup alert: 90 % warns.
_NEAR, _AT = 0.80, 0.90
# Shares of time in which nothing in the container could run (PSI full, avg300). Below 1 % reclaim works
# unnoticed; above 10 % over five minutes users notice. systemd-oomd kills at 60 % by default (oomd.conf(5)).
_STALLS, _STALLED = 1.0, 10.0
# With so much of the limit still free in swap, it gets slow before it dies.
_SWAP_ROOM = 0.10
_LOWER = {"high": "medium", "medium": None}


def near_limit_findings(host: str, facts: Facts, subjects: ContainerKeys) -> list[Finding]:
    """Return the findings of this rule on one host."""
    running = [each for each in facts.get("containers") or [] if is_running(each) and not each.get("is_infra")]
    used = _used_below(facts.get("containers") or [])
    has_swap = bool((facts.get("host") or {}).get("swap_total"))
    found = []
    for container in running:
        seen = _seen(container, used, has_swap)
        severity = seen and _severity(seen)
        if severity:
            found.append(_finding(host, container, subjects, seen, severity))
    return found


def _used_below(containers: list[Facts]) -> dict[str, tuple[int, int]]:
    """By the cgroup whose limit holds: (what is used below it, by how many containers)."""
    used: dict[str, tuple[int, int]] = {}
    for container in containers:
        source = (effective_settings(container) or {}).get("source")
        own = ((container.get("memory") or {}).get("usage") or {}).get("working_set")
        if source and isinstance(own, int):
            total, count = used.get(source, (0, 0))
            used[source] = (total + own, count + 1)
    return used


def _seen(container: Facts, used: dict[str, tuple[int, int]], has_swap: bool) -> dict[str, Any] | None:
    """What the rule looks at, as the finding's evidence has it; None where it could not be read."""
    memory = container.get("memory") or {}
    enforced, usage, events = effective_settings(container), memory.get("usage"), memory.get("events") or {}
    if not enforced or not usage or not isinstance(usage.get("working_set"), int):
        return None
    limit, source = enforced.get("limit"), enforced.get("source")
    # a limit that containers share is used by all of them
    together, sharing = used.get(source, (usage["working_set"], 1))
    swap_limit = enforced.get("swap_limit")
    room = None
    if has_swap and limit:
        # swap_limit is memory and swap together; none: as much as the host has
        room = max(0, swap_limit - limit - (usage.get("swap") or 0)) if isinstance(swap_limit, int) else limit
    return {
        "share": round(together / limit, 4) if limit else None,
        "limit": limit,
        "source": source,
        "sharing": sharing,
        "working_set": together,
        "high": enforced.get("high"),
        "swap": usage.get("swap"),
        "swap_room": room,
        "peak": usage.get("peak"),
        "pressure_full_avg300": usage.get("pressure_full_avg300"),
        "events": {key: events.get(key) for key in ("high", "max", "oom")},
    }


def _severity(seen: dict[str, Any]) -> str | None:
    """How near it is; None: not near."""
    share, stalled = seen["share"] or 0, seen["pressure_full_avg300"] or 0
    at_a_limit = bool(seen["events"]["max"] or seen["events"]["high"])
    found = "high" if share >= _AT else "medium" if share >= _NEAR else None
    if found and (seen["swap_room"] or 0) >= _SWAP_ROOM * (seen["limit"] or 0):
        found = _LOWER[found]
    if at_a_limit and stalled >= _STALLED:
        return "high"
    return found or ("medium" if at_a_limit and stalled >= _STALLS else None)


def _finding(host: str, container: Facts, subjects: ContainerKeys, seen: dict[str, Any], severity: str) -> Finding:
    subject = subjects.lookup(container)
    shared = not has_own_limit(container)
    limit = seen["limit"]
    return settings_finding(
        "near-limit", severity, host, container, subject, summary=_summary(seen, shared), detail=_detail(seen),
        remedy=shared_limit_remedy(seen["source"]) if shared and seen["source"] else higher_limit_remedy(container, subject, limit),
        evidence=seen)


def _summary(seen: dict[str, Any], shared: bool) -> str:
    parts = []
    if seen["share"] is not None:
        which, whose = "its", ""
        if shared and seen["source"]:
            which, whose = "the", " of %s" % describe_cgroup(seen["source"])
            whose += ", shared by %s" % plural(seen["sharing"], "container") if seen["sharing"] > 1 else ""
        parts.append("uses %.0f %% of %s %s%s" % (100 * seen["share"], which, human_size(seen["limit"]), whose))
    stalled = seen["pressure_full_avg300"] or 0
    if stalled >= _STALLS:
        parts.append("stalled %.0f %% of the time" % stalled)
    return ", ".join(parts)


def _detail(seen: dict[str, Any]) -> str:
    events = seen["events"]
    sentences = [
        "The working set (without page cache that can go) is %s." % human_size(seen["working_set"]),
        "It hit its limit %s in this run." % plural(events["max"], "time") if events["max"] else "",
        "memory.high of %s throttled it %s." % (human_size(seen["high"]), plural(events["high"], "time"))
        if events["high"] and seen["high"] is not None else "",
        "%s of swap in use." % human_size(seen["swap"]) if seen["swap"] else "",
        "It can still swap %s: it gets slow before it dies." % human_size(seen["swap_room"]) if seen["swap_room"] else
        "It cannot swap: the next step over the limit is a kill." if seen["limit"] else "",
    ]
    return " ".join(each for each in sentences if each)
