# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""The processes that this one has started: what Ansible leaves behind when it stops waiting for a host.

Linux only (/proc); elsewhere there seem to be none. Each task of a host has a worker process of its own.
"""

from __future__ import annotations

import os
import signal


def child_pids(pid: int | None = None) -> set[int]:
    """Return the process ids of a process's children, by default of this one."""
    base = "/proc/%d/task" % (pid or os.getpid())
    found: set[int] = set()
    try:
        for thread in os.listdir(base):
            with open("%s/%s/children" % (base, thread), encoding="ascii") as stream:
                found.update(int(word) for word in stream.read().split())
    except OSError:
        pass  # gone, or another system
    return found


def terminate(pids: set[int]) -> None:
    """Ask processes and all below them to end (SIGTERM: sudo hands it on to those that are not ours)."""
    for pid in pids:
        below = child_pids(pid)
        try:
            os.kill(pid, signal.SIGTERM)
        except OSError:
            pass  # gone, or somebody else's
        terminate(below)
