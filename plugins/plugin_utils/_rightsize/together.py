# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several workloads together: the least memory for one mean risk, and whether limits fit into a host.

Pure. Sizes are bytes. A limit that risks little costs a large workload much and a small one nothing, so one risk for all of
them wastes memory: the same mean risk is had for less where those bear more of it for whom it saves most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

_MIN_RESERVE, _RESERVE_SHARE = 512 << 20, 0.10  # of a host's memory, for itself
_STEPS = 60  # of bisection: 2^60 is finer than bytes


class CurvePoint(NamedTuple):
    """A limit, and how probable it is that it is exceeded within 7 days."""

    limit: int
    risk: float


class HostFit(NamedTuple):
    """Whether the limits of a host's workloads fit into it."""

    room: int  # the host's memory less what it needs itself
    total: int  # of the limits
    short: int  # by how much they don't fit; 0: they do
    could_give: list[tuple[str, int]]  # (workload, what its limit is above its need), largest first; empty where nothing is short


def share_risk(curves: Sequence[Sequence[CurvePoint]], mean_risk: float) -> list[CurvePoint]:
    """Return a point of each curve so that the mean of their risks is at most this one, with the least memory.

    Where the least risks of the curves are more than that, they are what is returned. A price in bytes for a unit of risk
    is the same for all: each workload takes the point that is cheapest at it.

    :param curves: none is empty.
    """
    lowest, highest = 0.0, 2.0 * max((point.limit for curve in curves for point in curve), default=0) * 1e6 + 1
    for _step in range(_STEPS):
        price = (lowest + highest) / 2
        if _mean(_cheapest(curves, price)) <= mean_risk:
            highest = price
        else:
            lowest = price
    return _cheapest(curves, highest)


def fit_host(memory: int, limits: Mapping[str, int], needs: Mapping[str, int]) -> HostFit:
    """Return whether limits fit into a host with so much memory.

    :param limits: by workload; those without a limit are no part of the sum.
    """
    room = memory - max(_MIN_RESERVE, int(memory * _RESERVE_SHARE))
    total = sum(limits.values())
    short = max(total - max(room, 0), 0)
    spare = [(name, limit - needs[name]) for name, limit in limits.items() if name in needs and limit > needs[name]]
    return HostFit(room=max(room, 0), total=total, short=short,
                   could_give=sorted(spare, key=lambda each: (-each[1], each[0])) if short else [])


def _cheapest(curves: Sequence[Sequence[CurvePoint]], price: float) -> list[CurvePoint]:
    return [min(curve, key=lambda point: (point.limit + price * point.risk, point.risk)) for curve in curves]


def _mean(points: Sequence[CurvePoint]) -> float:
    return sum(point.risk for point in points) / len(points) if points else 0.0
