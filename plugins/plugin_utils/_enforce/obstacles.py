# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""What enforcement can reach on a host: why a container's settings cannot be changed, or not be kept.

Pure. Versions: Podman's release notes (5.0: quadlet reads drop-ins; 5.1: an update is kept over restarts).
"""

from __future__ import annotations

from typing import NamedTuple

from ...module_utils._system.versions import parse_version
from .._model.container_facts import Facts, effective_settings, is_running, is_set_by_unit
from .._text import printable

UPDATE_PERSISTS = (5, 1)
QUADLET_HAS_DROP_INS = (5, 0)


class Obstacle(NamedTuple):
    """Why something is left as it is."""

    kind: str  # a word for programs
    reason: str  # and what people read


def podman_version(host: Facts) -> tuple[int, ...]:
    """Return the host's Podman as numbers, () when it is not known."""
    # of the report: anybody's text, or no text at all
    return parse_version(str((host.get("podman") or {}).get("version") or ""))[:2]


def container_obstacle(host: Facts, container: Facts) -> Obstacle | None:
    """Return why no setting of a container can be changed, None when it can."""
    if container.get("is_infra"):
        return Obstacle("infra", "the infra container of a pod")
    controllers = host.get("controllers")
    if controllers is not None and "memory" not in controllers:
        return Obstacle("no_controller", "the kernel has no memory controller")
    if host.get("cgroup_version") == 1 and container.get("user") != "root":
        return Obstacle("cgroup_v1", "nothing limits a rootless container on cgroup v1")
    if is_running(container):
        # without a cgroup of its own there is nothing that could be set (--cgroups=disabled)
        if effective_settings(container) and not (container.get("memory") or {}).get("usage"):
            return Obstacle("no_cgroup", "it runs without a cgroup of its own")
        return None
    obstacle = next_start_obstacle(host, container)
    return Obstacle("stopped", "it does not run; %s" % obstacle.reason) if obstacle else None


def next_start_obstacle(host: Facts, container: Facts) -> Obstacle | None:
    """Return why a container's next start cannot be given other settings, None when it can."""
    manager = container.get("manager") or {}
    kind, unit = manager.get("kind"), printable(manager.get("unit") or "its unit")
    if kind == "systemd":
        return Obstacle("not_kept", "%s makes it anew: its podman run has to be changed" % unit)
    if kind == "quadlet" and podman_version(host) < QUADLET_HAS_DROP_INS:
        return Obstacle("not_kept", "the quadlet of %s has to be changed, %s reads no drop-ins" % (unit, _podman(host)))
    if kind == "quadlet" and "@" in unit:
        return Obstacle("not_kept", "%s is an instance of a template: its quadlet has to be changed, for all of them" % unit)
    if not is_set_by_unit(container) and podman_version(host) < UPDATE_PERSISTS:
        return Obstacle("not_kept", "%s forgets it at the next start: it has to be made anew with it" % _podman(host))
    return None


def _podman(host: Facts) -> str:
    version = (host.get("podman") or {}).get("version")
    return "Podman %s" % printable(version, 40) if version else "a Podman of unknown version"
