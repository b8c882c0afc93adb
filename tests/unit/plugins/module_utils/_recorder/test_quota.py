# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets how much when there is not enough for all."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder import quota
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.quota import allowed, fair_shares


@pytest.mark.parametrize("wanted, total, shares", [
    ({}, 10, {}),
    ({"a": 3, "b": 4}, 10, {"a": 3, "b": 4}),
    ({"a": 100, "b": 4}, 10, {"a": 6, "b": 4}),
    ({"a": 100, "b": 100, "c": 1}, 11, {"a": 5, "b": 5, "c": 1}),
    ({"a": 100, "b": 100}, 1, {"a": 0, "b": 1}),
])
def test_who_wants_little_gets_all_of_it(wanted, total, shares):
    assert fair_shares(wanted, total) == shares


def test_no_number_of_users_takes_anything_from_root():
    wanted = dict.fromkeys(range(1000, 1100), 10 ** 6)
    wanted.update({0: quota.MAX_OF_ROOT, 2000: 3})
    shares = allowed(wanted)
    assert shares[0] == quota.MAX_OF_ROOT and shares[2000] == 3
    assert sum(shares.values()) - shares[0] <= quota.MAX_OF_USERS and min(shares[uid] for uid in range(1000, 1100)) > 20


def test_one_user_alone_has_a_limit_too():
    assert allowed({1000: 10 ** 6, 0: 10 ** 6}) == {1000: quota.MAX_PER_USER, 0: quota.MAX_OF_ROOT}
