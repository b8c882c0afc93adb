# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules on a host as a whole: cgroup-v1, host-overcommitted. Pure."""

from __future__ import annotations

from typing import Any

from .._model.container_facts import Facts, current_limit, declared_settings, effective_settings, is_running
from .._model.finding import Finding, make_finding
from .._policy.policy import Policy
from .._text import human_size, plural
from .remedy import cgroup_v2_remedy


def host_findings(host: str, facts: Facts, policy: Policy) -> list[Finding]:
    """Return the findings of these rules on one host."""
    findings = _cgroup_v1(host, facts) if policy.require_cgroup_v2 else []
    return findings + _overcommitted(host, facts, policy.max_committed_share)


def _cgroup_v1(host: str, facts: Facts) -> list[Finding]:
    """The finding for a host that still runs cgroup v1 (none where there is no Podman)."""
    host_facts = facts.get("host") or {}
    if host_facts.get("cgroup_version") != 1:
        return []
    return [make_finding(
        "cgroup-v1", host, summary="cgroup v1: memory.oom.group and memory pressure do not exist",
        detail="An OOM kill takes single processes only, rootless containers have no limits at all, and "
               "systemd 258 and Podman 6 no longer run on it.",
        remedy=cgroup_v2_remedy(host),
        evidence={"scope": "host", "kernel": host_facts.get("kernel"), "containers": len(facts.get("containers") or [])})]


def _overcommitted(host: str, facts: Facts, max_share: float | None) -> list[Finding]:
    total = (facts.get("host") or {}).get("memory_total")
    if max_share is None or not isinstance(total, int) or not total:
        return []
    running = [container for container in facts.get("containers") or [] if is_running(container)]
    committed = _sum_of_limits(running)
    if committed <= max_share * total:
        return []
    without = sum(current_limit(container).value is None for container in running)
    return [make_finding(
        "host-overcommitted", host,
        summary="limits of %s together are %s, %.0f %% of the host's %s (at most %.0f %%)" % (
            plural(len(running), "running container"), human_size(committed), 100 * committed / total, human_size(total),
            100 * max_share),
        detail="When all of them use what they may, the host runs out of memory and the kernel picks who dies.%s" % (
            " %s more without a known limit." % plural(without, "container") if without else ""),
        remedy="# lower limits where they are far above the use, or move containers to another host\n"
               "podman stats --no-stream --all",
        evidence={"scope": "host", "committed": committed, "memory_total": total, "max_committed_share": max_share,
                  "containers": len(running), "without_limit": without})]


def _sum_of_limits(running: list[Facts]) -> int:
    """In bytes; a limit of a pod, slice or service counts once for all that share it."""
    limits: dict[Any, int] = {}
    for container in running:
        effective = effective_settings(container) or {}
        limit = effective.get("limit")
        if limit is None and container["user"] == "root":  # other users may declare anything that nobody enforces
            limit = declared_settings(container).get("limit")
        if limit is not None:
            limits[effective.get("source") or (container["user"], container["id"])] = limit
    return sum(limits.values())
