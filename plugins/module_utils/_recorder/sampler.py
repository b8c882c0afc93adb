# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The running containers of all users, found in the cgroup tree: without Podman, without a process for any of them.

Knows where Podman puts containers; reads their files through CgroupFiles. A user creates cgroups of any name and number in
their own part of the tree, so each owner has limits: of cgroups, of depth, of containers, of time. What is over a limit
is counted.
"""

import os
import re
import time
from collections import Counter, deque
from typing import Any, Counter as CounterType, Deque, Dict, Iterator, List, NamedTuple, Optional, Tuple

from .._cgroup.cgroupfs import CgroupFiles
from .._cgroup.effective import effective_limits
from .._cgroup.paths import cgroup_lineage, find_container_id
from .._door.grammar import is_unit
from .quota import ROOT, allowed


class Sample(NamedTuple):
    """What one container uses now."""

    ident: str  # 64 hex digits
    uid: int  # of the owner
    unit: Optional[str]  # the service that it runs inside (quadlet)
    limits: Dict[str, Any]  # as effective_limits() returns them
    usage: Dict[str, Any]  # as CgroupFiles.usage()
    events: Optional[Dict[str, Any]]  # as CgroupFiles.events()


class Sampling(NamedTuple):
    """The samples of one run."""

    samples: List[Sample]
    left_out: Dict[int, int]  # {uid of the owner: cgroups that were not looked at because of a limit, at least}


# crun creates this cgroup inside the container's own, and sets limits on it, on its parent or on both.
_LEAF = "/container"
_USER_SLICE = re.compile(r"/user\.slice/user-(\d{1,10})\.slice$")
# Cgroups of one owner that are looked at. A host with 1,000 units and containers has about 3,000.
_MAX_CGROUPS = 20000
# Levels. A rootless container in a pod of a unit is on the 8th.
_MAX_DEPTH = 16
_SECONDS = 12.0  # for all owners together


def sample_containers(files: CgroupFiles) -> Sampling:
    """Return the samples of all running containers that have a cgroup of their own.

    Each owner has an equal share of the time that is left; who needs less leaves the rest to the others.
    """
    samples: List[Sample] = []
    left_out: CounterType[int] = Counter()
    if files.hierarchy.problem:
        return Sampling(samples, left_out)
    deadline = time.monotonic() + _SECONDS
    found = _find_containers(files.hierarchy.memory_root, time.monotonic() + _SECONDS / 3, left_out)
    shares = allowed({uid: len(cgroups) for uid, cgroups in found.items()})
    for number, (uid, cgroups) in enumerate(found.items()):
        share_ends = _share_ends(deadline, len(found) - number)
        for place, (path, ident) in enumerate(cgroups):
            if place >= shares[uid] or time.monotonic() > share_ends:
                left_out[uid] += len(cgroups) - place
                break
            sample = _sample(files, path, ident, uid)
            if sample:
                samples.append(sample)
    return Sampling(samples, left_out)


def _share_ends(deadline: float, owners: int) -> float:
    """Return when the share of the next of so many owners ends, in time.monotonic()."""
    now = time.monotonic()
    return now + (deadline - now) / owners


def _sample(files: CgroupFiles, path: str, ident: str, uid: int) -> Optional[Sample]:
    """The sample of one container, None when it has ended in between."""
    usage = files.usage(path)
    if usage["current"] is None:
        return None
    leaf = path + _LEAF if os.path.isdir(files.hierarchy.memory_root + path + _LEAF) else path
    lineage = [(cgroup, files.limits(cgroup)) for cgroup in cgroup_lineage(leaf)]
    return Sample(ident=ident, uid=uid, unit=find_service(path), usage=usage, events=files.events(path),
                  limits=effective_limits(lineage, path, files.hierarchy.version))


def _find_containers(root: str, deadline: float, left_out: CounterType[int]) -> Dict[int, List[Tuple[str, str]]]:
    """Return {uid of the owner: [(path, id) of every container's own cgroup]}, root's first.

    The owner is told by the beginning of the path, /user.slice/user-UID.slice. Outside of it, what systemd has delegated to
    a user (User= and Delegate= of a service) is that user's: the cgroup belongs to them.

    :param left_out: counts what is over the limits.
    """
    tree = _Tree(root)
    found = {ROOT: list(tree.walk(ROOT, _share_ends(deadline, 2), left_out))}
    owners = sorted(set(tree.waiting) - {ROOT})
    for number, uid in enumerate(owners):
        found[uid] = list(tree.walk(uid, _share_ends(deadline, len(owners) - number), left_out))
    return found


class _Tree:
    """The cgroup tree, taken apart by owners: root's walk finds where those of the users begin."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._uid = os.stat(root).st_uid
        self.waiting: Dict[int, Deque[str]] = {ROOT: deque([""])}  # {owner: cgroups that are to be listed}

    def walk(self, owner: int, deadline: float, left_out: CounterType[int]) -> Iterator[Tuple[str, str]]:
        """Yield (path, id) of an owner's containers, each once, those on the upper levels first."""
        waiting, left, seen = self.waiting[owner], _MAX_CGROUPS, set()
        while waiting:
            folder = waiting.popleft()
            for name in self._children(folder):
                left -= 1
                if not left or (left % 64 == 0 and time.monotonic() > deadline):
                    left_out[owner] += 1 + len(waiting)
                    return
                path, ident = folder + "/" + name, find_container_id(name)
                if ident and ident not in seen:
                    seen.add(ident)
                    yield path, ident
                elif ident:
                    left_out[owner] += 1
                else:
                    self._enter(path, owner, left_out)

    def _children(self, folder: str) -> Iterator[str]:
        try:
            with os.scandir(self._root + folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        yield entry.name
        except OSError:  # gone in between
            return

    def _enter(self, path: str, owner: int, left_out: CounterType[int]) -> None:
        """Let a cgroup be listed. One without children need not be: it has two links."""
        try:
            status = os.stat(self._root + path)
        except OSError:  # gone in between
            return
        if status.st_nlink == 2:  # 1: a file system that does not count them
            return
        if path.count("/") > _MAX_DEPTH:
            left_out[owner] += 1
            return
        if owner == ROOT:
            match = _USER_SLICE.match(path)
            owner = int(match.group(1)) if match else ROOT if status.st_uid == self._uid else status.st_uid
        self.waiting.setdefault(owner, deque()).append(path)


def find_service(path: str) -> Optional[str]:
    """Return the service that a container with this cgroup of its own runs inside (--cgroups=split), or None."""
    match = re.search(r"/([^/]+\.service)/libpod-payload-", path)
    # below a user's own service manager it is any text, which may not even be one that can be stored
    return match.group(1) if match and is_unit(match.group(1)) else None
