# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shipped prior is what the recorded traces say, and what is calibrated on them holds for weeks that it has not seen."""

from __future__ import annotations

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.pool import Pool, Shape
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.prior import PRIOR, add_prior
from bench import rightsize
from bench._traces import fit_prior, read_traces


@pytest.fixture(scope="module")
def traces():
    return read_traces(rightsize._TRACES)


def test_the_numbers_are_those_of_the_traces(traces):
    assert list(PRIOR) == fit_prior(traces)


def test_it_tells_the_usual_risk_of_every_usual_shape():
    pool = Pool(20000)
    add_prior(pool)
    for spread in (0.0, 0.2, 0.5, 1.0, 2.0):
        for days in (3, 5, 7, 10, 14):
            assert pool.least_risk(Shape(spread, days)) < 0.05
            assert pool.excess(Shape(spread, days), 0.05) > 0 > pool.excess(Shape(spread, days), 0.95)


def test_the_peers_figures_are_those_of_the_design(traces):
    """design.md 10: KRR 12.0 % at 1.36, max of 14 days x 1.3 9.6 % at 1.53, max of 28 days x 1.15 6.5 % at 1.54."""
    weeks = list(rightsize._weeks(traces))
    for factor, older, observed, over in ((1.15, False, 0.120, 1.355), (1.3, False, 0.096, 1.531), (1.15, True, 0.065, 1.537)):
        figures = rightsize._figures(weeks, [factor * max(week.older if older else week.needs.values()) for week in weeks])
        assert (figures.weeks, round(figures.observed, 3), round(figures.over, 3)) == (324, observed, over)


def test_observed_is_what_was_asked_for(traces):
    weeks = list(rightsize._weeks(traces))
    pools = rightsize._pools(traces)
    for risk in (0.05, 0.10, 0.20):
        figures = rightsize._figures(weeks, [rightsize._limit(pools(week), week, risk) for week in weeks])
        assert abs(figures.observed - risk) <= 0.025
