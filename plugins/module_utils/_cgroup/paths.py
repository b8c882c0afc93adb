# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""What the path of a cgroup says: which container, whose.

Pure. Paths are as the kernel writes them, from the root of the hierarchy.
The layouts are those of Podman 3 to 5 with the systemd and the cgroupfs manager, crun and
runc, root and rootless, quadlet (``--cgroups=split``), as seen on Debian 12, 13 and testing.
"""

import re

_ID = r"[0-9a-f]{64}"
_CONTAINER = re.compile(r"^(?:libpod-(?:payload-)?)(%s)(?:\.scope)?$" % _ID)
# Rootless with the cgroupfs manager: nothing but the id. Docker and others do the same.
_BARE = re.compile(r"^(%s)$" % _ID)
_USER = re.compile(r"^user-(\d+)\.slice$")


def find_container_id(path, known=()):
    """Return the id of the Podman container that the cgroup belongs to, or None.

    conmon's and a pod's cgroups are nobody's container.

    :param known: ids; a path part that is nothing but an id counts only if it is one of
        these, because other engines name their cgroups like that too.
    """
    found = None
    for part in path.split("/"):
        match = _CONTAINER.match(part)
        if match:
            found = match.group(1)
        elif _BARE.match(part) and part in known:
            found = part
    return found


def own_cgroup(path, ident):
    """Return the topmost cgroup on the path that is the container's own, or None.

    Below it everything is the container's; its counters hold those of all below it.
    """
    parts = path.split("/")
    for index, part in enumerate(parts):
        match = _CONTAINER.match(part) or _BARE.match(part)
        if match and match.group(1) == ident:
            return "/".join(parts[:index + 1])
    return None


def owner_uid(path):
    """Return the uid of the user whose slice the cgroup is in; 0 outside of user slices."""
    for part in path.split("/"):
        match = _USER.match(part)
        if match:
            return int(match.group(1))
    return 0


def oomd_victim(cgroup, unit, uid, known=()):
    """Return (id, uid of the owner) of the container whose own cgroup or unit a _records.OomdKill names; id: None for no container."""
    return find_container_id(cgroup or unit, known), owner_uid(cgroup) if cgroup else uid


def cgroup_lineage(path):
    """Return the paths from the cgroup up to (not with) the root: leaf first."""
    parts = [part for part in path.split("/") if part]
    return ["/" + "/".join(parts[:end]) for end in range(len(parts), 0, -1)]
