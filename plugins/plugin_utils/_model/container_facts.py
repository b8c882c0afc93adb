# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""What holds for one container: the limits the kernel enforces, or those its next start will have.

Pure. "Unknown" and "none" are different answers here, and are never mixed.
"""

from __future__ import annotations

from typing import NamedTuple

from .finding import Facts

_ALIVE = ("running", "paused", "stopping")

# The kernel rounds limits down to whole pages: 4 KiB mostly, 64 KiB on some arm64 and ppc64le
# kernels (RHEL 8). No difference as small as that is a decision of anybody.
ROUNDING = 64 * 1024


class Setting(NamedTuple):
    """A setting and whether it is known at all; value None: known to be unset."""

    known: bool
    value: int | bool | None


UNKNOWN = Setting(False, None)


def is_running(container: Facts) -> bool:
    """Whether the container has processes now."""
    return (container.get("state") or {}).get("status") in _ALIVE


def declared_settings(container: Facts) -> Facts:
    """Return what inspect says; each value bytes or None for none."""
    return (container.get("memory") or {}).get("declared") or {}


def next_start_settings(container: Facts) -> Facts:
    """Return what the next start will have: of its unit where one makes it anew, else of Podman's record."""
    return (container.get("memory") or {}).get("next_start") or declared_settings(container)


def is_set_by_unit(container: Facts) -> bool:
    """Whether it is the container's unit that says what the next start will have."""
    return bool((container.get("memory") or {}).get("next_start"))


def effective_settings(container: Facts) -> Facts | None:
    """Return what the kernel enforces; None when it does not run or could not be read."""
    return (container.get("memory") or {}).get("effective") or None


def current_limit(container: Facts) -> Setting:
    """Return the memory limit that holds for the container."""
    if not is_running(container):
        return Setting(True, next_start_settings(container).get("limit"))
    enforced = effective_settings(container)
    return UNKNOWN if enforced is None else Setting(True, enforced.get("limit"))


def current_oom_group(container: Facts) -> Setting:
    """Return whether an OOM kill takes all of the container.

    A container that does not run and declares nothing starts with the kernel's default, which is
    off (Documentation/admin-guide/cgroup-v2.rst, memory.oom.group).
    """
    if not is_running(container):
        return Setting(True, bool(next_start_settings(container).get("oom_group")))
    enforced = effective_settings(container)
    if enforced is None or enforced.get("oom_group") is None:
        return UNKNOWN
    return Setting(True, enforced["oom_group"])


def has_own_limit(container: Facts) -> bool:
    """Whether the effective limit is that of the container's own cgroup, not of a pod or slice above.

    The cgroup's path holds the container's id in every layout of Podman: libpod-ID.scope (systemd),
    libpod-ID (cgroupfs), libpod-payload-ID (--cgroups=split).
    """
    enforced = effective_settings(container) or {}
    return container["id"] in (enforced.get("source") or "")


def limits_differ(one: int | None, other: int | None) -> bool:
    """Whether two limits are different ones; None is no limit."""
    if one is None or other is None:
        return one is not other
    return abs(one - other) >= ROUNDING


def violated_bound(value: int | None, low: int | None, high: int | None) -> str | None:
    """Return which bound a limit is beyond ("min" or "max"), None when it is in bounds or no limit."""
    if value is None:
        return None
    for key, bound in (("min", low), ("max", high)):
        is_out = bound is not None and (value < bound if key == "min" else value > bound)
        if is_out and limits_differ(value, bound):
            return key
    return None
