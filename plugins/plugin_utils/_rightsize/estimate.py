# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A memory limit for one workload, and what it risks.

Pure. Sizes are bytes, days numbers since 1970-01-01. It decides nothing about policy and changes nothing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from .history import MIB, WINDOW, Kill, Workload, window
from .leak import reaches_limit, too_many_raises
from .peers import krr, vpa_target
from .pool import FLOOR, MIN_DAYS, Pool, Shape, shape_of
from .together import CurvePoint

ROUNDING = 16 * MIB
DEFAULT_RISK = 0.02  # one kill in a year of weeks
CURVE = (0.30, 0.25, 0.20, 0.15, 0.12, 0.10, 0.08, 0.06, 0.05, 0.04, 0.03, 0.02, 0.01)
# VPA's recommender: oom-bump-up-ratio 1.2, oom-min-bump-up-bytes 100 MiB; the latter at most doubles a small limit.
_RAISE_RATIO, _RAISE_BYTES = 1.2, 100 * MIB
_LOWER_DAYS = 14  # known, before a limit is lowered
_LOWER_RATIO = 2  # of limit and need


class Bounds(NamedTuple):
    """What a policy wants."""

    risk: float = DEFAULT_RISK
    minimum: int | None = None
    maximum: int | None = None


class Why(NamedTuple):
    """What a number rests on."""

    first_day: int | None  # of the window with a peak; None: there is none
    last_day: int | None
    days: int  # of the window with a peak
    samples: int
    spread: float | None  # the window's peak over its median
    without_peak: bool  # memory.peak is left out: page cache dominates
    asked_risk: float
    ratio: float | None  # of limit and need before kills, bounds and rounding
    weeks: float  # of workloads like this one that the ratio rests on, weighted
    raised_from: int | None  # the largest limit at which it was killed in the window, if that decided
    bounded_by: str | None  # "minimum" or "maximum" of the policy, if that decided
    own_kills: int  # in the window, at its own limit
    other_kills: int  # in the window, that raise nothing: of the host, a pod, a slice, nested, or with an unknown limit
    krr: int | None  # how KRR and VPA would have decided
    vpa: int | None


class Recommendation(NamedTuple):
    """A number, or why there is none."""

    status: str  # ok, insufficient_data, leak_suspected
    action: str  # set, raise, lower, keep; none without a number
    limit: int | None
    risk: float | None  # that the limit is exceeded within 7 days
    present_risk: float | None  # of the limit that it has
    need: int | None
    reaches_limit: int | None  # the day on which a leak will
    curve: list[CurvePoint]  # from much risk to little
    why: Why


def recommend(workload: Workload, pool: Pool, today: int, bounds: Bounds = Bounds()) -> Recommendation:
    """Return what limit a workload should have.

    :param pool: of the fleet; this workload's past may be in it too.
    :param today: days before it are complete.
    """
    seen = window(workload, today)
    complete = {day: need for day, need in seen.needs.items() if day < today}
    why = _why(seen.needs, bounds)._replace(
        samples=seen.samples, without_peak=seen.without_peak, own_kills=len(seen.own_kills), other_kills=len(seen.other_kills))
    none = Recommendation(status="insufficient_data", action="none", limit=None, risk=None, present_risk=None,
                          need=max(seen.needs.values(), default=None), reaches_limit=None, curve=[], why=why)
    hit = reaches_limit(complete, workload.limit, today)
    if hit is not None or too_many_raises(seen.own_kills):
        return none._replace(status="leak_suspected", reaches_limit=hit)
    if len(complete) < MIN_DAYS:
        return none
    shape, need = shape_of(seen.needs), max(seen.needs.values())
    why = why._replace(spread=math.exp(shape.spread), weeks=pool.weeks(shape))
    points = curve(pool, shape, need, bounds.risk)
    wanted = risk_limit(pool, shape, need, bounds.risk)
    if wanted is None or pool.least_risk(shape) > max(CURVE[0], bounds.risk):  # a limit that most weeks exceed is no advice
        return none._replace(why=why)
    chosen, why = _within(round_up(wanted), seen.own_kills, bounds, why._replace(ratio=wanted / need if need else None))
    return none._replace(
        status="ok", action=_action(workload, chosen, need, len(complete), why), limit=chosen, risk=limit_risk(pool, shape, need, chosen),
        present_risk=None if workload.limit is None else limit_risk(pool, shape, need, workload.limit), curve=points, why=why)


def risk_limit(pool: Pool, shape: Shape, need: int, risk: float) -> float | None:
    """Return the limit that is exceeded within 7 days with this probability, or with the least that can be told.

    :returns: not rounded; None: next to nothing is known of such workloads.
    """
    excess = pool.excess(shape, max(risk, pool.least_risk(shape)))
    return None if excess is None else max(need, FLOOR) * math.exp(excess)


def limit_risk(pool: Pool, shape: Shape, need: int, limit: int) -> float:
    """Return the probability that a limit is exceeded within 7 days."""
    return pool.risk(shape, math.log(limit / max(need, FLOOR))) if limit > 0 else 1.0


def curve(pool: Pool, shape: Shape, need: int, *risks: float) -> list[CurvePoint]:
    """Return limits with their risks, each limit once; no risk is less than what can be told."""
    least = pool.least_risk(shape)
    points: dict[int, float] = {}
    for risk in sorted({max(risk, least) for risk in (*CURVE, *risks)}, reverse=True):
        limit = risk_limit(pool, shape, need, risk)
        if limit is not None:
            points[round_up(limit)] = risk
    return [CurvePoint(limit, risk) for limit, risk in sorted(points.items())]


def raise_after_kill(limit: int) -> int:
    """Return the least that a workload gets that was killed at this limit of its own. It depends on nothing that was raised."""
    return round_up(max(limit * _RAISE_RATIO, limit + min(_RAISE_BYTES, limit)))


def round_up(size: float) -> int:
    """Return a size as a multiple of ROUNDING."""
    return math.ceil(size / ROUNDING) * ROUNDING


def _within(limit: int, own_kills: list[Kill], bounds: Bounds, why: Why) -> tuple[int, Why]:
    killed_at = max((kill.limit or 0 for kill in own_kills), default=0)
    if raise_after_kill(killed_at) > limit:
        limit, why = raise_after_kill(killed_at), why._replace(raised_from=killed_at)
    if bounds.minimum is not None and limit < bounds.minimum:
        limit, why = bounds.minimum, why._replace(bounded_by="minimum")
    if bounds.maximum is not None and limit > bounds.maximum:
        limit, why = bounds.maximum, why._replace(bounded_by="maximum")
    return limit, why


def _action(workload: Workload, limit: int, need: int, days: int, why: Why) -> str:
    """What to do about the limit that it has: a lower one only where nothing speaks for the present one."""
    if workload.limit is None:
        return "set"
    if workload.limit < limit:
        return "raise"
    is_sure = days >= _LOWER_DAYS and not why.own_kills and not why.other_kills and workload.limit > _LOWER_RATIO * need
    return "lower" if is_sure and limit < workload.limit else "keep"


def _why(needs: dict[int, int], bounds: Bounds) -> Why:
    peaks = [needs[day] for day in sorted(needs)][-WINDOW:]
    return Why(
        first_day=min(needs, default=None), last_day=max(needs, default=None), days=len(peaks), samples=0, spread=None,
        without_peak=False, asked_risk=bounds.risk, ratio=None, weeks=0.0, raised_from=None, bounded_by=None, own_kills=0, other_kills=0,
        krr=int(krr(peaks)) if peaks else None, vpa=int(vpa_target(peaks)) if peaks else None)
