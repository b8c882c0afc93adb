# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Rules on a host as a whole: cgroup-v1, host-overcommitted.

Pure.
"""

from __future__ import annotations

from typing import Any

from .._model.container_facts import current_limit, declared_settings, effective_settings, is_running
from .._model.finding import Facts, Finding, make_finding
from .._policy.policy import Policy
from .._text import human_size, plural
from .remedy import CGROUP_V2_REMEDY


def host_findings(host: str, facts: Facts, policy: Policy) -> list[Finding]:
    """Return the findings of these rules on one host."""
    found = _cgroup_v1(host, facts) if policy.require_cgroup_v2 else []
    return found + _overcommitted(host, facts, policy.max_committed_share)


def _cgroup_v1(host: str, facts: Facts) -> list[Finding]:
    """The finding for a host that still runs cgroup v1 (none where there is no Podman)."""
    about = facts.get("host") or {}
    if about.get("cgroup_version") != 1:
        return []
    return [make_finding(
        "cgroup-v1", "medium", host, summary="cgroup v1: memory.oom.group and memory pressure do not exist",
        detail="An OOM kill takes single processes only, rootless containers have no limits at all, and "
               "systemd 258 and Podman 6 no longer run on it.",
        remedy=CGROUP_V2_REMEDY,
        evidence={"scope": "host", "kernel": about.get("kernel"), "containers": len(facts.get("containers") or [])})]


def _overcommitted(host: str, facts: Facts, most: float | None) -> list[Finding]:
    total = (facts.get("host") or {}).get("memory_total")
    if most is None or not isinstance(total, int) or not total:
        return []
    running = [each for each in facts.get("containers") or [] if is_running(each)]
    committed = _committed(running)
    if committed <= most * total:
        return []
    without = sum(current_limit(each).value is None for each in running)
    return [make_finding(
        "host-overcommitted", "medium", host,
        summary="limits of %s together are %s, %.0f %% of the host's %s (at most %.0f %%)" % (
            plural(len(running), "running container"), human_size(committed), 100 * committed / total, human_size(total), 100 * most),
        detail="When all of them use what they may, the host runs out of memory and the kernel picks who dies.%s" % (
            " %s more without a known limit." % plural(without, "container") if without else ""),
        remedy="# lower limits where they are far above the use, or move containers to another host\n"
               "podman stats --no-stream --all",
        evidence={"scope": "host", "committed": committed, "memory_total": total, "max_committed_share": most,
                  "containers": len(running), "without_limit": without})]


def _committed(running: list[Facts]) -> int:
    """The sum of all limits; one of a pod, slice or service counts once for all that share it."""
    limits: dict[Any, int] = {}
    for container in running:
        enforced = effective_settings(container) or {}
        value = enforced.get("limit")
        # what could not be read was declared at least
        value = value if value is not None else declared_settings(container).get("limit")
        if value is not None:
            limits[enforced.get("source") or container["id"]] = value
    return sum(limits.values())
