# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel enforces on a container, given the limits of all cgroups above its processes.

Pure: takes the limits of each cgroup, returns the ones that win.
"""

from typing import Any, Dict, List, Optional, Tuple

Lineage = List[Tuple[str, Dict[str, Any]]]  # [(path, limits as of CgroupFiles.limits())], the container's leaf first


def effective_limits(lineage: Lineage, own: Optional[str], version: int) -> Dict[str, Any]:
    """Return {limit, swap_limit, high, oom_group, oom_kill_disabled, source}; bytes, None for none.

    :param lineage: the container's leaf and all cgroups above it.
    :param own: path of the container's topmost own cgroup, None when it has none.
    :param version: of the hierarchy, 1 or 2.

    Each limit on the way up is enforced, so the lowest one wins; `source` is the cgroup that has it.
    swap_limit is memory and swap together, as Podman's --memory-swap. oom_group counts only in the
    container's own cgroups: in those above, it kills neighbours too.
    """
    limit, source = _lowest(lineage, "limit")
    swap, _source = _lowest(lineage, "swap")
    if version == 2 and swap is not None:
        swap = None if limit is None else limit + swap
    groups = [limits["oom_group"] for path, limits in lineage
              if own and (path == own or path.startswith(own + "/")) and limits["oom_group"] is not None]
    disabled = next((limits.get("oom_kill_disabled") for path, limits in lineage if path == source), None)
    return {"limit": limit, "swap_limit": swap, "high": _lowest(lineage, "high")[0],
            "oom_group": any(groups) if groups else None, "oom_kill_disabled": disabled, "source": source}


def _lowest(lineage: Lineage, key: str) -> Tuple[Optional[int], Optional[str]]:
    """Return (value, path) of the lowest value; of equal ones that of the lowest cgroup."""
    values = [(limits[key], depth, path) for depth, (path, limits) in enumerate(lineage) if limits[key] is not None]
    if not values:
        return None, None
    value, _depth, path = min(values)
    return value, path
