# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time that a host's users have together: who takes all of it takes nobody else's share."""

import threading
import time


class Deadline:
    """The time that is left for a host, shared out among its users.

    :param seconds: for all of them.
    :param users: how many.
    :param at_once: how many are asked side by side.
    """

    def __init__(self, seconds: float, users: int, at_once: int) -> None:
        self._end = time.monotonic() + seconds
        self.waiting = users  # that have not had their share
        self._at_once = at_once
        self._lock = threading.Lock()

    def share(self) -> float:
        """Return the seconds for the next user: so that all that wait have as much."""
        with self._lock:
            left = max(0.0, self._end - time.monotonic())
            share = left * min(1.0, self._at_once / max(1, self.waiting))
            self.waiting -= 1
        return share
