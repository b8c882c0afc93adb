# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signs that more memory only delays the next kill.

Pure. Days are numbers since 1970-01-01, sizes bytes. It does not say what leaks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from .history import WINDOW, Kill
from .pool import HORIZON

_RAISES = 3  # in WINDOW days
_MIN_DAYS = 5  # of growth: a line through fewer points fits almost anything
# Share of the variation that a straight line explains: below it, it is no steady growth (research: oom-systems 3).
_STEADY = 0.8


def raises(own_kills: Sequence[Kill]) -> int:
    """Return how often a kill at its own limit asked for more than any kill before it did: kills at one limit ask once."""
    count, highest = 0, -1
    for kill in sorted(own_kills, key=lambda each: each.day):
        if kill.limit is not None and kill.limit > highest:
            count, highest = count + 1, kill.limit
    return count


def too_many_raises(own_kills: Sequence[Kill]) -> bool:
    """Whether raising its limit has not helped often enough."""
    return raises(own_kills) >= _RAISES


def reaches_limit(needs: Mapping[int, int], limit: int | None, today: int) -> int | None:
    """Return the day within the next 7 on which steady growth reaches the limit; None: it does not grow so, or has no limit.

    :param needs: {day: bytes} of the last WINDOW days.
    """
    points = [(day, need) for day, need in sorted(needs.items()) if today - WINDOW <= day < today]
    if limit is None or len(points) < _MIN_DAYS:
        return None
    line = _line(points)
    if line is None:
        return None
    slope, at_zero = line
    hit = math.ceil((limit - at_zero) / slope)
    return max(hit, today) if hit < today + HORIZON else None


def _line(points: Sequence[tuple[int, int]]) -> tuple[float, float] | None:
    """Least squares: (bytes a day, bytes on day 0) of a line that rises and explains the points; None: there is none."""
    count = len(points)
    middle = sum(day for day, _need in points) / count
    mean = sum(need for _day, need in points) / count
    across = sum((day - middle) ** 2 for day, _need in points)
    up = sum((need - mean) ** 2 for _day, need in points)
    both = sum((day - middle) * (need - mean) for day, need in points)
    if both <= 0 or both * both < _STEADY * across * up:
        return None
    return both / across, mean - both / across * middle
