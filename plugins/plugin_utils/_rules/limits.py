# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Rules on what a container has: memory-limit-missing, oom-group-mismatch.

Pure. Whether a limit is in bounds: _rule_bounds.py; whether the next start has the same:
_rule_drift.py. What could not be read is no mismatch: that is evidence-missing (_rule_evidence.py).
"""

from __future__ import annotations

from typing import Any

from .._model.container_facts import (
    current_limit,
    current_oom_group,
    declared_settings,
    effective_settings,
    is_running,
    is_set_by_unit,
    next_start_settings,
)
from .._model.container_key import ContainerKey
from .._model.finding import Facts, Finding, make_finding, severity_rank
from .._policy.policy import Decision
from .._text import human_size
from .remedy import first_limit_remedy, oom_group_remedy


def limit_findings(host: str, host_facts: Facts, container: Facts, subject: ContainerKey, wanted: Decision) -> list[Finding]:
    """Return the findings of these rules on one container."""
    found = [
        _missing(host, container, subject, wanted),
        _group(host, host_facts, container, subject, wanted),
    ]
    return [each for each in found if each]


def settings_finding(rule: str, severity: str, host: str, container: Facts, subject: ContainerKey, **parts: Any) -> Finding:
    """Return a finding on a container's settings, with the evidence that all of them have."""
    evidence = {
        "running": is_running(container),
        "container_id": container["id"],
        "declared": declared_settings(container),
        "effective": effective_settings(container),
    }
    if is_set_by_unit(container):
        evidence["next_start"] = next_start_settings(container)
    evidence.update(parts.pop("evidence", {}))
    return make_finding(rule, severity, host, user=subject.user, subject=subject.key, container=subject.name,
                unit=subject.unit, evidence=evidence, **parts)


def settings_severity(container: Facts, wanted: Decision, usual: str) -> str:
    """Return the policy's severity, or else the rule's usual one; at most low for what does not run.

    It endangers nothing until it is started.
    """
    running = wanted.severity or usual
    return running if is_running(container) or severity_rank(running) > severity_rank("low") else "low"


def _missing(host: str, container: Facts, subject: ContainerKey, wanted: Decision) -> Finding | None:
    held = current_limit(container)
    if not wanted.required or not held.known or held.value is not None:
        return None
    if next_start_settings(container).get("limit") is not None:
        return None  # declared, and not enforced: that is drift
    usage = (container.get("memory") or {}).get("usage") or {}
    now = ", uses %s now" % human_size(usage["current"]) if isinstance(usage.get("current"), int) else ""
    return settings_finding(
        "memory-limit-missing", settings_severity(container, wanted, "high"), host, container, subject,
        summary="no memory limit%s" % now,
        detail="Nothing between this container and all of the host's memory: a leak in it ends in an OOM kill "
               "of whatever the kernel picks, not of this container.",
        remedy=first_limit_remedy(container, subject, wanted),
        evidence={"usage": usage, "wanted_by": wanted.decided_by["required"]})


def _group(host: str, host_facts: Facts, container: Facts, subject: ContainerKey, wanted: Decision) -> Finding | None:
    held = current_oom_group(container)
    # cgroup v1 has no memory.oom.group; the host's finding cgroup-v1 says so once
    if wanted.oom_group is None or not held.known or host_facts.get("cgroup_version") == 1:
        return None
    if held.value is wanted.oom_group:
        return None
    state = "off" if wanted.oom_group else "on"
    return settings_finding(
        "oom-group-mismatch", settings_severity(container, wanted, "medium"), host, container, subject,
        summary="memory.oom.group is %s" % state,
        detail="An OOM kill takes one process and leaves the rest of the container running, half dead."
               if wanted.oom_group else
               "An OOM kill takes the whole container, where one process should be lost only.",
        remedy=oom_group_remedy(host, container, subject, wanted.oom_group),
        evidence={"wanted": wanted.oom_group, "wanted_by": wanted.decided_by["oom_group"]})
