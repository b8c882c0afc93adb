# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Rules on what a container has: memory-limit-missing, oom-group-mismatch, limit-drift.

Pure. Whether a limit is in bounds: _rule_bounds.py. What could not be read is no mismatch: that is
evidence-missing (_rule_evidence.py).
"""

from __future__ import annotations

from typing import Any

from ansible_collections.podman_fleet.memory.plugins.plugin_utils import _limits, _remedy
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._finding import Facts, Finding, make, rank
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy import Decision
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._subject import Subject
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._text import shown, size


def findings(host: str, host_facts: Facts, container: Facts, subject: Subject, wanted: Decision) -> list[Finding]:
    """Return the findings of these rules on one container."""
    found = [
        _missing(host, container, subject, wanted),
        _group(host, host_facts, container, subject, wanted),
        _drift(host, host_facts, container, subject),
    ]
    return [each for each in found if each]


def about(rule: str, severity: str, host: str, container: Facts, subject: Subject, **parts: Any) -> Finding:
    """Return a finding on a container's settings, with the evidence that all of them have."""
    evidence = {
        "running": _limits.running(container),
        "container_id": container["id"],
        "declared": _limits.declared(container),
        "effective": _limits.effective(container),
    }
    evidence.update(parts.pop("evidence", {}))
    return make(rule, severity, host, user=subject.user, subject=subject.key, container=subject.name,
                unit=subject.unit, evidence=evidence, **parts)


def severity(container: Facts, wanted: Decision, usual: str) -> str:
    """Return the policy's severity, or else the rule's usual one; at most low for what does not run.

    It endangers nothing until it is started.
    """
    running = wanted.severity or usual
    return running if _limits.running(container) or rank(running) > rank("low") else "low"


def _missing(host: str, container: Facts, subject: Subject, wanted: Decision) -> Finding | None:
    held = _limits.limit(container)
    if not wanted.required or not held.known or held.value is not None:
        return None
    declared = _limits.declared(container).get("limit")
    if declared is not None:
        return None  # declared, and not enforced: that is drift
    usage = (container.get("memory") or {}).get("usage") or {}
    now = ", uses %s now" % size(usage["current"]) if isinstance(usage.get("current"), int) else ""
    return about(
        "memory-limit-missing", severity(container, wanted, "high"), host, container, subject,
        summary="no memory limit%s" % now,
        detail="Nothing between this container and all of the host's memory: a leak in it ends in an OOM kill "
               "of whatever the kernel picks, not of this container.",
        remedy=_remedy.set_limit(container, subject, wanted),
        evidence={"usage": usage, "wanted_by": wanted.decided["required"]})


def _group(host: str, host_facts: Facts, container: Facts, subject: Subject, wanted: Decision) -> Finding | None:
    held = _limits.oom_group(container)
    # cgroup v1 has no memory.oom.group; the host's finding cgroup-v1 says so once
    if wanted.oom_group is None or not held.known or host_facts.get("cgroup_version") == 1:
        return None
    if held.value is wanted.oom_group:
        return None
    state = "off" if wanted.oom_group else "on"
    return about(
        "oom-group-mismatch", severity(container, wanted, "medium"), host, container, subject,
        summary="memory.oom.group is %s" % state,
        detail="An OOM kill takes one process and leaves the rest of the container running, half dead."
               if wanted.oom_group else
               "An OOM kill takes the whole container, where one process should be lost only.",
        remedy=_remedy.set_group(container, subject, wanted.oom_group),
        evidence={"wanted": wanted.oom_group, "wanted_by": wanted.decided["oom_group"]})


def _drift(host: str, host_facts: Facts, container: Facts, subject: Subject) -> Finding | None:
    enforced = _limits.effective(container)
    if not _limits.running(container) or enforced is None:
        return None
    differences = limit_drift(container, enforced)
    if not differences:  # the sum of memory and swap drifts with the memory: said once
        differences = _swap_drift(host_facts, container, enforced)
    if not differences:
        return None
    unprotected = enforced.get("limit") is None
    return about(
        "limit-drift", "high" if unprotected else "medium", host, container, subject,
        summary="; ".join(differences),
        detail="What Podman's record says and what the kernel enforces are not the same"
               + (" (cgroup %s)." % shown(enforced["source"]) if enforced.get("source") else ".")
               + " The record wins at the next start.",
        remedy=_remedy.drift(container, subject))


def limit_drift(container: Facts, enforced: Facts) -> list[str]:
    """Return how the limit that the kernel enforces differs from the one on record, as sentences; [] for not at all."""
    said, real = _limits.declared(container).get("limit"), enforced.get("limit")
    if not _limits.differ(said, real):
        return []
    if said is None:
        # a limit of the pod, slice or service above is no limit of this container
        return ["no limit declared, %s enforced" % size(real)] if _limits.own(container) else []
    if real is None:
        return ["%s declared, no limit enforced" % size(said)]
    if real < said and not _limits.own(container):
        return []
    return ["%s declared, %s enforced" % (size(said), size(real))]


def _swap_drift(host_facts: Facts, container: Facts, enforced: Facts) -> list[str]:
    """Memory and swap together. Only more than declared is drift: less can come from any cgroup above."""
    said, real = _limits.declared(container).get("swap_limit"), enforced.get("swap_limit")
    if said is None or not host_facts.get("swap_total") or not _limits.own(container):
        return []
    if real is None and host_facts.get("cgroup_version") == 1:
        return []  # swapaccount=0: the kernel has no such limit to read
    if not _limits.differ(said, real) or (real is not None and real < said):
        return []
    return ["%s memory+swap declared, %s enforced" % (size(said), "no limit" if real is None else size(real))]
