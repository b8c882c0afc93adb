# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pool: what it says is what was seen, of workloads that vary alike; few weeks tell no small risk."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings, strategies as st

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.pool import (
    FLOOR,
    HORIZON,
    MIN_DAYS,
    Pool,
    Sample,
    Shape,
    samples,
    shape_of,
)

TODAY = 20000
MIB = 1 << 20


def past(peaks, end=TODAY):
    """{day: bytes} of peaks in MiB whose last one is of yesterday; None: nothing was seen."""
    return {end - len(peaks) + number: peak * MIB for number, peak in enumerate(peaks) if peak is not None}


def pool_of(*excesses, spread=0.05, days=14):
    pool = Pool(TODAY)
    for excess in excesses:
        pool.add_sample(Sample(0, Shape(spread, days), excess), 1, 1)
    return pool


def test_a_sample_is_a_window_and_the_week_after_it():
    found = list(samples(past([100, 200, 400] + [100] * 6 + [800]), TODAY))
    assert [(sample.origin, sample.shape.days) for sample in found] == [(TODAY - 7, 3)]
    assert found[0].shape.spread == pytest.approx(math.log(2)) and found[0].excess == pytest.approx(math.log(2))


def test_what_is_not_over_yet_is_not_known():
    known = past([100 + day for day in range(40)])
    assert max(sample.origin for sample in samples(known, TODAY)) == TODAY - HORIZON
    # nothing that comes later changes what was known before
    before = {day: peak for day, peak in known.items() if day < TODAY - 10}
    assert list(samples(known, TODAY - 10)) == list(samples(before, TODAY - 10))


def test_no_window_of_less_than_three_days_and_no_week_of_less_than_four():
    assert not list(samples(past([100] * (MIN_DAYS + HORIZON - 1)), TODAY))
    assert not list(samples(past([100] * 3 + [100] * 3 + [None] * 4), TODAY))
    assert len(list(samples(past([100] * 3 + [100] * 4 + [None] * 3), TODAY))) == 1


def test_days_out_of_sight_are_left_out_of_a_window():
    found = list(samples(past([999] + [100] * 14 + [100] * 7), TODAY))
    assert found[-1].shape == Shape(0.0, 14)
    assert not list(samples(past([100] * 20, end=TODAY - 90), TODAY)) and not list(samples({}, TODAY))


def test_a_liar_s_days_cost_nothing():
    assert not list(samples({day: 1 for day in (-10**18, 0, TODAY, TODAY + 5, 10**18)}, TODAY))


def test_the_share_of_weeks_that_went_over_is_the_risk():
    pool = pool_of(*(number / 100 for number in range(100)))
    for risk in (0.05, 0.10, 0.20, 0.50):
        excess = pool.excess(Shape(0.0, 14), risk)
        assert excess == pytest.approx(0.99 - risk, abs=0.006)
        assert pool.risk(Shape(0.0, 14), excess) == pytest.approx(risk, abs=1e-6)


def test_few_weeks_tell_no_small_risk():
    pool = pool_of(*[0.1] * 9)
    assert pool.least_risk(Shape(0.0, 14)) == pytest.approx(0.1) and pool.weeks(Shape(0.0, 14)) == pytest.approx(9)
    assert pool.excess(Shape(0.0, 14), 0.1) is not None and pool.excess(Shape(0.0, 14), 0.09) is None
    assert pool.risk(Shape(0.0, 14), 3.0) == pytest.approx(0.1)


def test_nothing_seen_tells_nothing():
    pool = Pool(TODAY)
    assert pool.excess(Shape(0.0, 14), 0.5) is None and pool.least_risk(Shape(0.0, 14)) == 1.0
    assert pool.risk(Shape(0.0, 14), 3.0) == 1.0 and pool.weeks(Shape(0.0, 14)) == 0


def test_a_week_above_all_that_can_be_told_is_never_covered():
    pool = pool_of(*[0.1] * 15, *[9.0] * 5)
    assert pool.least_risk(Shape(0.0, 14)) == pytest.approx(0.25)
    assert pool.excess(Shape(0.0, 14), 0.2) is None and pool.excess(Shape(0.0, 14), 0.25) == pytest.approx(0.1)
    assert pool.risk(Shape(0.0, 14), 3.4) == pytest.approx(0.25)


def test_workloads_that_vary_alike_tell_most():
    pool = pool_of(*[0.02] * 100)
    for _week in range(100):
        pool.add_sample(Sample(0, Shape(2.0, 14), 1.0), 1, 1)
    assert pool.excess(Shape(0.0, 14), 0.1) == pytest.approx(0.02) and pool.excess(Shape(2.0, 14), 0.1) == pytest.approx(1.0)
    assert pool.least_risk(Shape(3.9, 14)) == 1.0  # nobody varied like that


def test_windows_of_as_many_days_tell_most():
    pool = pool_of(*[0.0] * 100)
    for _week in range(100):
        pool.add_sample(Sample(0, Shape(0.05, 3), 1.0), 1, 1)
    assert pool.excess(Shape(0.0, 14), 0.1) == 0.0 and pool.excess(Shape(0.0, 3), 0.1) == pytest.approx(1.0)


def test_recent_weeks_count_more():
    pool = Pool(TODAY)
    for _workload in range(20):
        pool.add(past([100] * 30 + [200] * 7, end=TODAY - 40))
        pool.add(past([100] * 37))
    # of the 17 overlapping weeks of each that follow two weeks seven went over, all of them long ago
    assert 0.02 < pool.risk(Shape(0.0, 14), 0.0) < 0.6 * 7 / (17 + 17)


def test_what_is_added_later_counts_too():
    pool = pool_of(*[0.0] * 20)
    assert pool.excess(Shape(0.0, 14), 0.1) == 0.0
    for _week in range(20):
        pool.add_sample(Sample(0, Shape(0.05, 14), 0.5), 1, 1)
    assert pool.excess(Shape(0.0, 14), 0.1) == pytest.approx(0.5)


def test_small_peaks_have_no_ratios():
    assert shape_of({1: 10, 2: 1000, 3: FLOOR}) == Shape(0.0, 3)


EXCESSES = st.lists(st.tuples(st.floats(0, 3), st.integers(3, 14), st.floats(-1, 3)), min_size=1, max_size=40)


@settings(max_examples=60)
@given(EXCESSES, st.floats(0, 3.5), st.integers(3, 14), st.floats(0.01, 1), st.floats(0.01, 1))
def test_more_risk_is_never_a_larger_limit(seen, spread, days, one, other):
    pool = Pool(TODAY)
    for number in seen:
        pool.add_sample(Sample(0, Shape(*number[:2]), number[2]), 10, 1)
    low, high = sorted((one, other))
    limits = pool.excess(Shape(spread, days), low), pool.excess(Shape(spread, days), high)
    if limits[0] is not None:
        assert limits[1] is not None
    if None not in limits:
        assert limits[0] >= limits[1]
        assert pool.risk(Shape(spread, days), limits[0]) <= max(low, pool.least_risk(Shape(spread, days))) + 1e-6
        assert pool.risk(Shape(spread, days), limits[0]) <= pool.risk(Shape(spread, days), limits[1])


@settings(max_examples=60)
@given(EXCESSES, st.floats(0, 3.5), st.floats(0, 3.5), st.floats(0.01, 1))
def test_a_larger_peak_over_the_same_median_is_never_a_smaller_limit(seen, one, other, risk):
    pool = Pool(TODAY)
    for number in seen:
        pool.add_sample(Sample(0, Shape(*number[:2]), number[2]), 10, 1)
    low, high = sorted((one, other))
    limits = [(spread, pool.excess(Shape(spread, 14), risk)) for spread in (low, high)]
    if None not in (limits[0][1], limits[1][1]):
        assert sum(limits[0]) <= sum(limits[1]) + 1e-9
