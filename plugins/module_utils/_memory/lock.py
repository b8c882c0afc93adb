# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One change of a user's containers at a time: a lock in a directory where only this user can write.

It ends with the process that holds it, however that ends.
"""

import fcntl
import os

from .._system.command import Identity, runtime_dir

_ROOTS = "/run"
NAME = "podman-fleet-memory.lock"


class Locked(Exception):
    """Somebody else changes these containers now, or the lock can't be had."""


class ChangeLock:
    """The lock of one user, who is the caller.

    It is in the user's runtime directory, for root in /run.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._folder = _ROOTS if identity.uid == 0 else runtime_dir(identity)
        self._descriptor = -1

    def acquire(self) -> None:
        """Take the lock; a user without a runtime directory has no containers that could be changed.

        :raises Locked: it is held, or can't be opened.
        """
        if self._folder is None:
            return
        path = os.path.join(self._folder, NAME)
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 20).decode("ascii", "replace")
            self.release()
            raise Locked("container_memory changes containers of %s already, in process %s; run this again when that has ended"
                         % (self._identity.name, holder if holder.isdigit() else "(unknown)"))
        except OSError as exc:
            self.release()
            raise Locked("the lock of %s's containers can't be had: %s: %s" % (self._identity.name, path, exc.strerror))
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode("ascii"), 0)

    def release(self) -> None:
        """Give the lock back; the file stays, since another process may wait to lock it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
