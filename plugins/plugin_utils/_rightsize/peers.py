# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the peers would decide about the same days, for comparison. Their floors (100 MB, 250 MB) are left out.

Pure. Daily peaks in bytes, oldest first; sources: docs of each function.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

MARGIN = 0.15  # of KRR (memory_buffer_percentage 15) and VPA (recommendation-margin-fraction 0.15)
_VPA_DAYS = 8  # memory-aggregation-interval-count of 24 h
_VPA_FIRST, _VPA_GROWTH = 1e7, 1.05  # bytes of the first bucket of its histogram, and by how much the next one is larger


def krr(peaks: Sequence[int]) -> float:
    """KRR's strategy "simple": the largest of 14 days and 15 %."""
    return max(peaks) * (1 + MARGIN)


def vpa_target(peaks: Sequence[int]) -> float:
    """VPA's target: the 90th percentile of the daily peaks of 8 days, each day half as heavy as the next, and 15 %."""
    return _percentile(peaks[-_VPA_DAYS:], 0.90) * (1 + MARGIN)


def vpa_upper(peaks: Sequence[int]) -> float:
    """VPA's upper bound: the 95th percentile and 15 %, times 1 + 1 / days of history."""
    return _percentile(peaks[-_VPA_DAYS:], 0.95) * (1 + MARGIN) * (1 + 1 / len(peaks))


def _percentile(peaks: Sequence[int], share: float) -> float:
    """The end of the bucket that has so much of the weight in or below it; memory-histogram-decay-half-life is 24 h."""
    weighted = sorted((peak, 0.5 ** age) for age, peak in enumerate(reversed(peaks)))
    wanted, seen = share * sum(weight for _peak, weight in weighted), 0.0
    for peak, weight in weighted:
        seen += weight
        if seen >= wanted:
            break
    bucket = math.floor(math.log(peak / _VPA_FIRST * (_VPA_GROWTH - 1) + 1, _VPA_GROWTH))
    return _VPA_FIRST * (_VPA_GROWTH ** (bucket + 1) - 1) / (_VPA_GROWTH - 1)
