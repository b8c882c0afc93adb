# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts of the host itself, from plain files below /proc, /etc and /sys."""

import os
import re
import socket
from typing import Any, Dict, Optional

from .host_files import Files
from .platform import parse_os_release
from .times import SECOND, to_iso

_PID = re.compile("[1-9][0-9]{0,6}")  # proc(5), pid_max: at most 2^22


class Host:
    """Reads the host's own files.

    :param root: directory in place of /.
    """

    def __init__(self, root: str = "/") -> None:
        self._files = Files(root)

    def facts(self, now: int) -> Dict[str, Any]:
        """Return the part of the facts' `host` that needs no Podman and no cgroups; None for unknown.

        :param now: microseconds since the epoch.
        """
        memory = self._read_pairs("/proc/meminfo")
        return {
            "hostname": socket.gethostname(),
            "collected_at": to_iso(now),
            "boot_id": self.boot_id(),
            "booted_at": to_iso(self.booted_at()),
            "kernel": os.uname()[2],
            "distribution": parse_os_release(self._read("/etc/os-release")).name,
            "memory_total": _parse_kib(memory.get("MemTotal:")),
            "swap_total": _parse_kib(memory.get("SwapTotal:")),
        }

    def boot_id(self) -> Optional[str]:
        """Return this boot's id as the journal writes it, 32 hex digits; None if unknown."""
        return self._read("/proc/sys/kernel/random/boot_id").strip().replace("-", "") or None

    def booted_at(self) -> Optional[int]:
        """Return the microseconds of the boot (proc(5), stat: btime), None if unknown."""
        btime = self._read_pairs("/proc/stat").get("btime")
        return int(btime) * SECOND if btime else None

    def oom_kills_since_boot(self) -> Optional[int]:
        """Return the kernel's own count of processes that it OOM-killed since the boot, None if unknown.

        /proc/vmstat oom_kill, since Linux 4.13; every user can read it.
        """
        count = self._read_pairs("/proc/vmstat").get("oom_kill")
        return int(count) if count else None

    def oomd_active(self) -> bool:
        """Whether systemd-oomd runs: its service has processes."""
        return any(self._read(base + "/system.slice/systemd-oomd.service/cgroup.procs").strip()
                   for base in ("/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"))

    def main_pid(self, pidfile: Optional[str]) -> Optional[int]:
        """Return the pid in a container's pidfile, None when there is none. The file outlives the process, but not the boot."""
        text = self._read(pidfile).strip() if pidfile else ""
        return int(text) if _PID.fullmatch(text) else None

    def _read(self, path: str) -> str:
        return self._files.read(path) or ""

    def _read_pairs(self, path: str) -> Dict[str, str]:
        """The first two words of each line of a file."""
        lines = [line.split() for line in self._read(path).splitlines()]
        return {words[0]: words[1] for words in lines if len(words) > 1}


def _parse_kib(value: Optional[str]) -> Optional[int]:
    return int(value) * 1024 if value else None
