# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Leaks: three raises in two weeks, or steady growth that reaches the limit within a week."""

from __future__ import annotations

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.history import MIB, Kill
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.leak import raises, reaches_limit, too_many_raises

TODAY = 20000


def kills(*limits):
    return [Kill(TODAY - len(limits) + number, "container_limit", limit) for number, limit in enumerate(limits)]


@pytest.mark.parametrize("limits, expected", [((), 0), ((100,), 1), ((100, 100, 100), 1), ((100, 120, 144), 3), ((144, 100, 120), 1)])
def test_kills_at_one_limit_raise_once(limits, expected):
    assert raises(kills(*limits)) == expected and too_many_raises(kills(*limits)) is (expected >= 3)


def growth(*peaks):
    return {TODAY - len(peaks) + number: peak * MIB for number, peak in enumerate(peaks)}


@pytest.mark.parametrize("peaks, limit, expected", [
    ([100, 110, 120, 130, 140], 155, TODAY + 1),
    ([100, 110, 120, 130, 140], 150, TODAY),
    ([100, 110, 120, 130, 140], 120, TODAY),  # it is there
    ([100, 110, 120, 130, 140], 210, TODAY + 6),
    ([100, 110, 120, 130, 140], 211, None),  # on the eighth day
    ([100, 110, 120, 130], 150, None),  # four days
    ([100, 180, 90, 170, 130, 120], 150, None),  # it is not steady
    ([140, 130, 120, 110, 100], 150, None),
    ([100] * 10, 100, None),
    ([100, 110, 120, 130, 140], None, None),
])
def test_growth(peaks, limit, expected):
    assert reaches_limit(growth(*peaks), None if limit is None else limit * MIB, TODAY) == expected


def test_today_is_not_over_and_the_past_is_past():
    needs = growth(100, 110, 120, 130, 140)
    assert reaches_limit({**needs, TODAY: 1 * MIB, TODAY - 30: 900 * MIB}, 155 * MIB, TODAY) == TODAY + 1
