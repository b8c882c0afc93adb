# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.
"""The running containers of all users, found in the cgroup tree: no Podman, no process for any of them.

Knows where Podman puts containers; reads their files through _cgroupfs.
"""

import json
import os
import re
from collections import namedtuple

from .._cgroup.effective import effective_limits
from .._cgroup.paths import cgroup_lineage, find_container_id, owner_uid
from .._logs.records import storable_text
from .._system.users import find_users, read_untrusted_file

# ident: 64 hex digits; uid: of the owner; unit: the service that it runs inside (quadlet), or None;
# limits: as _effective.effective(); usage, events: as _cgroupfs.CgroupFiles gives them.
Sample = namedtuple("Sample", "ident uid unit limits usage events")

# crun makes this cgroup inside the container's own, and sets limits there or on both.
_LEAF = "/container"
_STORAGE_FILES = ("containers.json", "volatile-containers.json")
# 600 bytes for each container
_MAX_STORAGE_FILE = 4 * 1024 * 1024
# Users can make cgroups of any name in their own part of the tree.
_MOST = 5000


def sample_containers(files):
    """Return [Sample] of all running containers that have a cgroup of their own, 5,000 at most.

    :param files: _cgroupfs.CgroupFiles.
    """
    found = []
    if files.hierarchy.problem:
        return found
    for path, ident in _own_cgroups(files.hierarchy.memory_root):
        usage = files.usage(path)
        if usage["current"] is None:  # ended in between
            continue
        leaf = path + _LEAF if os.path.isdir(files.hierarchy.memory_root + path + _LEAF) else path
        lineage = [(each, files.limits(each)) for each in cgroup_lineage(leaf)]
        found.append(Sample(ident, owner_uid(path), service_of(path), effective_limits(
            lineage, path, files.hierarchy.version), usage, files.events(path)))
    return found


def _own_cgroups(root):
    """Yield (path, id) of every container's own cgroup. A cgroup without children need not be listed: it has two links."""
    waiting, left = [""], _MOST
    while waiting:
        folder = waiting.pop()
        try:
            names = [each.name for each in os.scandir(root + folder) if each.is_dir(follow_symlinks=False)]
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


def _has_children(path):
    try:
        return os.stat(path).st_nlink != 2  # 1: a file system that does not count them
    except OSError:
        return False


def service_of(path):
    """Return the service in which a container runs (--cgroups=split), or None."""
    match = re.search(r"/([^/]+\.service)/libpod-payload-", path)
    return match.group(1) if match else None


def read_stored_names():
    """Return {(id, uid): (name, image)} of all containers in the storages of root and the rootless users.

    For those whose events the journal does not have; Podman is not run for it. The files are the users' own: anything
    may be in them.
    """
    users, _problems = find_users(["all"])
    found = {}
    for user in users:
        for each in _stored(user.storage):
            metadata = _json(each.get("metadata"))
            metadata = metadata if isinstance(metadata, dict) else {}
            names = each.get("names")
            name = names[0] if isinstance(names, list) and names else metadata.get("name")
            if isinstance(each.get("id"), str):
                found[(each["id"], user.identity.uid)] = (storable_text(name), storable_text(metadata.get("image-name")))
    return found


def _stored(storage):
    """The dicts in a container storage's lists of containers (containers/storage, containers.go)."""
    found = []
    for folder in sorted(os.listdir(storage)) if storage and os.path.isdir(storage) else []:
        for name in _STORAGE_FILES if folder.endswith("-containers") else ():
            listed = _json(read_untrusted_file(os.path.join(storage, folder, name), _MAX_STORAGE_FILE))
            found += [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return found


def _json(text):
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
