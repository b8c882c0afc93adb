# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records of one user's choice, 15,000 in all: what is told of others stays as it is (tests/unit/helpers/hostile_records.py)."""

import pytest
from hostile_records import check
from recorded_host import HOSTS


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("host", HOSTS)
def test_others_are_told_the_same(host, seed):
    assert check(host, seed, rounds=10, size=100) >= 1000
