# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A limit and its risk: from history only, raised by kills of its own only, and lowered only where nothing speaks for it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.estimate import (
    Bounds,
    limit_risk,
    raise_after_kill,
    recommend,
    round_up,
)
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.history import MIB, Day, Kill, Workload
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.pool import Pool, Sample, Shape, shape_of
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.prior import add_prior

TODAY = 20000
STEADY = [100, 101, 99, 100, 102, 98, 100, 100, 101, 99, 100, 100, 103, 100]  # MiB


def prior_pool():
    made = Pool(TODAY)
    add_prior(made)
    return made


POOL = prior_pool()


@pytest.fixture
def pool():
    return POOL


def workload(peaks=None, kills=(), limit=None):
    """Peaks in MiB; the last one is of yesterday."""
    peaks = STEADY if peaks is None else peaks
    days = [Day(TODAY - len(peaks) + number, peak * MIB, peak * MIB, 1440) for number, peak in enumerate(peaks)]
    return Workload(days, list(kills), None if limit is None else limit * MIB, 0, 0.0)


def kill(limit, ago=3, cause="container_limit"):
    return Kill(TODAY - ago, cause, None if limit is None else limit * MIB)


def test_a_number_and_what_it_rests_on(pool):
    found = recommend(workload(), pool, TODAY)
    assert (found.status, found.action, found.need) == ("ok", "set", 103 * MIB)
    assert found.limit % (16 * MIB) == 0 and found.limit > found.need
    assert 0 < found.risk <= found.why.asked_risk == 0.02 and found.present_risk is None
    assert (found.why.days, found.why.samples, found.why.first_day, found.why.last_day) == (14, 14 * 1440, TODAY - 14, TODAY - 1)
    assert found.why.spread == pytest.approx(1.03) and found.why.weeks > 100
    assert round_up(found.need * found.why.ratio) == found.limit
    assert found.why.krr == int(103 * MIB * 1.15) and found.why.vpa > 100 * MIB


def test_the_curve_falls(pool):
    points = recommend(workload(), pool, TODAY).curve
    assert len(points) > 3
    assert all(one.limit < other.limit and one.risk > other.risk for one, other in zip(points, points[1:]))
    assert max(point.risk for point in points) <= 0.3


@pytest.mark.parametrize("peaks", [[], [100], [100, 100]])
def test_less_than_three_days_is_no_number(pool, peaks):
    found = recommend(workload(peaks), pool, TODAY)
    assert (found.status, found.action, found.limit, found.risk, found.curve) == ("insufficient_data", "none", None, None, [])
    assert found.need == (100 * MIB if peaks else None)


def test_today_is_no_day_yet(pool):
    one = workload([100, 100])
    assert recommend(one._replace(days=[*one.days, Day(TODAY, 1, 1, 1)]), pool, TODAY).status == "insufficient_data"


def test_but_its_peak_counts(pool):
    one = workload()
    assert recommend(one._replace(days=[*one.days, Day(TODAY, 500 * MIB, None, 1)]), pool, TODAY).need == 500 * MIB


def test_of_workloads_that_nobody_knows_there_is_no_number():
    assert recommend(workload(), Pool(TODAY), TODAY).status == "insufficient_data"


def test_nor_of_those_of_whom_too_little_is_known():
    few = Pool(TODAY)
    for _week in range(2):
        few.add_sample(Sample(0, Shape(0.03, 14), 0.1), 1, 1)
    assert recommend(workload(), few, TODAY).status == "insufficient_data"
    few.add_sample(Sample(0, Shape(0.03, 14), 0.1), 1, 1)
    assert recommend(workload(), few, TODAY).risk == pytest.approx(0.25)


def test_where_the_asked_risk_cannot_be_told_the_least_is(pool):
    found = recommend(workload(), pool, TODAY, Bounds(risk=0.000001))
    assert found.status == "ok" and found.risk == pytest.approx(pool.least_risk(shape_of({n: p * MIB for n, p in enumerate(STEADY)})))


@pytest.mark.parametrize("limit, expected", [(8, 16), (50, 112), (100, 208), (200, 304), (1000, 1200), (10000, 12000)])
def test_a_kill_raises(limit, expected):
    assert raise_after_kill(limit * MIB) == expected * MIB


def test_a_kill_at_its_own_limit_raises_its_limit(pool):
    found = recommend(workload(kills=[kill(400)], limit=400), pool, TODAY)
    assert found.need == 400 * MIB and found.limit >= raise_after_kill(400 * MIB) and found.action == "raise"
    assert found.why.own_kills == 1


def test_it_does_not_compound_on_itself(pool):
    """The raise depends on the limit of the kill, and not on the limit that it has got meanwhile or on how often it was asked."""
    half = Bounds(risk=0.5)
    once = recommend(workload(kills=[kill(100)], limit=100), pool, TODAY, half)
    for limit in (100, 208, 5000):
        assert recommend(workload(kills=[kill(100), kill(100, ago=2)], limit=limit), pool, TODAY, half).limit == once.limit
    assert once.why.raised_from == 100 * MIB and once.limit == 208 * MIB


@pytest.mark.parametrize("cause", ["host_oom", "ancestor_limit", "nested_limit", "systemd_oomd", "cpuset_oom", "unknown", "none"])
def test_no_other_kill_raises(pool, cause):
    calm, found = recommend(workload(), pool, TODAY), recommend(workload(kills=[kill(100, cause=cause)]), pool, TODAY)
    assert found.limit == calm.limit and found.why.raised_from is None and (found.why.own_kills, found.why.other_kills) == (0, 1)


def test_nor_one_at_an_unknown_limit_nor_an_old_one(pool):
    calm = recommend(workload(), pool, TODAY)
    assert recommend(workload(kills=[kill(None), kill(900, ago=15)]), pool, TODAY).limit == calm.limit


def test_three_raises_are_a_leak(pool):
    found = recommend(workload(kills=[kill(100, 6), kill(208, 4), kill(320, 2)], limit=432), pool, TODAY)
    assert (found.status, found.action, found.limit, found.reaches_limit) == ("leak_suspected", "none", None, None)


def test_growth_is_a_leak_with_its_day(pool):
    found = recommend(workload([100 + 10 * day for day in range(10)], limit=215), pool, TODAY)
    assert (found.status, found.limit, found.reaches_limit) == ("leak_suspected", None, TODAY + 2)
    assert recommend(workload([100 + 10 * day for day in range(10)], limit=2150), pool, TODAY).status == "ok"


def test_bounds(pool):
    found = recommend(workload(), pool, TODAY, Bounds(maximum=64 * MIB))
    assert (found.limit, found.why.bounded_by, found.risk) == (64 * MIB, "maximum", pytest.approx(1, abs=0.05))
    found = recommend(workload(), pool, TODAY, Bounds(minimum=1024 * MIB))
    assert (found.limit, found.why.bounded_by) == (1024 * MIB, "minimum")
    assert found.risk < recommend(workload(), pool, TODAY).risk
    assert recommend(workload(), pool, TODAY, Bounds(minimum=MIB, maximum=1 << 40)).why.bounded_by is None


@pytest.mark.parametrize("changes, expected", [
    ({"limit": 110}, "raise"),
    ({"limit": 200}, "keep"),  # below twice the need
    ({"limit": 1000}, "lower"),
    ({"limit": 1000, "peaks": STEADY[:13]}, "keep"),
    ({"limit": 1000, "kills": [kill(64)]}, "keep"),
    ({"limit": 1000, "kills": [kill(64, cause="host_oom")]}, "keep"),
])
def test_it_lowers_only_what_nothing_speaks_for(pool, changes, expected):
    found = recommend(workload(**changes), pool, TODAY, Bounds(risk=0.1))
    assert found.action == expected
    assert (found.present_risk > found.risk) is (expected == "raise")


# from 16 MiB on: smaller ones are taken for it
PEAKS = st.lists(st.integers(16, 5000), min_size=3, max_size=14)


@settings(max_examples=60)
@given(PEAKS, st.integers(1, 50), st.floats(0.02, 0.5), st.floats(0.02, 0.5))
def test_monotony(peaks, factor, one, other):
    low, high = sorted((one, other))
    first, second = (recommend(workload(peaks), POOL, TODAY, Bounds(risk=risk)) for risk in (low, high))
    larger = recommend(workload([peak * factor for peak in peaks]), POOL, TODAY, Bounds(risk=low))
    assert first.status == second.status == larger.status
    if first.limit is not None:
        assert first.limit >= second.limit and first.risk <= second.risk  # more risk is never a larger limit
        assert larger.limit >= first.limit  # nor a larger need a smaller one


def test_the_risk_of_a_limit(pool):
    shape = Shape(0.1, 14)
    risks = [limit_risk(pool, shape, 100 * MIB, limit * MIB) for limit in (0, 50, 100, 150, 300, 3000)]
    assert risks == sorted(risks, reverse=True) and risks[0] == 1.0 and risks[1] > 0.9 and risks[-1] < 0.05
