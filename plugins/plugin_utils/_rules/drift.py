# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Rules on what the kernel enforces and the next start will have: limit-drift, limit-not-persistent.

Pure. One difference is a finding of one of them: limit-not-persistent where what is enforced is
what somebody wants and the next start loses it, limit-drift where it is not.
"""

from __future__ import annotations

from typing import NamedTuple

from .._model.container_facts import (
    effective_settings,
    has_own_limit,
    is_running,
    is_set_by_unit,
    limits_differ,
    next_start_settings,
    violated_bound,
)
from .._model.container_key import ContainerKey
from .._model.finding import Facts, Finding
from .._policy.policy import Decision
from .._text import human_size, printable
from .limits import settings_finding, settings_severity
from .remedy import drift_remedy, persist_remedy


class Difference(NamedTuple):
    """One setting that the next start will have differently."""

    setting: str  # limit, swap_limit or oom_group
    text: str
    is_lost: bool  # limit-not-persistent; else limit-drift


def drift_findings(host: str, host_facts: Facts, container: Facts, subject: ContainerKey, wanted: Decision) -> list[Finding]:
    """Return at most one finding of each rule on one container."""
    different = next_start_differences(host_facts, container, wanted)
    lost = [each for each in different if each.is_lost]
    drifted = [each for each in different if not each.is_lost]
    found = [_drift(host, container, subject, drifted)] if drifted else []
    return found + ([_lost(host, container, subject, wanted, lost)] if lost else [])


def next_start_differences(host_facts: Facts, container: Facts, wanted: Decision) -> list[Difference]:
    """Return what differs; nothing for a container that does not run, or whose limits are not known."""
    enforced = effective_settings(container)
    if not is_running(container) or enforced is None:
        return []
    found = [_limit(container, enforced, wanted)]
    if not found[0]:  # the sum of memory and swap drifts with the memory: said once
        found = [_swap(host_facts, container, enforced)]
    found.append(_group(container, enforced, wanted))
    return [each for each in found if each]


def _said(container: Facts) -> str:
    return "in its unit" if is_set_by_unit(container) else "declared"


def _limit(container: Facts, enforced: Facts, wanted: Decision) -> Difference | None:
    said, real, own = next_start_settings(container).get("limit"), enforced.get("limit"), has_own_limit(container)
    if not limits_differ(said, real):
        return None
    if said is None:
        # a limit of the pod, slice or service above is no limit of this container
        return Difference("limit", "no limit %s, %s enforced" % (_said(container), human_size(real)), True) if own else None
    if real is None:
        return Difference("limit", "%s %s, no limit enforced" % (human_size(said), _said(container)), False)
    if real < said and not own:
        return None
    is_lost = own and bool(violated_bound(said, *wanted.bounds)) and not violated_bound(real, *wanted.bounds)
    return Difference("limit", "%s %s, %s enforced" % (human_size(said), _said(container), human_size(real)), is_lost)


def _swap(host_facts: Facts, container: Facts, enforced: Facts) -> Difference | None:
    """Memory and swap together. Only more than declared is drift: less can come from any cgroup above."""
    said, real = next_start_settings(container).get("swap_limit"), enforced.get("swap_limit")
    if said is None or not host_facts.get("swap_total") or not has_own_limit(container):
        return None
    if real is None and host_facts.get("cgroup_version") == 1:
        return None  # swapaccount=0: the kernel has no such limit to read
    if not limits_differ(said, real) or (real is not None and real < said):
        return None
    return Difference("swap_limit", "%s memory+swap %s, %s enforced" % (
        human_size(said), _said(container), "no limit" if real is None else human_size(real)), False)


def _group(container: Facts, enforced: Facts, wanted: Decision) -> Difference | None:
    """Where it is not what the policy wants now, it is oom-group-mismatch already."""
    real, said = enforced.get("oom_group"), bool(next_start_settings(container).get("oom_group"))
    if real is None or real is said or not (real if wanted.oom_group is None else real is wanted.oom_group):
        return None
    return Difference("oom_group", "memory.oom.group %s now, %s at the next start" % (
        ("on", "off") if real else ("off", "on")), True)


def _drift(host: str, container: Facts, subject: ContainerKey, drifted: list[Difference]) -> Finding:
    enforced = effective_settings(container) or {}
    return settings_finding(
        "limit-drift", "high" if enforced.get("limit") is None else "medium", host, container, subject,
        summary="; ".join(each.text for each in drifted),
        detail="What %s says and what the kernel enforces are not the same%s. The record wins at the next start." % (
            "its unit" if is_set_by_unit(container) else "Podman's record",
            " (cgroup %s)" % printable(enforced["source"]) if enforced.get("source") else ""),
        remedy=drift_remedy(container, subject))


def _lost(host: str, container: Facts, subject: ContainerKey, wanted: Decision, lost: list[Difference]) -> Finding:
    return settings_finding(
        "limit-not-persistent", settings_severity(container, wanted, "medium"), host, container, subject,
        summary="; ".join(each.text for each in lost),
        detail="The kernel enforces it until the container starts the next time: %s does not have it." % (
            "its unit" if is_set_by_unit(container) else "Podman's record"),
        remedy=persist_remedy(host, container, subject, {each.setting for each in lost}),
        evidence={"settings": [each.setting for each in lost]})
