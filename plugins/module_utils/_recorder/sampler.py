# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The running containers of all users, found in the cgroup tree: without Podman, without a process for any of them.

Knows where Podman puts containers; reads their files through CgroupFiles.
"""

import json
import os
import re
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from .._cgroup.cgroupfs import CgroupFiles
from .._cgroup.effective import effective_limits
from .._cgroup.paths import cgroup_lineage, find_container_id, owner_uid
from .._logs.records import storable_text
from .._system.users import find_users, read_untrusted_file
from .record import ContainerNames


class Sample(NamedTuple):
    """What one container uses now."""

    ident: str  # 64 hex digits
    uid: int  # of the owner
    unit: Optional[str]  # the service that it runs inside (quadlet)
    limits: Dict[str, Any]  # as effective_limits() returns them
    usage: Dict[str, Any]  # as CgroupFiles.usage()
    events: Optional[Dict[str, Any]]  # as CgroupFiles.events()


# crun creates this cgroup inside the container's own, and sets limits on it, on its parent or on both.
_LEAF = "/container"
_STORAGE_FILES = ("containers.json", "volatile-containers.json")
# 600 bytes for each container
_MAX_STORAGE_FILE = 4 * 1024 * 1024
# Users can create cgroups of any name in their own part of the tree.
_MAX_CONTAINERS = 5000


def sample_containers(files: CgroupFiles) -> List[Sample]:
    """Return the samples of all running containers that have a cgroup of their own, 5,000 at most."""
    samples: List[Sample] = []
    if files.hierarchy.problem:
        return samples
    for path, ident in _container_cgroups(files.hierarchy.memory_root):
        usage = files.usage(path)
        if usage["current"] is None:  # ended in between
            continue
        leaf = path + _LEAF if os.path.isdir(files.hierarchy.memory_root + path + _LEAF) else path
        lineage = [(cgroup, files.limits(cgroup)) for cgroup in cgroup_lineage(leaf)]
        samples.append(Sample(
            ident=ident, uid=owner_uid(path), unit=find_service(path),
            limits=effective_limits(lineage, path, files.hierarchy.version), usage=usage, events=files.events(path)))
    return samples


def _container_cgroups(root: str) -> Iterator[Tuple[str, str]]:
    """Yield (path, id) of every container's own cgroup. A cgroup without children need not be listed: it has two links."""
    waiting, left = [""], _MAX_CONTAINERS
    while waiting:
        folder = waiting.pop()
        try:
            names = [entry.name for entry in os.scandir(root + folder) if entry.is_dir(follow_symlinks=False)]
        except OSError:  # gone in between
            continue
        for name in names:
            path = folder + "/" + name
            ident = find_container_id(name)
            if ident:
                yield path, ident
                left -= 1
                if not left:
                    return
            elif _has_children(root + path):
                waiting.append(path)


def _has_children(path: str) -> bool:
    try:
        return os.stat(path).st_nlink != 2  # 1: a file system that does not count them
    except OSError:
        return False


def find_service(path: str) -> Optional[str]:
    """Return the service that a container with this cgroup of its own runs inside (--cgroups=split), or None."""
    match = re.search(r"/([^/]+\.service)/libpod-payload-", path)
    return match.group(1) if match else None


def read_stored_names() -> Dict[Tuple[str, int], ContainerNames]:
    """Return the names of all containers in the storages of root and the rootless users, by id and uid.

    For those whose events are not in the journal; Podman is not run. The files are the users' own and may contain
    anything.
    """
    users, _problems = find_users(["all"])
    stored = {}
    for user in users:
        for container in _read_storage(user.storage):
            metadata = _parse_json(container.get("metadata"))
            metadata = metadata if isinstance(metadata, dict) else {}
            names = container.get("names")
            name = names[0] if isinstance(names, list) and names else metadata.get("name")
            if isinstance(container.get("id"), str):
                stored[(container["id"], user.identity.uid)] = ContainerNames(
                    storable_text(name), storable_text(metadata.get("image-name")), None)
    return stored


def _read_storage(storage: Optional[str]) -> List[Dict[str, Any]]:
    """The dicts in a container storage's lists of containers (containers/storage, containers.go)."""
    if not storage or not os.path.isdir(storage):
        return []
    containers: List[Dict[str, Any]] = []
    for folder in sorted(name for name in os.listdir(storage) if name.endswith("-containers")):
        for name in _STORAGE_FILES:
            content = _parse_json(read_untrusted_file(os.path.join(storage, folder, name), _MAX_STORAGE_FILE))
            containers += [item for item in content if isinstance(item, dict)] if isinstance(content, list) else []
    return containers


def _parse_json(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
