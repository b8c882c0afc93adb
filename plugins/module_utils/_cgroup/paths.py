# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the path of a cgroup says: which container, whose.

Pure. Paths are as the kernel writes them, from the root of the hierarchy.
The layouts are those of Podman 3 to 5 with the systemd and the cgroupfs manager, crun and
runc, root and rootless, quadlet (``--cgroups=split``), as seen on Debian 12, 13 and testing.
"""

import re
from typing import Container, List, Optional, Tuple

_ID = r"[0-9a-f]{64}"
_CONTAINER = re.compile(r"^(?:libpod-(?:payload-)?)(%s)(?:\.scope)?$" % _ID)
# Rootless with the cgroupfs manager: nothing but the id. Docker and others do the same.
_BARE = re.compile(r"^(%s)$" % _ID)
_USER = re.compile(r"^user-(\d+)\.slice$")


def find_container_id(path: str, known: Container[str] = ()) -> Optional[str]:
    """Return the id of the Podman container that the cgroup belongs to, or None.

    The cgroups of conmon and of a pod belong to no container.

    :param known: ids of containers; a part of the path that is nothing but an id counts only if it is one of
        these, because other engines name their cgroups like that too.
    """
    container_id = None
    for part in path.split("/"):
        match = _CONTAINER.match(part)
        if match:
            container_id = match.group(1)
        elif _BARE.match(part) and part in known:
            container_id = part
    return container_id


def own_cgroup(path: str, container_id: str) -> Optional[str]:
    """Return the topmost cgroup on the path that is the container's own, or None.

    Everything below it is the container's; its counters include those of all below it.
    """
    parts = path.split("/")
    for index, part in enumerate(parts):
        match = _CONTAINER.match(part) or _BARE.match(part)
        if match and match.group(1) == container_id:
            return "/".join(parts[:index + 1])
    return None


def owner_uid(path: str) -> int:
    """Return the uid of the user whose slice the cgroup is in; 0 outside of user slices."""
    for part in path.split("/"):
        match = _USER.match(part)
        if match:
            return int(match.group(1))
    return 0


def oomd_victim(cgroup: Optional[str], unit: Optional[str], uid: int, known: Container[str] = ()) -> Tuple[Optional[str], int]:
    """Return (container id, uid of its owner) of a kill by systemd-oomd; the id is None when it was no container.

    :param cgroup: that was killed, None when the record names a unit.
    :param unit: that was killed, None when the record names a cgroup; uid: whose manager it belongs to.
    :param known: see find_container_id().
    """
    return find_container_id(cgroup or unit or "", known), owner_uid(cgroup) if cgroup else uid


def cgroup_lineage(path: str) -> List[str]:
    """Return the paths from the cgroup up to the root, leaf first and without the root."""
    parts = [part for part in path.split("/") if part]
    return ["/" + "/".join(parts[:end]) for end in range(len(parts), 0, -1)]
