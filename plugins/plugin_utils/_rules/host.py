# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Rules on a host as a whole: cgroup-v1, host-overcommitted.

Pure.
"""

from __future__ import annotations

from typing import Any

from .._model import container_facts as _limits
from .._model.finding import Facts, Finding, make
from .._policy.policy import Policy
from .._text import human_size, plural
from . import remedy as _remedy


def findings(host: str, facts: Facts, policy: Policy) -> list[Finding]:
    """Return the findings of these rules on one host."""
    found = _cgroup_v1(host, facts) if policy.require_cgroup_v2 else []
    return found + _overcommitted(host, facts, policy.max_committed_share)


def _cgroup_v1(host: str, facts: Facts) -> list[Finding]:
    """The finding for a host that still runs cgroup v1 (none where there is no Podman)."""
    about = facts.get("host") or {}
    if about.get("cgroup_version") != 1:
        return []
    return [make(
        "cgroup-v1", "medium", host, summary="cgroup v1: memory.oom.group and memory pressure do not exist",
        detail="An OOM kill takes single processes only, rootless containers have no limits at all, and "
               "systemd 258 and Podman 6 no longer run on it.",
        remedy=_remedy.TO_CGROUP_V2,
        evidence={"scope": "host", "kernel": about.get("kernel"), "containers": len(facts.get("containers") or [])})]


def _overcommitted(host: str, facts: Facts, most: float | None) -> list[Finding]:
    total = (facts.get("host") or {}).get("memory_total")
    if most is None or not isinstance(total, int) or not total:
        return []
    running = [each for each in facts.get("containers") or [] if _limits.running(each)]
    committed = _committed(running)
    if committed <= most * total:
        return []
    without = sum(_limits.limit(each).value is None for each in running)
    return [make(
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
        enforced = _limits.effective(container) or {}
        value = enforced.get("limit")
        # what could not be read was declared at least
        value = value if value is not None else _limits.declared(container).get("limit")
        if value is not None:
            limits[enforced.get("source") or container["id"]] = value
    return sum(limits.values())
