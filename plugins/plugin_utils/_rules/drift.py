# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules on what the kernel enforces and the next start will have: limit-drift, limit-not-persistent.

Pure. One difference is a finding of one of them: limit-not-persistent where what is enforced is wanted and
the next start loses it, limit-drift where it is not.
"""

from __future__ import annotations

from typing import NamedTuple

from .._model.container_facts import (
    Facts,
    effective_settings,
    has_own_limit,
    is_running,
    is_set_by_unit,
    limits_differ,
    next_start_problem,
    next_start_settings,
    violated_bound,
)
from .._model.container_key import ContainerKey
from .._model.finding import Finding
from .._policy.policy import Decision
from .._text import human_size, printable
from .limits import settings_finding
from .remedy import drift_remedy, persist_remedy, podman_version


class Difference(NamedTuple):
    """One setting that the next start will have differently."""

    setting: str  # limit, swap_limit or oom_group
    text: str
    is_lost: bool  # limit-not-persistent; else limit-drift


def drift_findings(host: str, host_facts: Facts, container: Facts, key: ContainerKey, decision: Decision) -> list[Finding]:
    """Return at most one finding of each rule on one container."""
    differences = next_start_differences(host_facts, container, decision)
    drifted = [difference for difference in differences if not difference.is_lost]
    lost = [difference for difference in differences if difference.is_lost]
    findings = [_limit_drift(host, container, key, drifted)] if drifted else []
    return findings + ([_not_persistent(host, host_facts, container, key, decision, lost)] if lost else [])


def next_start_differences(host_facts: Facts, container: Facts, decision: Decision) -> list[Difference]:
    """Return what differs; nothing for a container that does not run, or whose limits, now or then, are not known."""
    effective = effective_settings(container)
    if not is_running(container) or effective is None or next_start_problem(container):
        return []
    differences = [
        # the sum of memory and swap drifts with the memory: said once
        _limit_difference(container, effective, decision) or _swap_difference(host_facts, container, effective),
        _oom_group_difference(container, effective, decision),
    ]
    return [difference for difference in differences if difference]


def _difference(setting: str, container: Facts, declared: int | None, enforced: int | None, is_lost: bool = False) -> Difference:
    """A limit that is declared in one way and enforced in another; both in bytes, None for no limit."""
    first, second = ("no limit" if limit is None else human_size(limit) for limit in (declared, enforced))
    first += " memory+swap" if setting == "swap_limit" else ""
    where = "in its unit" if is_set_by_unit(container) else "declared"
    return Difference(setting, "%s %s, %s enforced" % (first, where, second), is_lost)


def _limit_difference(container: Facts, effective: Facts, decision: Decision) -> Difference | None:
    declared, enforced, is_own = next_start_settings(container).get("limit"), effective.get("limit"), has_own_limit(container)
    if not limits_differ(declared, enforced):
        return None
    if declared is None:
        # a limit of the pod, slice or service above is no limit of this container
        return _difference("limit", container, None, enforced, is_lost=True) if is_own else None
    if enforced is None:
        return _difference("limit", container, declared, None)
    if enforced < declared and not is_own:
        return None
    is_lost = is_own and bool(violated_bound(declared, *decision.bounds)) and not violated_bound(enforced, *decision.bounds)
    return _difference("limit", container, declared, enforced, is_lost)


def _swap_difference(host_facts: Facts, container: Facts, effective: Facts) -> Difference | None:
    """Memory and swap together. Only more than declared is drift: less can come from any cgroup above."""
    declared, enforced = next_start_settings(container).get("swap_limit"), effective.get("swap_limit")
    if declared is None or next_start_settings(container).get("limit") is None or not host_facts.get("swap_total") or not has_own_limit(container):
        return None
    if enforced is None and host_facts.get("cgroup_version") == 1:
        return None  # swapaccount=0: the kernel has no such limit to read
    if not limits_differ(declared, enforced) or (enforced is not None and enforced < declared):
        return None
    return _difference("swap_limit", container, declared, enforced)


def _oom_group_difference(container: Facts, effective: Facts, decision: Decision) -> Difference | None:
    """Where it is not what the policy wants now, it is oom-group-mismatch already."""
    enforced, declared = effective.get("oom_group"), bool(next_start_settings(container).get("oom_group"))
    if enforced is None or enforced is declared:
        return None
    is_wanted = enforced if decision.oom_group is None else enforced is decision.oom_group
    return Difference("oom_group", "memory.oom.group %s now, %s at the next start" % (
        ("on", "off") if enforced else ("off", "on")), True) if is_wanted else None


def _limit_drift(host: str, container: Facts, key: ContainerKey, drifted: list[Difference]) -> Finding:
    effective = effective_settings(container) or {}
    return settings_finding(
        "limit-drift", host, container, key, severity="high" if effective.get("limit") is None else None,
        summary="; ".join(difference.text for difference in drifted),
        detail="What %s says and what the kernel enforces are not the same%s. The record wins at the next start." % (
            "its unit" if is_set_by_unit(container) else "Podman's record",
            " (cgroup %s)" % printable(effective["source"]) if effective.get("source") else ""),
        remedy=drift_remedy(container, key))


def _not_persistent(host: str, host_facts: Facts, container: Facts, key: ContainerKey, decision: Decision,
                    lost: list[Difference]) -> Finding:
    settings = [difference.setting for difference in lost]
    return settings_finding(
        "limit-not-persistent", host, container, key, decision=decision,
        summary="; ".join(difference.text for difference in lost),
        detail="The kernel enforces it until the container is started again: %s does not have it." % (
            "its unit" if is_set_by_unit(container) else "Podman's record"),
        remedy=persist_remedy(host, container, key, set(settings), podman_version(host_facts)),
        evidence={"settings": settings})
