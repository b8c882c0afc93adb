# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""What the kernel enforces on a container: the limits of all cgroups above its processes.

Pure: takes the limits of each cgroup, gives the ones that win.
"""


def effective_limits(lineage, own, version):
    """Return {limit, swap_limit, high, oom_group, source}; bytes, None for none.

    :param lineage: [(path, limits)] from the container's leaf up; limits as
        _cgroupfs.CgroupFiles.limits() gives them.
    :param own: path of the container's topmost own cgroup, None when it has none.
    :param version: 1 or 2.

    The lowest limit on the way up wins, since each of them is enforced; `source` is the cgroup
    that has it. swap_limit is memory and swap together, as Podman's --memory-swap. oom_group
    counts only in the container's own cgroups: in those above it takes the neighbours along.
    """
    limit, source = _lowest(lineage, "limit")
    swap, _source = _lowest(lineage, "swap")
    if version == 2 and swap is not None:
        swap = None if limit is None else limit + swap
    groups = [limits["oom_group"] for path, limits in lineage
              if own and (path == own or path.startswith(own + "/")) and limits["oom_group"] is not None]
    return {
        "limit": limit,
        "swap_limit": swap,
        "high": _lowest(lineage, "high")[0],
        "oom_group": any(groups) if groups else None,
        "source": source,
    }


def _lowest(lineage, key):
    """Return (value, path) of the lowest value; of equal ones the container's own is named."""
    found = [(limits[key], depth, path) for depth, (path, limits) in enumerate(lineage) if limits[key] is not None]
    if not found:
        return None, None
    value, _depth, path = min(found)
    return value, path
