# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules on what a container has: memory-limit-missing, memory-limit-out-of-bounds, oom-group-mismatch.

Pure. Whether its next start has the same: drift.py. What could not be read is no mismatch: that is
evidence-missing (evidence.py).
"""

from __future__ import annotations

from typing import Any

from .._model.container_facts import (
    Facts,
    current_limit,
    current_oom_group,
    declared_settings,
    effective_settings,
    has_own_limit,
    is_running,
    is_set_by_unit,
    memory_usage,
    next_start_settings,
    violated_bound,
)
from .._model.container_key import ContainerKey
from .._model.finding import Finding, make_finding, severity_rank
from .._model.rules import RULES
from .._policy.policy import Decision
from .._text import human_size, printable
from .remedy import bound_remedy, first_limit_remedy, oom_group_remedy, podman_version, shared_limit_remedy


def limit_findings(host: str, host_facts: Facts, container: Facts, key: ContainerKey, decision: Decision) -> list[Finding]:
    """Return at most one finding of each of these rules on one container."""
    findings = [
        _limit_missing(host, host_facts, container, key, decision),
        _oom_group_mismatch(host, host_facts, container, key, decision),
        _out_of_bounds(host, host_facts, container, key, decision),
    ]
    return [finding for finding in findings if finding]


def settings_finding(rule_id: str, host: str, container: Facts, key: ContainerKey, *, decision: Decision | None = None,
                     severity: str | None = None, evidence: dict[str, Any] | None = None, **texts: str) -> Finding:
    """Return a finding on a container's settings, with the evidence that all of them have.

    :param decision: where the policy says how severe it is; then it is at most low for what does not run, since that
        endangers nothing until it is started.
    :param severity: where it is neither that nor the rule's usual one.
    :param texts: summary, detail and remedy.
    """
    common = {"running": is_running(container), "container_id": container["id"],
              "declared": declared_settings(container), "effective": effective_settings(container)}
    if decision:
        severity = decision.severity or RULES[rule_id].severity
        if not is_running(container) and severity_rank(severity) < severity_rank("low"):
            severity = "low"
    if is_set_by_unit(container):
        common["next_start"] = next_start_settings(container)
    return make_finding(rule_id, host, key, severity=severity, evidence={**common, **(evidence or {})}, **texts)


def _limit_missing(host: str, host_facts: Facts, container: Facts, key: ContainerKey, decision: Decision) -> Finding | None:
    limit = current_limit(container)
    if not decision.required or not limit.known or limit.value is not None:
        return None
    if next_start_settings(container).get("limit") is not None:
        return None  # declared, and not enforced: that is drift
    usage = memory_usage(container)
    uses = ", uses %s now" % human_size(usage["current"]) if isinstance(usage.get("current"), int) else ""
    return settings_finding(
        "memory-limit-missing", host, container, key, decision=decision, summary="no memory limit%s" % uses,
        detail="Nothing between this container and all of the host's memory: a leak in it ends in an OOM kill "
               "of whatever the kernel picks, not of this container.",
        remedy=first_limit_remedy(container, key, decision, podman_version(host_facts)),
        evidence={"usage": usage, "wanted_by": decision.decided_by["required"]})


def _oom_group_mismatch(host: str, host_facts: Facts, container: Facts, key: ContainerKey, decision: Decision) -> Finding | None:
    current = current_oom_group(container)
    # cgroup v1 has no memory.oom.group; the host's finding cgroup-v1 says so once
    if decision.oom_group is None or not current.known or host_facts.get("cgroup_version") == 1:
        return None
    if current.value is decision.oom_group:
        return None
    return settings_finding(
        "oom-group-mismatch", host, container, key, decision=decision,
        summary="memory.oom.group is %s" % ("off" if decision.oom_group else "on"),
        detail="An OOM kill takes one process and leaves the rest of the container running, half dead."
               if decision.oom_group else
               "An OOM kill takes the whole container, where only one process should be lost.",
        remedy=oom_group_remedy(host, container, key, decision.oom_group, podman_version(host_facts)),
        evidence={"wanted": decision.oom_group, "wanted_by": decision.decided_by["oom_group"]})


def _out_of_bounds(host: str, host_facts: Facts, container: Facts, key: ContainerKey, decision: Decision) -> Finding | None:
    limit = current_limit(container).value
    violated = violated_bound(limit, *decision.bounds)
    bound = decision.min if violated == "min" else decision.max
    if limit is None or violated is None or bound is None:
        return None
    effective = effective_settings(container) or {}
    source = effective.get("source")
    # the limit of a pod, slice or service is not the container's to change
    is_above = bool(effective) and not has_own_limit(container)
    return settings_finding(
        "memory-limit-out-of-bounds", host, container, key, decision=decision,
        summary="limit %s is %s of %s%s" % (
            human_size(limit), "below the minimum" if violated == "min" else "above the maximum", human_size(bound),
            " (%s)" % printable(source) if is_above and source else ""),
        detail="%s Decided by %s." % (
            "The application has less than the policy says it needs." if violated == "min" else
            "More than one container may take: the other containers of the host lack what it uses.",
            decision.decided_by[violated]),
        # below a shared limit that is too large, a limit of its own can be small enough
        remedy=shared_limit_remedy(source, key.user) if is_above and violated == "min" else bound_remedy(
            container, key, bound, podman_version(host_facts)),
        evidence={"limit": limit, "min": decision.min, "max": decision.max, "wanted_by": decision.decided_by[violated]})
