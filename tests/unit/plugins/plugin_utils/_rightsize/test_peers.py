# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The peers, by their own documentation: KRR's largest and 15 %, VPA's percentiles with a half-life of a day."""

from __future__ import annotations

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.peers import krr, vpa_target, vpa_upper


def test_krr():
    assert krr([100, 400, 200]) == pytest.approx(460)


def test_vpa_s_buckets_grow_by_five_percent():
    for peak in (0, 1, 10**7, 5 * 10**8, 10**12):
        assert peak < vpa_target([peak]) / 1.15 <= max(peak * 1.05 + 10**7, 10**7) * 1.0001


def test_vpa_forgets_a_peak_in_days():
    steady, spike = [10**9] * 14, [9 * 10**9]
    assert vpa_target(steady + spike) > 9 * 10**9  # half of the weight is the last day's
    assert vpa_target(steady[:7] + spike + steady[:4]) < 1.3 * 10**9
    assert vpa_target(spike + steady[:8]) == vpa_target(steady[:8])


def test_vpa_s_upper_bound_comes_nearer_with_the_days():
    assert vpa_upper([10**9]) == pytest.approx(2 * vpa_target([10**9]))
    assert vpa_upper([10**9] * 10) == pytest.approx(1.1 * vpa_target([10**9] * 10))
