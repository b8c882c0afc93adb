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
_CONTAINER = re.compile(r"(?:libpod-(?:payload-)?)(%s)(?:\.scope)?\Z" % _ID)
# Rootless with the cgroupfs manager: nothing but the id. Docker and others do the same.
_BARE = re.compile(r"(%s)\Z" % _ID)
_SLICE = re.compile(r"/user\.slice/user-([0-9]{1,10})\.slice(?=/|\Z)")
_MANAGER = re.compile(r"/user\.slice/user-([0-9]{1,10})\.slice/user@\1\.service(?=/|\Z)")
_SERVICE = re.compile(r"/(?:[^/]+\.slice/)*([^/]+\.service)(?=/|\Z)")
# Containers of other engines and of systemd-nspawn: who is root in one chooses the names of cgroups below.
_OTHERS = re.compile(r"(?:lxc\.payload(?:\..*)?|lxc|machine-.*\.scope|systemd-nspawn@.*\.service|kubepods.*|docker|buildkit"
                     r"|(?!libpod-)[a-z0-9_-]+-[0-9a-f]{64}\.scope)\Z")  # docker-, crio-, cri-containerd-, nerdctl- …
_CRUNS = "/container"  # libcrun/cgroup-systemd.c: the default of run.oci.systemd.subgroup
# Where only root's Podman puts containers: the slice of the systemd manager, and the parent of the cgroupfs manager.
_ROOTS = re.compile(r"/(?:machine\.slice|libpod_parent)(?=/|\Z)")


def find_container_id(path: str, known: Container[str] = ()) -> Optional[str]:
    """Return the id of the Podman container that the cgroup belongs to, or None.

    The cgroups of conmon and of a pod belong to no container. What a container itself runs, whatever its cgroups are called,
    belongs to the container: the uppermost one counts.

    :param known: ids of containers; a part of the path that is nothing but an id counts only if it is one of
        these, because other engines name their cgroups like that too.
    """
    for part in path.split("/"):
        match = _CONTAINER.match(part)
        if match:
            return match.group(1)
        if _BARE.match(part) and part in known:
            return part
    return None


def is_inside_another(path: str) -> bool:
    """Whether the uppermost container of Podman's on a path is not at a place where this host's Podman puts one, but in a
    container of another engine: so that its name is that one's choice."""
    parts = path.strip("/").split("/")
    for index, part in enumerate(parts):
        if _CONTAINER.match(part):
            return delegated_uid(path) is None and _is_misplaced(part, parts[:index])
        if _OTHERS.match(part):
            return True
    return False


def _is_misplaced(part: str, above: List[str]) -> bool:
    """systemd puts a scope into slices alone, and the parent of the cgroupfs manager is right below the root."""
    if part.endswith(".scope"):
        return not all(name.endswith(".slice") for name in above)
    return "libpod_parent" in above[1:]


def own_cgroup(path: str, container_id: str) -> Optional[str]:
    """Return the topmost cgroup on the path that is the container's own, or None.

    Everything below it is the container's; its counters include those of all below it. What lies in another container is that
    one's: or else a user would have the same memory count for as many containers as the path has names.
    """
    parts = path.split("/")
    for index, part in enumerate(parts):
        match = _CONTAINER.match(part)
        if part == container_id or match and match.group(1) == container_id:
            return "/".join(parts[:index + 1])
        if match:
            return None
    return None


def own_cgroups(own: str) -> List[str]:
    """Return the cgroups that are the container's own, given the topmost: below the scope that systemd makes, crun makes another.

    What is below these is made by what runs in the container. The limit is on both, before crun 1.8.5 on the lower one alone.
    """
    return [own, own + _CRUNS] if own.endswith(".scope") else [own]


def nested_cgroup(path: str, container_id: str) -> Optional[str]:
    """Return the path itself when it lies below the container's own cgroups: what runs inside has made it. Else None."""
    own = own_cgroup(path, container_id)
    return None if own is None or path in own_cgroups(own) else path


def owner_uid(path: str) -> int:
    """Return the uid of the user whose slice the path begins with; 0 for any other path.

    What follows is not looked at: below a user's own part of the tree, names are that user's choice.
    """
    match = _SLICE.match(path)
    return int(match.group(1)) if match else 0


def delegated_uid(path: str) -> Optional[int]:
    """Return the uid of the user to whom systemd has given this part of the tree, None where only root creates cgroups.

    That is the user's service manager. The rest of a user's slice is root's: a session's scope may be one in which somebody has
    become root.
    """
    match = _MANAGER.match(path)
    return int(match.group(1)) if match else None


def system_service(path: str) -> Optional[str]:
    """Return the service of the system's manager that a path begins with, None for any other path.

    With User= its processes, and a rootless Podman in it, are that user's.
    """
    match = _SERVICE.match(path)
    return match.group(1) if match and not _SLICE.match(path) else None


def may_hold(path: Optional[str], uid: int) -> bool:
    """Whether a container of a user's may be in this cgroup or below it.

    :param path: may be the beginning of a path; None: any.
    """
    owner = delegated_uid(path) if path else None
    if owner is not None:
        return owner == uid
    return uid == 0 or not path or not _ROOTS.match(path)


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
