# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which processes a process has started, by /proc (proc_tid_children(5))."""

import os
from contextlib import suppress
from typing import Optional, Set


def child_pids(pid: Optional[int] = None) -> Set[int]:
    """Return the process ids of a process's children, by default of this one.

    Linux only; elsewhere, and of a process that has ended, there seem to be none.
    """
    base = "/proc/%d/task" % (pid or os.getpid())
    pids: Set[int] = set()
    with suppress(OSError, ValueError):
        for thread in os.listdir(base):
            with open("%s/%s/children" % (base, thread), encoding="ascii") as stream:
                pids.update(int(word) for word in stream.read().split())
    return pids
