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

from .._model import container_facts as _limits
from .._model.finding import Facts, Finding
from .._model.subject import Subject
from .._policy.policy import Decision
from .._text import human_size, printable
from . import remedy as _remedy
from .limits import about, severity


class Difference(NamedTuple):
    """One setting that the next start will have differently."""

    setting: str  # limit, swap_limit or oom_group
    text: str
    is_lost: bool  # limit-not-persistent; else limit-drift


def findings(host: str, host_facts: Facts, container: Facts, subject: Subject, wanted: Decision) -> list[Finding]:
    """Return at most one finding of each rule on one container."""
    different = differences(host_facts, container, wanted)
    lost = [each for each in different if each.is_lost]
    drifted = [each for each in different if not each.is_lost]
    found = [_drift(host, container, subject, drifted)] if drifted else []
    return found + ([_lost(host, container, subject, wanted, lost)] if lost else [])


def differences(host_facts: Facts, container: Facts, wanted: Decision) -> list[Difference]:
    """Return what differs; nothing for a container that does not run, or whose limits are not known."""
    enforced = _limits.effective(container)
    if not _limits.running(container) or enforced is None:
        return []
    found = [_limit(container, enforced, wanted)]
    if not found[0]:  # the sum of memory and swap drifts with the memory: said once
        found = [_swap(host_facts, container, enforced)]
    found.append(_group(container, enforced, wanted))
    return [each for each in found if each]


def _said(container: Facts) -> str:
    return "in its unit" if _limits.by_unit(container) else "declared"


def _limit(container: Facts, enforced: Facts, wanted: Decision) -> Difference | None:
    said, real, own = _limits.kept(container).get("limit"), enforced.get("limit"), _limits.own(container)
    if not _limits.differ(said, real):
        return None
    if said is None:
        # a limit of the pod, slice or service above is no limit of this container
        return Difference("limit", "no limit %s, %s enforced" % (_said(container), human_size(real)), True) if own else None
    if real is None:
        return Difference("limit", "%s %s, no limit enforced" % (human_size(said), _said(container)), False)
    if real < said and not own:
        return None
    is_lost = own and bool(_limits.beyond(said, *wanted.bounds)) and not _limits.beyond(real, *wanted.bounds)
    return Difference("limit", "%s %s, %s enforced" % (human_size(said), _said(container), human_size(real)), is_lost)


def _swap(host_facts: Facts, container: Facts, enforced: Facts) -> Difference | None:
    """Memory and swap together. Only more than declared is drift: less can come from any cgroup above."""
    said, real = _limits.kept(container).get("swap_limit"), enforced.get("swap_limit")
    if said is None or not host_facts.get("swap_total") or not _limits.own(container):
        return None
    if real is None and host_facts.get("cgroup_version") == 1:
        return None  # swapaccount=0: the kernel has no such limit to read
    if not _limits.differ(said, real) or (real is not None and real < said):
        return None
    return Difference("swap_limit", "%s memory+swap %s, %s enforced" % (
        human_size(said), _said(container), "no limit" if real is None else human_size(real)), False)


def _group(container: Facts, enforced: Facts, wanted: Decision) -> Difference | None:
    """Where it is not what the policy wants now, it is oom-group-mismatch already."""
    real, said = enforced.get("oom_group"), bool(_limits.kept(container).get("oom_group"))
    if real is None or real is said or not (real if wanted.oom_group is None else real is wanted.oom_group):
        return None
    return Difference("oom_group", "memory.oom.group %s now, %s at the next start" % (
        ("on", "off") if real else ("off", "on")), True)


def _drift(host: str, container: Facts, subject: Subject, drifted: list[Difference]) -> Finding:
    enforced = _limits.effective(container) or {}
    return about(
        "limit-drift", "high" if enforced.get("limit") is None else "medium", host, container, subject,
        summary="; ".join(each.text for each in drifted),
        detail="What %s says and what the kernel enforces are not the same%s. The record wins at the next start." % (
            "its unit" if _limits.by_unit(container) else "Podman's record",
            " (cgroup %s)" % printable(enforced["source"]) if enforced.get("source") else ""),
        remedy=_remedy.drift(container, subject))


def _lost(host: str, container: Facts, subject: Subject, wanted: Decision, lost: list[Difference]) -> Finding:
    return about(
        "limit-not-persistent", severity(container, wanted, "medium"), host, container, subject,
        summary="; ".join(each.text for each in lost),
        detail="The kernel enforces it until the container starts the next time: %s does not have it." % (
            "its unit" if _limits.by_unit(container) else "Podman's record"),
        remedy=_remedy.keep(host, container, subject, {each.setting for each in lost}),
        evidence={"settings": [each.setting for each in lost]})
