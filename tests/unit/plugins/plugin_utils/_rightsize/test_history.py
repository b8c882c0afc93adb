# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Need: what is unknown counts as need, page cache that could go does not, and a kill shows that it needed more."""

from __future__ import annotations

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.history import (
    MIB,
    Day,
    Kill,
    Workload,
    is_cache,
    need_by_day,
    window,
)

TODAY = 20000
OWN = Kill(TODAY - 3, "container_limit", 512 * MIB)


def workload(*days, kills=(), limit=None, oom_events=0, pressure=0.0):
    return Workload([Day(TODAY - len(days) + number, *sizes, 1440) for number, sizes in enumerate(days)], list(kills), limit, oom_events, pressure)


READER = [(200 * MIB, 512 * MIB)] * 5


def test_need_is_the_larger_one_of_working_set_and_peak():
    assert need_by_day(workload((100, 120), (130, None), (None, 90), (None, None)), False) == {
        TODAY - 4: 120, TODAY - 3: 130, TODAY - 2: 90}


@pytest.mark.parametrize("changes, expected", [
    ({}, True),
    ({"oom_events": 1}, False),
    ({"oom_events": None}, False),
    ({"pressure": 1.0}, False),
    ({"pressure": None}, False),
    ({"kills": [OWN]}, False),
    ({"kills": [OWN._replace(limit=None)]}, False),
    ({"kills": [OWN._replace(cause="host_oom")]}, True),
])
def test_page_cache_is_left_out_only_where_all_is_known(changes, expected):
    one = workload(*READER, **changes)
    assert is_cache(one, one.days, one.kills) is expected
    assert max(window(one, TODAY).needs.values()) == (200 if expected else 512) * MIB


@pytest.mark.parametrize("days", [[(400 * MIB, 512 * MIB)], [(None, 512 * MIB)], [(200 * MIB, None)], [(None, None)], []])
def test_a_peak_that_is_near_or_alone_counts(days):
    one = workload(*days)
    assert not is_cache(one, one.days, one.kills)


@pytest.mark.parametrize("kill, expected", [
    (OWN, 512), (OWN._replace(limit=64 * MIB), 100), (OWN._replace(limit=None), 100), (OWN._replace(cause="nested_limit"), 100),
    (OWN._replace(cause="ancestor_limit"), 100), (OWN._replace(cause="host_oom"), 100), (OWN._replace(cause="systemd_oomd"), 100)])
def test_on_the_day_of_a_kill_of_its_own_it_needed_at_least_the_limit(kill, expected):
    needs = need_by_day(workload(*[(100 * MIB, 100 * MIB)] * 5, kills=[kill]), False)
    assert needs[kill.day] == expected * MIB and needs[TODAY - 1] == 100 * MIB


def test_the_window_is_two_weeks_and_today():
    days = [Day(TODAY + offset, 100, 100, 10) for offset in range(-20, 3)]
    seen = window(Workload(days, [OWN, OWN._replace(day=TODAY - 15), OWN._replace(cause="host_oom")], None, 0, 0.0), TODAY)
    assert (min(seen.needs), max(seen.needs), seen.samples) == (TODAY - 14, TODAY, 150)
    assert (seen.own_kills, [kill.cause for kill in seen.other_kills]) == ([OWN], ["host_oom"])
