# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Read the memory files of cgroups: what the kernel enforces and counts now.

Reads, converts to numbers, and leaves the meaning to others. cgroup v2:
Documentation/admin-guide/cgroup-v2.rst; v1: Documentation/admin-guide/cgroup-v1/memory.rst.
"""

from collections import namedtuple

from .._system.host_files import Files
from . import paths as _cgroup_path

# version: 1 or 2; memory_root: directory of the hierarchy with the memory controller;
# controllers: [str]; problem: why memory can't be read, or None.
Hierarchy = namedtuple("Hierarchy", "version memory_root controllers problem")

# leaf: cgroup of the main process; own: topmost cgroup that is the container's, None when it
# runs in somebody else's (--cgroups=disabled, rootless cgroupfs).
ContainerCgroups = namedtuple("ContainerCgroups", "leaf own")

_V1_UNLIMITED = 1 << 60  # v1 shows "none" as LONG_MAX rounded down to a page


class CgroupFiles(object):
    """The memory files of one host's hierarchy, each directory read once."""

    def __init__(self, root="/sys/fs/cgroup", proc="/proc"):
        self._proc = proc
        self._files = Files()
        self._limits = {}
        self.hierarchy = _hierarchy(self._files, root, proc)

    def container_cgroups(self, pid, ident):
        """Return the Place of a container's main process, None when the process is gone."""
        path = None
        for line in (self._files.read("%s/%s/cgroup" % (self._proc, pid)) or "").splitlines():
            _number, controllers, where = line.split(":", 2)
            if controllers == ("" if self.hierarchy.version == 2 else "memory") or (
                    self.hierarchy.version == 1 and "memory" in controllers.split(",")):
                path = where
        if path is None:
            return None
        return ContainerCgroups(path, _cgroup_path.own_cgroup(path, ident))

    def limits(self, cgroup):
        """Return {limit, swap, high, oom_group} of one cgroup alone; bytes, None for none or unreadable.

        swap: v2 memory.swap.max (swap alone), v1 memory.memsw.limit_in_bytes (memory and swap).
        """
        if cgroup not in self._limits:
            read = self._v2_limits if self.hierarchy.version == 2 else self._v1_limits
            self._limits[cgroup] = read(cgroup)
        return self._limits[cgroup]

    def _v2_limits(self, cgroup):
        group = self._text(cgroup, "memory.oom.group")
        return {
            "limit": _size(self._text(cgroup, "memory.max")),
            "swap": _size(self._text(cgroup, "memory.swap.max")),
            "high": _size(self._text(cgroup, "memory.high")),
            "oom_group": None if group is None else group == "1",
        }

    def _v1_limits(self, cgroup):
        return {
            "limit": _size(self._text(cgroup, "memory.limit_in_bytes")),
            "swap": _size(self._text(cgroup, "memory.memsw.limit_in_bytes")),
            "high": None,
            "oom_group": None,
        }

    def low(self, cgroup):
        """Return the bytes of a cgroup that are protected (memory.low); 0 on v1 and where it can't be read."""
        return _size(self._text(cgroup, "memory.low")) or 0 if self.hierarchy.version == 2 else 0

    def counts_swap(self, cgroup):
        """Whether the swap of this cgroup can be limited (a kernel without swap, swapaccount=0)."""
        name = "memory.swap.max" if self.hierarchy.version == 2 else "memory.memsw.limit_in_bytes"
        return self._text(cgroup, name) is not None

    def events(self, cgroup):
        """Return memory.events of a cgroup and all below it, None when it can't be read.

        v1 has only oom_kill, of the cgroup alone (memory.oom_control, since Linux 4.13).
        """
        if self.hierarchy.version == 2:
            return _pairs(self._text(cgroup, "memory.events"))
        control = _pairs(self._text(cgroup, "memory.oom_control"))
        if control is None or "oom_kill" not in control:
            return None
        return {"oom_kill": control["oom_kill"], "max": _size(self._text(cgroup, "memory.failcnt"))}

    def local_events(self, cgroup):
        """Return memory.events.local: what the cgroup's own limit did (Linux 5.2), or None."""
        return _pairs(self._text(cgroup, "memory.events.local")) if self.hierarchy.version == 2 else None

    def usage(self, cgroup):
        """Return {current, working_set, anon, peak, swap, pressure_full_avg300}: bytes, percent; None unknown."""
        v2 = self.hierarchy.version == 2
        stat = _pairs(self._text(cgroup, "memory.stat")) or {}
        current = _size(self._text(cgroup, "memory.current" if v2 else "memory.usage_in_bytes"))
        inactive = stat.get("inactive_file" if v2 else "total_inactive_file")
        # cAdvisor's and the kubelet's rule: what is in use less what can be dropped at once
        known = current is not None and inactive is not None
        return {
            "current": current,
            "working_set": max(0, current - inactive) if known else None,
            "anon": stat.get("anon" if v2 else "total_rss"),
            "peak": _size(self._text(cgroup, "memory.peak" if v2 else "memory.max_usage_in_bytes")),
            "swap": _size(self._text(cgroup, "memory.swap.current")) if v2 else stat.get("total_swap"),
            "pressure_full_avg300": _pressure(self._text(cgroup, "memory.pressure")) if v2 else None,
        }

    def write(self, cgroup, name, text):
        """Write one file of a cgroup; it has to be there.

        :raises OSError: the kernel or the rights refuse it.
        """
        path = self.hierarchy.memory_root + cgroup + "/" + name
        try:
            with open(path, "r+", encoding="utf-8") as handle:
                handle.write(text)
        except OSError as exc:
            raise OSError("%s: %s" % (path, exc.strerror or exc))

    def _text(self, cgroup, name):
        """A file's text without the last newline; None when it isn't there or can't be read."""
        text = self._files.read(self.hierarchy.memory_root + cgroup + "/" + name)
        return None if text is None else text.strip()


def _hierarchy(files, root, proc):
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


def _size(value):
    """Bytes; None for "max", nothing, or v1's very large number."""
    if value is None or not value.isdigit() or int(value) >= _V1_UNLIMITED:
        return None
    return int(value)


def _pairs(value):
    """The numbers of a "key value" file, keys that this collection does not know included."""
    if value is None:
        return None
    words = (line.split() for line in value.splitlines())
    return {each[0]: int(each[1]) for each in words if len(each) == 2 and each[1].isdigit()}


def _pressure(value):
    """Percent of time in the last 300 s in which all tasks waited for memory (PSI, accounting/psi.rst)."""
    for line in (value or "").splitlines():
        words = dict(word.split("=", 1) for word in line.split() if "=" in word)
        if line.startswith("full") and "avg300" in words:
            return float(words["avg300"])
    return None
