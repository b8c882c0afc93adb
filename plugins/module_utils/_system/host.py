# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""What is asked about the host itself: plain files below /proc, /etc and /sys."""

import os
import socket

from . import times as _times
from .host_files import Files


class Host(object):
    """Reads the host's own files.

    :param root: directory in place of /.
    """

    def __init__(self, root="/"):
        self._files = Files(root)

    def facts(self, now):
        """Return the part of the facts' `host` that needs no Podman and no cgroups; None for unknown.

        :param now: microseconds since the epoch.
        """
        memory = self._pairs("/proc/meminfo")
        return {
            "hostname": socket.gethostname(),
            "collected_at": _times.to_iso(now),
            "boot_id": self.boot_id(),
            "booted_at": _times.to_iso(self.booted_at()),
            "kernel": os.uname()[2],
            "distribution": self._distribution(),
            "memory_total": _kibibytes(memory.get("MemTotal:")),
            "swap_total": _kibibytes(memory.get("SwapTotal:")),
        }

    def boot_id(self):
        """Return this boot's id as the journal writes it: 32 hex digits."""
        return (self._files.read("/proc/sys/kernel/random/boot_id") or "").strip().replace("-", "") or None

    def booted_at(self):
        """Return the microseconds of the boot (proc(5), stat: btime), None if unknown."""
        btime = self._pairs("/proc/stat").get("btime")
        return int(btime) * _times.SECOND if btime else None

    def oom_kills_since_boot(self):
        """Return the kernel's own count of processes that it OOM-killed since the boot, None if unknown.

        /proc/vmstat oom_kill, since Linux 4.13; readable for everybody.
        """
        count = self._pairs("/proc/vmstat").get("oom_kill")
        return int(count) if count else None

    def oomd_active(self):
        """Whether systemd-oomd runs: its service has processes."""
        for base in ("/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"):
            if (self._files.read(base + "/system.slice/systemd-oomd.service/cgroup.procs") or "").strip():
                return True
        return False

    def main_pid(self, pidfile):
        """Return the pid in a container's pidfile (it outlives the process, not the boot), or None."""
        text = (self._files.read(pidfile) or "").strip() if pidfile else ""
        return int(text) if text.isdigit() else None

    def _distribution(self):
        for line in (self._files.read("/etc/os-release") or "").splitlines():
            if line.startswith("PRETTY_NAME="):
                return line.partition("=")[2].strip().strip("\"'")
        return None

    def _pairs(self, path):
        """The first two words of each line of a file."""
        words = [line.split() for line in (self._files.read(path) or "").splitlines()]
        return {each[0]: each[1] for each in words if len(each) > 1}


def _kibibytes(value):
    return int(value) * 1024 if value else None
