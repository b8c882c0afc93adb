# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel's rate limit of reports of OOM kills, which suppresses summaries and not the lines about the victims."""

from collections import deque
from typing import Deque, Optional, Tuple

from .._system.times import SECOND

# oom_kill_process(): DEFAULT_RATELIMIT_BURST summaries in DEFAULT_RATELIMIT_INTERVAL
_BURST = 10
_INTERVAL = 5 * SECOND


class RecentSummaries:
    """The last summaries, each by its boot and the kernel's clock in microseconds."""

    def __init__(self) -> None:
        self._last: Deque[Tuple[Optional[str], int]] = deque(maxlen=_BURST)

    def add(self, boot: Optional[str], mono: int) -> None:
        """Take a summary."""
        self._last.append((boot, mono))

    def may_lack_one(self, boot: Optional[str], mono: int) -> bool:
        """Whether a summary may have been suppressed just before that time: then a victim may be of another kill."""
        return len(self._last) == _BURST and self._last[0][0] == boot and mono - self._last[0][1] <= _INTERVAL
