# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why the settings of a container cannot be changed, or not for its next start.

Pure. Versions: Podman's release notes (5.0: quadlet reads drop-ins; 5.1: an update persists over restarts).
"""

from __future__ import annotations

from typing import NamedTuple

from .._model.container_facts import (
    Facts,
    effective_settings,
    is_infra,
    is_running,
    is_set_by_unit,
    memory_usage,
    missing_limits,
    next_start_problem,
)
from .._rules.remedy import podman_version
from .._text import printable

UPDATE_PERSISTS = (5, 1)
_MISSING_LIMITS = {"no_controller": "the kernel has no memory controller",
                   "cgroup_v1": "nothing limits a rootless container on cgroup v1"}
QUADLET_READS_DROP_INS = (5, 0)


class Obstacle(NamedTuple):
    """Why something is skipped."""

    kind: str  # for programs
    reason: str  # for people


def container_obstacle(host_facts: Facts, container: Facts) -> Obstacle | None:
    """Return why no setting of a container can be changed, None when it can."""
    if is_infra(container):
        return Obstacle("infra", "the infra container of a pod")
    kind = missing_limits(host_facts, container)
    if kind:
        return Obstacle(kind, _MISSING_LIMITS[kind])
    problem = next_start_problem(container)
    if problem:
        return Obstacle("unknown", "it is not known what its unit gives it: %s" % printable(problem))
    if is_running(container):
        # without a cgroup of its own there is nothing that could be set (--cgroups=disabled)
        if effective_settings(container) and not memory_usage(container):
            return Obstacle("no_cgroup", "it runs without a cgroup of its own")
        return None
    obstacle = next_start_obstacle(host_facts, container)
    return Obstacle("stopped", "it is not running; %s" % obstacle.reason) if obstacle else None


def next_start_obstacle(host_facts: Facts, container: Facts) -> Obstacle | None:
    """Return why a container's next start cannot be given other settings, None when it can."""
    manager = container.get("manager") or {}
    kind, unit = manager.get("kind"), printable(manager.get("unit") or "its unit")
    if kind == "systemd":
        return Obstacle("not_kept", "%s recreates it: its podman run has to be changed" % unit)
    if kind == "quadlet" and podman_version(host_facts) < QUADLET_READS_DROP_INS:
        return Obstacle("not_kept", "the quadlet of %s has to be changed, %s reads no drop-ins" % (unit, _podman(host_facts)))
    if kind == "quadlet" and "@" in unit:
        return Obstacle("not_kept", "%s is an instance of a template: its quadlet has to be changed, for all of them" % unit)
    if not is_set_by_unit(container) and podman_version(host_facts) < UPDATE_PERSISTS:
        return Obstacle("not_kept", "%s forgets it at the next start: it has to be recreated with it" % _podman(host_facts))
    return None


def _podman(host_facts: Facts) -> str:
    version = (host_facts.get("podman") or {}).get("version")
    return "Podman %s" % printable(version, 40) if version else "a Podman of unknown version"
