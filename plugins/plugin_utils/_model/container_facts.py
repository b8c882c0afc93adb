# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How to read a container in the facts: the settings that the kernel enforces, and those that its next start will have.

Pure. "Unknown" and "not set" are different answers here, and are never mixed up.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Facts = dict[str, Any]  # of oom_facts: all of a host, its `host`, or an element of `containers` or `removed`

_RUNNING = ("running", "paused", "stopping")

# The kernel rounds limits down to whole pages: 4 KiB mostly, 64 KiB on some arm64 and ppc64le
# kernels (RHEL 8). No difference as small as that was decided by anybody.
ROUNDING = 64 * 1024

# What catatonit and pause use, the programs of infra containers, is 0.2 MiB (recorded: Podman 4.3 to 5.8); pages of 64 KiB make it more.
_IDLE = 8 * 1024 * 1024


class Setting(NamedTuple):
    """A memory limit or memory.oom.group, and whether it is known at all."""

    known: bool
    value: int | None  # bytes, or whether it is on; None: not set, where it is known


UNKNOWN = Setting(False, None)


def is_running(container: Facts) -> bool:
    """Whether the container has processes now."""
    return (container.get("state") or {}).get("status") in _RUNNING


def can_be_looked_at(container: Facts) -> bool:
    """Whether the kernel can tell its settings: not of one in a crash loop that was never alive when its cgroup was looked at."""
    return is_running(container) and not (container.get("state") or {}).get("ended_meanwhile")


def missing_limits(host_facts: Facts, container: Facts) -> str | None:
    """Return why nothing on this host can limit a container: no_controller, cgroup_v1 (for rootless ones); None: it can be limited."""
    controllers = host_facts.get("controllers")
    if controllers is not None and "memory" not in controllers:
        return "no_controller"
    if host_facts.get("cgroup_version") == 1 and container.get("user") != "root":
        return "cgroup_v1"
    return None


def is_infra(container: Facts) -> bool:
    """Whether the container is the infra container of a pod, or the service container of kube play, as far as there is evidence.

    That Podman says so (`is_infra`) is the word of the container's owner, and may be true of one that runs anything
    (podman-pod-create(1): --infra-image, --infra-command). So it also has to be in a pod or of kube play, and to use next to
    nothing if it runs.
    """
    if not container.get("is_infra") or not (container.get("pod") or (container.get("manager") or {}).get("kind") == "kube"):
        return False
    used = memory_usage(container).get("working_set")
    return not is_running(container) or (isinstance(used, int) and used <= _IDLE)


def declared_settings(container: Facts) -> Facts:
    """Return {limit, swap_limit, reservation, oom_group} of Podman's record; in bytes, None where it has none."""
    return (container.get("memory") or {}).get("declared") or {}


def next_start_settings(container: Facts) -> Facts:
    """Return what the next start will have: of the unit that recreates the container, else of Podman's record."""
    return (container.get("memory") or {}).get("next_start") or declared_settings(container)


def next_start_problem(container: Facts) -> str | None:
    """Return why it can't be told what the unit that recreates the container gives it (a variable), None where it can."""
    return (container.get("memory") or {}).get("next_start_problem") or None


def is_set_by_unit(container: Facts) -> bool:
    """Whether its unit, not Podman's record, says what the next start will have."""
    return bool((container.get("memory") or {}).get("next_start"))


def effective_settings(container: Facts) -> Facts | None:
    """Return {limit, swap_limit, high, oom_group, source} that the kernel enforces; None when it does not run or is unknown."""
    return (container.get("memory") or {}).get("effective") or None


def memory_usage(container: Facts) -> Facts:
    """Return what the container uses, {} where that is not known."""
    return (container.get("memory") or {}).get("usage") or {}


def current_limit(container: Facts) -> Setting:
    """Return the memory limit: of a running container the enforced one, else that of its next start."""
    if not can_be_looked_at(container):
        return _next_start(container, "limit")
    effective = effective_settings(container)
    return UNKNOWN if effective is None else Setting(True, effective.get("limit"))


def current_oom_group(container: Facts) -> Setting:
    """Return whether an OOM kill takes all of the container.

    A container that does not run and declares nothing starts with the kernel's default, which is
    off (Documentation/admin-guide/cgroup-v2.rst, memory.oom.group).
    """
    if not can_be_looked_at(container):
        setting = _next_start(container, "oom_group")
        return setting._replace(value=bool(setting.value)) if setting.known else UNKNOWN
    effective = effective_settings(container)
    if effective is None or effective.get("oom_group") is None:
        return UNKNOWN
    return Setting(True, effective["oom_group"])


def _next_start(container: Facts, setting: str) -> Setting:
    return UNKNOWN if next_start_problem(container) else Setting(True, next_start_settings(container).get(setting))


def has_own_limit(container: Facts) -> bool:
    """Whether the effective limit is that of the container's own cgroup, not of a pod or slice above.

    The cgroup's path has the container's id in every layout of Podman: libpod-ID.scope (systemd),
    libpod-ID (cgroupfs), libpod-payload-ID (--cgroups=split).
    """
    effective = effective_settings(container) or {}
    return container["id"] in (effective.get("source") or "")


def limits_differ(one: int | None, other: int | None) -> bool:
    """Whether two limits in bytes are different ones; None is no limit."""
    if one is None or other is None:
        return one is not other
    return abs(one - other) >= ROUNDING


def violated_bound(limit: int | None, low: int | None, high: int | None) -> str | None:
    """Return which bound a limit is beyond ("min" or "max"), None when it is in bounds or no limit."""
    if limit is None:
        return None
    if low is not None and limit < low and limits_differ(limit, low):
        return "min"
    if high is not None and limit > high and limits_differ(limit, high):
        return "max"
    return None


def container_errors(facts: Facts) -> list[Facts]:
    """Return those of a host's `errors` that are about one container: {user, container, container_id, message}.

    Something that was said of it was not valid, and is left out; or all of it is.
    """
    return [error for error in facts.get("errors") or [] if error.get("container")]
