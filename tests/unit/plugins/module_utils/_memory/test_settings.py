# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same settings as Podman's API, its options, and the kernel's files have them."""

from hypothesis import given, strategies as st

from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.settings import (
    SETTING_KEYS,
    declared_settings,
    differs,
    from_resources,
    to_leaf_files,
    to_resources,
    to_run_options,
)

MIB = 1 << 20
ALL = {"limit": 100 * MIB, "swap_limit": 150 * MIB, "reservation": 50 * MIB, "oom_group": True}
NONE = {"limit": None, "swap_limit": None, "reservation": None, "oom_group": False}


def test_what_is_sent():
    assert to_resources(ALL) == {"memory": {"limit": 100 * MIB, "swap": 150 * MIB, "reservation": 50 * MIB},
                                 "unified": {"memory.oom.group": "1"}}
    assert to_resources({"oom_group": False}) == {"unified": {"memory.oom.group": "0"}}


def test_removing_a_reservation_is_no_protection_of_everything():
    """-1 was seen to set memory.low=max on Podman 5.4.2."""
    assert to_resources(NONE)["memory"] == {"limit": -1, "swap": -1, "reservation": 0}


def test_all_that_is_there_is_sent_again():
    """As `podman generate spec` gives it; Podman 5.1 to 5.3 forgets the rest."""
    present = {"devices": [{"allow": False, "access": "rwm"}], "memory": {"limit": 1, "swap": 2, "swappiness": 10},
               "pids": {"limit": 99}, "cpu": {"shares": 512}, "unified": {"memory.high": "9", "memory.oom.group": "0"}}
    sent = to_resources({"limit": 3 * MIB, "swap_limit": 4 * MIB, "oom_group": True}, present)
    assert sent == dict(present, memory={"limit": 3 * MIB, "swap": 4 * MIB, "swappiness": 10},
                        unified={"memory.high": "9", "memory.oom.group": "1"})
    assert present["unified"]["memory.oom.group"] == "0"
    assert to_resources({"oom_group": True}, {"pids": {"limit": 99}}) == {
        "pids": {"limit": 99}, "unified": {"memory.oom.group": "1"}}


def test_options():
    assert to_run_options(ALL) == ["--memory=100m", "--memory-swap=150m", "--memory-reservation=50m",
                                   "--cgroup-conf=memory.oom.group=1"]
    assert to_run_options(NONE) == ["--memory=0", "--memory-swap=-1", "--memory-reservation=0",
                                    "--cgroup-conf=memory.oom.group=0"]
    assert to_run_options({"oom_group": None}) == []


def test_files():
    assert to_leaf_files(ALL) == [("memory.max", str(100 * MIB)), ("memory.swap.max", str(50 * MIB)),
                                  ("memory.low", str(50 * MIB)), ("memory.oom.group", "1")]
    assert to_leaf_files(NONE) == [("memory.max", "max"), ("memory.swap.max", "max"), ("memory.low", "0"),
                                   ("memory.oom.group", "0")]
    assert to_leaf_files({"oom_group": False}) == [("memory.oom.group", "0")]


def test_recorded():
    assert from_resources({}) == dict.fromkeys(SETTING_KEYS)
    assert from_resources({"memory": {"limit": -1, "swap": 0}, "unified": {"memory.oom.group": "0"}}) == {
        "limit": None, "swap_limit": None, "reservation": None, "oom_group": False}


sizes = st.one_of(st.none(), st.integers(1, 1 << 50))
settings = st.fixed_dictionaries({"limit": sizes, "swap_limit": sizes, "reservation": sizes, "oom_group": st.booleans()})


@given(settings)
def test_what_is_sent_is_what_is_recorded(given_):
    assert from_resources(to_resources(given_)) == given_


def test_declared_is_the_units_where_there_is_one():
    assert declared_settings(ALL, None) == ALL
    assert declared_settings(ALL, NONE) == NONE
    assert declared_settings({}, None) == dict.fromkeys(SETTING_KEYS)


def test_differs():
    assert not differs({"oom_group": False}, {"oom_group": None})
    assert differs({"oom_group": True}, {"oom_group": None})
    assert differs({"limit": None}, ALL) and not differs({"limit": 100 * MIB}, ALL)
