# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel enforces on a running container, and what it will after a change.

Pure. Sizes are bytes, None for none. The kernel counts whole pages, and on cgroup v2 swap without the memory.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from .._cgroup.effective import effective_limits
from .._podman.run_options import MemorySettings
from .._system.sizes import format_size


class Enforced(NamedTuple):
    """The limits of a running container's cgroups."""

    cgroup_version: int
    lineage: List[Tuple[str, Dict[str, Any]]]  # (path, CgroupFiles.limits() of it) from the leaf up
    own: Optional[str]  # path of its topmost own cgroup
    low: int  # memory.low of the leaf
    counts_swap: bool  # its swap can be limited
    working_set: Optional[int]  # None when it can't be read


def effective_memory(enforced: Optional[Enforced]) -> Optional[Dict[str, Any]]:
    """Return the result's `effective`, None for a container that does not run."""
    if enforced is None:
        return None
    limits = effective_limits(enforced.lineage, enforced.own, enforced.cgroup_version)
    return {key: limits[key] for key in ("limit", "swap_limit", "high", "oom_group")}


def own_limits(enforced: Enforced) -> Dict[str, Any]:
    """Return {limit, swap, oom_group} of the container's own cgroups, without those above; swap as the kernel counts it."""
    own = [limits for path, limits in enforced.lineage if _is_own(enforced, path)]
    lowest = {key: min((limits[key] for limits in own if limits[key] is not None), default=None) for key in ("limit", "swap")}
    return dict(lowest, oom_group=any(limits["oom_group"] for limits in own))


def enforced_settings(enforced: Enforced) -> MemorySettings:
    """Return the settings that the container's own cgroups enforce."""
    own = own_limits(enforced)
    swap_limit = own["swap"]
    if swap_limit is not None and enforced.cgroup_version == 2:
        swap_limit = None if own["limit"] is None else own["limit"] + swap_limit
    return {"limit": own["limit"], "swap_limit": swap_limit, "reservation": enforced.low or None, "oom_group": own["oom_group"]}


def describe_own_limits(enforced: Enforced) -> str:
    """Return the limits of the container's own cgroups for a message."""
    own = own_limits(enforced)
    return "limit %s, swap %s, oom_group %s" % (format_size(own["limit"]), format_size(own["swap"]), own["oom_group"])


def is_enforced(enforced: Enforced, target: MemorySettings, page_size: int) -> bool:
    """Whether the container's own cgroups enforce all settings of the target."""
    own = own_limits(enforced)
    expected = _kernel_values(target, enforced.cgroup_version, page_size)
    if "limit" in target and own["limit"] != expected["limit"]:
        return False
    if "swap_limit" in target and enforced.counts_swap and own["swap"] != expected["swap"]:
        return False
    if "reservation" in target and enforced.cgroup_version == 2 and (enforced.low or 0) != expected["low"]:
        return False
    return "oom_group" not in target or own["oom_group"] is target["oom_group"]


def after_change(enforced: Enforced, target: MemorySettings, page_size: int, leaf_only: bool) -> Enforced:
    """Return what is enforced once the target has been set on the container's own cgroups, or on its leaf only."""
    expected = _kernel_values(target, enforced.cgroup_version, page_size)
    lineage = []
    for depth, (path, limits) in enumerate(enforced.lineage):
        if _is_own(enforced, path) and (depth == 0 or not leaf_only):
            limits = dict(limits)
            if "limit" in target:
                limits["limit"] = expected["limit"]
            if "swap_limit" in target and enforced.counts_swap:
                limits["swap"] = expected["swap"]
            if "oom_group" in target:
                limits["oom_group"] = target["oom_group"]
        lineage.append((path, limits))
    low = expected["low"] if "reservation" in target else enforced.low
    return enforced._replace(lineage=lineage, low=low or 0)


def _is_own(enforced: Enforced, path: str) -> bool:
    return enforced.own is not None and (path == enforced.own or path.startswith(enforced.own + "/"))


def _kernel_values(target: MemorySettings, cgroup_version: int, page_size: int) -> Dict[str, Optional[int]]:
    """Return {limit, swap, low} as the kernel will show them: rounded down to whole pages."""
    limit, swap = target.get("limit"), target.get("swap_limit")
    if swap is not None and cgroup_version == 2:
        swap = None if limit is None else swap - limit
    sizes = {"limit": limit, "swap": swap, "low": target.get("reservation") or 0}
    return {key: None if size is None else size - size % page_size for key, size in sizes.items()}
