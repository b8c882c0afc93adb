# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the memory files of cgroups: what the kernel enforces and counts now.

Reads and converts to numbers; knows nothing of what they mean. cgroup v2:
Documentation/admin-guide/cgroup-v2.rst; v1: Documentation/admin-guide/cgroup-v1/memory.rst.
"""

import os
import re
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from .._system.host_files import Files
from .paths import own_cgroup

_V2_SETTINGS = ("memory.max", "memory.swap.max", "memory.low", "memory.oom.group")
_V1_SETTINGS = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.soft_limit_in_bytes")
_LOCAL_EVENTS = re.compile(r" cgroup2 (?:\S*,)?memory_localevents[, ]")
_MAX_CGROUPS = 1000  # of one container: a service manager or a nested engine has some dozens
_V1_UNLIMITED = 1 << 60  # v1 shows "none" as LONG_MAX rounded down to a page


class Hierarchy(NamedTuple):
    """The hierarchy of the memory controller."""

    version: int  # 1 or 2
    memory_root: str  # its directory
    controllers: List[str]
    problem: Optional[str]  # why memory can't be read, None when it can


class ContainerCgroups(NamedTuple):
    """Where a container runs: paths from the root of the hierarchy."""

    leaf: str  # cgroup of the main process
    own: Optional[str]  # topmost cgroup of the container; None when it has none (--cgroups=disabled, rootless cgroupfs)


class CgroupFiles:
    """The memory files of one host's hierarchy; the limits of each cgroup are read once.

    Cgroups are given by their paths from the root of the hierarchy.
    """

    def __init__(self, root: str = "/sys/fs/cgroup", proc: str = "/proc") -> None:
        self._proc = proc
        self._files = Files()
        self._limits: Dict[str, Dict[str, Any]] = {}
        self.hierarchy = _hierarchy(self._files, root, proc)
        self._v2 = self.hierarchy.version == 2
        self._only_local = any(_LOCAL_EVENTS.search(line) for line in (self._files.read(proc + "/self/mounts") or "").splitlines())

    def container_cgroups(self, pid: int, container_id: str) -> Optional[ContainerCgroups]:
        """Return where a container with this main process runs, None when the process is gone.

        :param pid: as inspect shows it; what is no process id is that of no process.
        """
        if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 0:
            return None
        controller = "" if self._v2 else "memory"
        leaf = None
        # Of all line ends the kernel refuses "\n" alone in the name of a cgroup (cgroup_mkdir()); splitlines() knows ten more.
        for line in (self._files.read("%s/%s/cgroup" % (self._proc, pid)) or "").split("\n"):
            _number, _colon, rest = line.partition(":")
            controllers, colon, path = rest.partition(":")
            if colon and controller in controllers.split(","):
                leaf = path
        return None if leaf is None else ContainerCgroups(leaf, own_cgroup(leaf, container_id))

    def limits(self, cgroup: str) -> Dict[str, Any]:
        """Return {limit, swap, high, oom_group, oom_kill_disabled} of one cgroup alone; bytes and bool, None for none or unreadable.

        swap: v2 memory.swap.max (swap alone), v1 memory.memsw.limit_in_bytes (memory and swap). oom_kill_disabled: v1 alone.
        """
        if cgroup not in self._limits:
            if self._v2:
                group = self._text(cgroup, "memory.oom.group")
                limits = {"limit": self._bytes(cgroup, "memory.max"), "swap": self._bytes(cgroup, "memory.swap.max"),
                          "high": self._bytes(cgroup, "memory.high"), "oom_group": None if group is None else group == "1", "oom_kill_disabled": None}
            else:
                control = self._counts(cgroup, "memory.oom_control")
                limits = {"limit": self._bytes(cgroup, "memory.limit_in_bytes"),
                          "swap": self._bytes(cgroup, "memory.memsw.limit_in_bytes"), "high": None, "oom_group": None,
                          "oom_kill_disabled": None if control is None else bool(control.get("oom_kill_disable"))}
            self._limits[cgroup] = limits
        return self._limits[cgroup]

    def low(self, cgroup: str) -> int:
        """Return the bytes of a cgroup that are protected (memory.low); 0 on v1 and where it can't be read."""
        return self._bytes(cgroup, "memory.low") or 0 if self._v2 else 0

    def counts_swap(self, cgroup: str) -> bool:
        """Whether the swap of this cgroup can be limited; not on a kernel without swap or with swapaccount=0."""
        name = "memory.swap.max" if self._v2 else "memory.memsw.limit_in_bytes"
        return self._text(cgroup, name) is not None

    def events(self, cgroup: str) -> Optional[Dict[str, int]]:
        """Return memory.events {name: count} of a cgroup and all below it, None when it can't be read.

        v1 has oom_kill (memory.oom_control, since Linux 4.13) and max (memory.failcnt), of each cgroup alone; v2 too, where it is
        mounted with memory_localevents.
        """
        if self._v2 and not self._only_local:
            return self._counts(cgroup, "memory.events")
        below = self._below(cgroup)
        counts = [self._local_counts(path) for path in below] if below is not None else [None]
        if counts[0] is None:
            return None
        # what is gone since the list was made is nobody's any more
        return {name: sum((events or {}).get(name, 0) for events in counts) for name in counts[0]}

    def _below(self, cgroup: str) -> Optional[List[str]]:
        """A cgroup and all below it, itself first; None: too many."""
        root, found = self.hierarchy.memory_root, [cgroup]
        for folder, names, _files in os.walk(root + cgroup):
            found += [folder[len(root):] + "/" + name for name in names]
            if len(found) > _MAX_CGROUPS:
                return None
        return found

    def _local_counts(self, cgroup: str) -> Optional[Dict[str, int]]:
        if self._v2:
            return self._counts(cgroup, "memory.events")
        control = self._counts(cgroup, "memory.oom_control")
        if control is None or "oom_kill" not in control:
            return None
        events, failures = {"oom_kill": control["oom_kill"]}, self._bytes(cgroup, "memory.failcnt")
        return events if failures is None else dict(events, max=failures)

    def local_events(self, cgroup: str) -> Optional[Dict[str, int]]:
        """Return memory.events.local, what the cgroup's own limit did (Linux 5.2); None when it can't be read."""
        return self._counts(cgroup, "memory.events.local") if self._v2 else None

    def usage(self, cgroup: str) -> Dict[str, Any]:
        """Return {current, working_set, anon, peak, swap} in bytes and {pressure_full_avg300} in percent; None: unknown."""
        v2 = self._v2
        stat = self._counts(cgroup, "memory.stat") or {}
        current = self._bytes(cgroup, "memory.current" if v2 else "memory.usage_in_bytes")
        inactive = stat.get("inactive_file" if v2 else "total_inactive_file")
        # cAdvisor's and the kubelet's rule: what is in use less what the kernel can drop at once
        return {
            "current": current,
            "working_set": None if current is None or inactive is None else max(0, current - inactive),
            "anon": stat.get("anon" if v2 else "total_rss"),
            "peak": self._bytes(cgroup, "memory.peak" if v2 else "memory.max_usage_in_bytes"),
            "swap": self._bytes(cgroup, "memory.swap.current") if v2 else stat.get("total_swap"),
            "pressure_full_avg300": _parse_pressure(self._text(cgroup, "memory.pressure")) if v2 else None,
        }

    def settings(self, cgroup: str) -> Dict[str, str]:
        """Return {file: text} of the memory settings that a cgroup has, exactly as write() takes them."""
        texts = {name: self._text(cgroup, name) for name in (_V2_SETTINGS if self._v2 else _V1_SETTINGS)}
        return {name: text for name, text in texts.items() if text is not None}

    def write(self, cgroup: str, name: str, text: str) -> None:
        """Write an existing file of a cgroup, without following a link or going up.

        :raises OSError: with the path; the kernel or the permissions refuse it.
        """
        path = self.hierarchy.memory_root + cgroup + "/" + name
        try:
            descriptor = _open_below(self.hierarchy.memory_root, [part for part in cgroup.split("/") if part] + [name])
            with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
                handle.write(text)
        except OSError as exc:
            raise OSError("%s: %s" % (path, exc.strerror or exc))

    def _text(self, cgroup: str, name: str) -> Optional[str]:
        """A file's text without the last newline; None when it isn't there or can't be read."""
        text = self._files.read(self.hierarchy.memory_root + cgroup + "/" + name)
        return None if text is None else text.strip()

    def _bytes(self, cgroup: str, name: str) -> Optional[int]:
        """None for "max", for an unreadable file and for v1's very large number."""
        text = self._text(cgroup, name)
        return int(text) if text is not None and text.isdigit() and int(text) < _V1_UNLIMITED else None

    def _counts(self, cgroup: str, name: str) -> Optional[Dict[str, int]]:
        """The numbers of a "key value" file, also of keys that this collection does not know."""
        text = self._text(cgroup, name)
        if text is None:
            return None
        lines = (line.split() for line in text.splitlines())
        return {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[1].isdigit()}


def _open_below(folder: str, parts: Sequence[str]) -> int:
    """Open a file for writing, each of its directories relative to the one above; return the descriptor."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for index, part in enumerate(parts):
        is_file = index == len(parts) - 1
        flags = os.O_WRONLY | os.O_NOCTTY if is_file else os.O_RDONLY | os.O_DIRECTORY
        try:
            if part in (".", ".."):
                raise OSError("it has %s in its path" % part)
            below = os.open(part, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor


def _hierarchy(files: Files, root: str, proc: str) -> Hierarchy:
    controllers = files.read(root + "/cgroup.controllers")
    if controllers is not None:
        names = controllers.split()
        problem = None if "memory" in names else "the memory controller is not there"
        return Hierarchy(2, root, names, problem)
    lines = [line.split() for line in (files.read(proc + "/cgroups") or "").splitlines()]
    names = [words[0] for words in lines if len(words) == 4 and words[0][0] != "#" and words[3] == "1"]
    memory = root + "/memory"
    problem = None if files.is_directory(memory) else "there is no memory controller in %s" % root
    return Hierarchy(1, memory, names, problem)


def _parse_pressure(value: Optional[str]) -> Optional[float]:
    """Percent of the last 300 s in which all tasks waited for memory (PSI, accounting/psi.rst)."""
    for line in (value or "").splitlines():
        words = dict(word.split("=", 1) for word in line.split() if "=" in word)
        if line.startswith("full") and "avg300" in words:
            return float(words["avg300"])
    return None
