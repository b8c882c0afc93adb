# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several workloads: the least memory for a mean risk, and what fits into a host."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings, strategies as st

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.together import CurvePoint, fit_host, share_risk

GIB = 1 << 30
MIB = 1 << 20


def curve(*points):
    return [CurvePoint(*point) for point in points]


def test_who_saves_most_bears_most():
    large, small = curve((10000, 0.2), (20000, 0.05)), curve((10, 0.2), (20, 0.05))
    assert share_risk([large, small], 0.125) == [large[0], small[1]]
    assert share_risk([large, small], 0.2) == [large[0], small[0]] and share_risk([large, small], 0.05) == [large[1], small[1]]


def test_less_than_can_be_told_is_what_can_be_told():
    assert share_risk([curve((10, 0.3), (20, 0.1))], 0.01) == [CurvePoint(20, 0.1)] and share_risk([], 0.1) == []


CURVES = st.lists(st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 99)), min_size=1, max_size=4), min_size=1, max_size=4)


@settings(max_examples=100)
@given(CURVES, st.integers(1, 99))
def test_no_choice_of_at_most_its_risk_takes_less(raw, percent):
    curves = [curve(*((limit, risk / 100) for limit, risk in points)) for points in raw]
    chosen = share_risk(curves, percent / 100)
    mean = sum(point.risk for point in chosen) / len(chosen)
    least = sum(min(point.risk for point in each) for each in curves) / len(curves)
    assert mean <= max(percent / 100, least) + 1e-9
    for other in itertools.product(*curves):
        if sum(point.risk for point in other) / len(other) <= mean + 1e-9:
            assert sum(point.limit for point in other) >= sum(point.limit for point in chosen) - 1


@pytest.mark.parametrize("memory, reserve", [(2 * GIB, 512 * MIB), (100 * GIB, 10 * GIB), (256 * MIB, 256 * MIB)])
def test_a_host_needs_some_memory_itself(memory, reserve):
    fit = fit_host(memory, {"web": memory - reserve}, {"web": 1})
    assert (fit.room, fit.short, fit.could_give) == (memory - reserve, 0, [])
    assert fit_host(memory, {"web": memory - reserve + 5}, {}).short == 5


def test_whose_limits_could_give():
    limits = {"web": 3 * GIB, "db": 4 * GIB, "cache": GIB, "new": GIB}
    fit = fit_host(8 * GIB, limits, {"web": GIB, "db": 3 * GIB, "cache": 2 * GIB})
    assert fit.short == 9 * GIB - fit.room > 0
    assert fit.could_give == [("web", 2 * GIB), ("db", GIB)]
