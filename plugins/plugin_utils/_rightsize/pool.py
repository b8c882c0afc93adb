# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fleet's workloads did next: by how much a week's peak went over the peak of the two weeks before it.

Pure. A week of another workload tells most about this one when both vary alike and as many days were known of both. So all
weeks of the fleet are kept in cells by variation and number of days; a question is answered by a cell and its neighbours,
which count less with their distance. Recent weeks count more. Bounded: cells of counts, however many workloads there are.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import NamedTuple

from .history import MIB, WINDOW

HORIZON = 7  # days that a risk is about
MIN_DAYS = 3  # of peaks, below which nothing is said
FLOOR = 16 * MIB  # smaller peaks are taken for this one: limits are multiples of it, and the ratio of two small sizes says nothing
_MAX_BACK = 90  # days of a history that are looked at
_MIN_FOLLOWING = 4  # days known of a week whose peak is to count
# Widths and half-life: from 0.3 to 0.6, 0.2 to 0.4 and without end it stays calibrated on the recorded traces (`make bench ARGS=rightsize`).
_SPREAD_WIDTH = 0.4  # of the logarithm of peak over median
_DAYS_WIDTH = 0.3  # of the logarithm of the number of days
_HALF_LIFE = 28  # days
_SPREAD_STEP, _SPREAD_CELLS = 0.1, 40  # up to a peak of 50 times the median
_STEP, _LOWEST, _STEPS = 0.005, -1.5, 1000  # of the logarithm of the ratio of peaks: from 0.22 to 33
_EPSILON = 1e-9  # sums of floats


class Shape(NamedTuple):
    """What of a window says which weeks tell about it; it is the same for two workloads of which one uses twice as much."""

    spread: float  # logarithm of its peak over its median
    days: int  # with a peak


class Sample(NamedTuple):
    """A window and what followed."""

    origin: int  # the day after the window
    shape: Shape
    excess: float  # logarithm of the next 7 days' peak over the window's


class _Cell(NamedTuple):
    """Weeks that tell about one cell."""

    sums: list[float]  # weight of the weeks up to the end of each step of excess
    total: float  # weight of all of them: some are above the last step
    weeks: float  # that would tell as much if all counted alike (Kish's effective sample size)


class Pool:
    """The weeks that a fleet has seen."""

    def __init__(self, today: int) -> None:
        """:param today: weeks that end before this day are known."""
        self._today = today
        self._recent = [0.5 ** (days / _HALF_LIFE) for days in range(_MAX_BACK)]
        self._counts: dict[tuple[int, int], list[float]] = {}
        self._squares: dict[tuple[int, int], float] = {}
        self._rows: dict[tuple[int, int], list[float] | None] = {}
        self._cells: dict[tuple[int, int], _Cell] = {}
        self._below: dict[tuple[int, int, float], float] = {}

    def add(self, needs: Mapping[int, int]) -> None:
        """Take in a workload's {day: bytes}."""
        for sample in samples(needs, self._today):
            # each day begins a week: seven of them are one
            self.add_sample(sample, 1 / HORIZON, self._recent[self._today - HORIZON - sample.origin])

    def add_sample(self, sample: Sample, weeks: float, weight: float) -> None:
        """Take in a window and what followed, as so many weeks of this weight each."""
        cell = _spread_cell(sample.shape.spread), min(sample.shape.days, WINDOW)
        counts = self._counts.get(cell)
        if counts is None:
            counts = self._counts[cell] = [0.0] * (_STEPS + 1)
            self._squares[cell] = 0.0
        counts[min(max(math.ceil((sample.excess - _LOWEST) / _STEP - _EPSILON), 0), _STEPS)] += weeks * weight
        self._squares[cell] += weeks * weight * weight
        if self._cells:
            self._forget()

    def excess(self, shape: Shape, risk: float) -> float | None:
        """Return the logarithm of the limit over the window's peak that is exceeded in a week with this probability.

        A larger peak over the same median never gets a smaller limit: what those get that vary less is the least.

        :returns: None: too few weeks to tell so small a risk, see least_risk().
        """
        own = _spread_cell(shape.spread)
        value = self._quantile(own, shape.days, risk)
        return None if value is None else max(value, self._least_below(own, shape.days, risk) - shape.spread)

    def least_risk(self, shape: Shape) -> float:
        """Return the smallest risk that can be told: the next week may be the first of its kind among all that were seen."""
        cell = self._cell(_spread_cell(shape.spread), shape.days)
        return max(1 / (cell.weeks + 1), 1 - cell.sums[-1] / cell.total if cell.total else 1.0)

    def risk(self, shape: Shape, excess: float) -> float:
        """Return the probability that a limit so much over the window's peak is exceeded in a week; the inverse of excess()."""
        own = _spread_cell(shape.spread)
        highest = max(self._over(own, shape.days, excess), self.least_risk(shape))
        for cell in range(own):
            over = self._over(cell, shape.days, excess + shape.spread - (cell + 1) * _SPREAD_STEP)
            if over * (self._cell(cell, shape.days).weeks + 1) >= 1:  # else it has too few weeks to say so
                highest = max(highest, over)
        return highest

    def weeks(self, shape: Shape) -> float:
        """Return how many weeks tell about such a window."""
        return self._cell(_spread_cell(shape.spread), shape.days).weeks

    def _least_below(self, spread: int, days: int, risk: float) -> float:
        """The largest limit of those that vary less, as logarithm of its ratio to the median."""
        key = spread, days, risk
        if key not in self._below:
            ends = [(cell + 1) * _SPREAD_STEP + excess for cell in range(spread)
                    if (excess := self._quantile(cell, days, risk)) is not None]
            self._below[key] = max(ends, default=-math.inf)
        return self._below[key]

    def _forget(self) -> None:
        self._rows.clear()
        self._cells.clear()
        self._below.clear()

    def _quantile(self, spread: int, days: int, risk: float) -> float | None:
        cell = self._cell(spread, days)
        step = bisect_left(cell.sums, (1 - risk) * cell.total - _EPSILON)
        # one week more than those that were seen may be above all of them
        if not cell.total or risk * (cell.weeks + 1) < 1 - _EPSILON or step == _STEPS:
            return None
        return _LOWEST + _STEP * step

    def _over(self, spread: int, days: int, excess: float) -> float:
        """The share of a cell's weeks that went over a limit."""
        cell = self._cell(spread, days)
        step = min(math.floor((excess - _LOWEST) / _STEP + _EPSILON), _STEPS - 1)
        below = cell.sums[step] if step >= 0 else 0.0
        return 1 - below / cell.total if cell.total else 0.0

    def _cell(self, spread: int, days: int) -> _Cell:
        days = min(days, WINDOW)
        if (spread, days) not in self._cells:
            counts, squares = [0.0] * (_STEPS + 1), 0.0
            for other in range(_SPREAD_CELLS):
                share = _nearness((other - spread) * _SPREAD_STEP / _SPREAD_WIDTH)
                row = self._row(other, days) if share else None
                if row:
                    counts = [count + share * more for count, more in zip(counts, row)]
                    squares += share * share * row[-1]
            sums = list(accumulate(counts))
            self._cells[spread, days] = _Cell(sums[:-1], sums[-1], sums[-1] * sums[-1] / squares if squares else 0.0)
        return self._cells[spread, days]

    def _row(self, spread: int, days: int) -> list[float] | None:
        """The weights of one cell of variation for so many days, and behind them the sum of their squares."""
        if (spread, days) not in self._rows:
            total, squares = None, 0.0
            for other in range(1, WINDOW + 1):
                counts = self._counts.get((spread, other))
                if counts:
                    share = _nearness(math.log(other / days) / _DAYS_WIDTH)
                    total = [count + share * more for count, more in zip(total or [0.0] * (_STEPS + 1), counts)]
                    squares += share * share * self._squares[spread, other]
            self._rows[spread, days] = None if total is None else [*total, squares]
        return self._rows[spread, days]


def samples(needs: Mapping[int, int], today: int, days: int = WINDOW) -> Iterator[Sample]:
    """Yield a window of so many days and what followed, for each day on which a week begins that has ended before today."""
    known = sorted(day for day in needs if today - _MAX_BACK <= day < today)
    logs = [log_size(needs[day]) for day in known]
    ordered: list[float] = []  # of the window
    first = end = after = 0  # of the window and of what follows in known
    for origin in range(known[0] + MIN_DAYS, today - HORIZON + 1) if known else ():
        while end < len(known) and known[end] < origin:
            insort(ordered, logs[end])
            end += 1
        while first < end and known[first] < origin - days:
            del ordered[bisect_left(ordered, logs[first])]
            first += 1
        while after < len(known) and known[after] < origin + HORIZON:
            after += 1
        if len(ordered) >= MIN_DAYS and after - end >= _MIN_FOLLOWING:
            yield Sample(origin, _shape(ordered), max(logs[end:after]) - ordered[-1])


def shape_of(needs: Mapping[int, int]) -> Shape:
    """Return the shape of a window with at least one day."""
    return _shape(sorted(map(log_size, needs.values())))


def log_size(size: int) -> float:
    """Return the logarithm of a size that is at least FLOOR."""
    return math.log(max(size, FLOOR))


def _shape(ordered: list[float]) -> Shape:
    return Shape(ordered[-1] - ordered[(len(ordered) - 1) // 2], len(ordered))


def _spread_cell(spread: float) -> int:
    return min(int(spread / _SPREAD_STEP), _SPREAD_CELLS - 1)


def _nearness(distance: float) -> float:
    """Gauss's bell, cut off where it says nothing any more."""
    return math.exp(-0.5 * distance * distance) if abs(distance) <= 3 else 0.0
