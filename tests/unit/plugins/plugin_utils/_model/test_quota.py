# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host, or one user of a host, does not fill a list."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._model.quota import fair_share, host_quota

OWNERS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xy")), max_size=80)


def shares(owners, most):
    numbered = [(owner, number) for number, owner in enumerate(owners)]
    return fair_share(numbered, most, lambda item: item[0])


@given(OWNERS, st.integers(0, 30))
def test_as_many_as_there_is_room_for_in_their_order(owners, most):
    chosen = shares(owners, most)
    assert len(chosen) == min(most, len(owners))
    assert chosen == sorted(chosen, key=lambda item: item[1])


@given(OWNERS, st.integers(2, 30))
def test_the_first_one_of_each_host_is_there(owners, most):
    hosts = {host for host, _user in owners}
    if host_quota(most) * len(hosts) <= most:
        assert {owner[0] for owner, _number in shares(owners, most)} == hosts


@pytest.mark.parametrize("most", [2, 3, 5, 10, 15, 20, 50, 200])
def test_who_makes_many_gets_no_more_than_what_others_leave(most):
    flood = [("evil", "alice")] * 10000
    chosen = [owner for owner, _number in shares(flood + [("evil", "root"), ("good", "root")], most)]
    assert ("good", "root") in chosen
    assert (("evil", "root") in chosen) is (host_quota(most) > 1)
    # alone, it may have all of the list
    assert len(shares(flood, most)) == most


def test_the_worst_of_others_comes_first():
    owners = [("a", "x")] * 5 + [("b", "x")]
    assert [number for _owner, number in shares(owners, 5)] == [0, 1, 2, 3, 5]
