# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What container_memory can be asked, and what is refused before any host is looked at."""

import pytest
from hypothesis import given, strategies as st

from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.request import (
    SETTING_OPTIONS,
    Request,
    RequestError,
    parse_requests,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.sizes import format_size

MIB = 1 << 20
PAGE = 4096


def params(containers=None, **flat):
    return dict({key: None for key in ("name", "user") + SETTING_OPTIONS}, containers=containers, **flat)


def read(*containers):
    nothing = dict.fromkeys(("name", "user") + SETTING_OPTIONS)
    return parse_requests(params([dict(nothing, **container) for container in containers]), "root", PAGE)


def test_flat_and_in_a_list_mean_the_same():
    flat = parse_requests(params(name="web", memory="512m", oom_group=False), "root", PAGE)
    assert flat == [Request("", "web", "root", {"memory": 512 * MIB, "oom_group": False})]
    assert [each._replace(where="") for each in read({"name": "web", "memory": "512m", "oom_group": False})] == flat


def test_only_what_is_given_is_wanted():
    assert read({"name": "a", "user": "alice", "memory": "unlimited"}) == [
        Request("containers[0].", "a", "alice", {"memory": None})]


@pytest.mark.parametrize("given_, words", [
    ({"name": " ", "memory": "1g"}, ["containers[1].name", "empty"]),
    ({"name": "a"}, ["containers[1].name", "'a'", "memory_reservation", "oom_group"]),
    ({"name": "a", "memory": "lots"}, ["containers[1].memory", "'lots'", "512m"]),
    ({"name": "a", "memory": "-5"}, ["containers[1].memory", "negative"]),
    ({"name": "a", "memory_swap": "0"}, ["containers[1].memory_swap", "usable size"]),
    ({"name": "a", "memory": "4095"}, ["containers[1].memory", "4095", "4096", "page"]),
    ({"name": "a", "memory_reservation": "1k"}, ["containers[1].memory_reservation", "page"]),
    ({"name": "a", "memory": "100m", "memory_swap": "50m"}, ["containers[1].memory_swap", "50m", "100m"]),
    ({"name": "a", "memory": "unlimited", "memory_swap": "50m"}, ["containers[1].memory_swap", "50m", "unlimited"]),
    ({"name": "a", "memory": "100m", "memory_reservation": "101m"}, ["containers[1].memory_reservation", "101m", "100m"]),
])
def test_a_mistake_is_named_with_its_place_and_value(given_, words):
    with pytest.raises(RequestError) as caught:
        read({"name": "fine", "memory": "1g"}, given_)
    assert [word for word in words if word not in str(caught.value)] == []


def test_a_setting_beside_the_list_is_refused():
    with pytest.raises(RequestError, match="memory.*containers"):
        parse_requests(params([{"name": "a", "memory": "1g"}], memory="1g"), "root", PAGE)


@given(st.integers(PAGE, 1 << 50), st.integers(0, 1 << 50))
def test_swap_is_accepted_exactly_from_memory_on(memory, swap):
    wanted = {"name": "a", "memory": format_size(memory), "memory_swap": str(swap or 1)}
    if swap >= memory:
        assert read(wanted)[0].requested == {"memory": memory, "memory_swap": swap}
    else:
        with pytest.raises(RequestError):
            read(wanted)
