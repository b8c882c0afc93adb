# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which limit wins."""

from ansible_collections.podman_fleet.memory.plugins.module_utils._cgroup.effective import effective_limits

MIB = 1 << 20
OWN = "/machine.slice/libpod-x.scope"


def limits(limit=None, swap=None, high=None, oom_group=False):
    return {"limit": limit, "swap": swap, "high": high, "oom_group": oom_group}


def test_the_lowest_wins_and_is_named():
    lineage = [(OWN + "/container", limits(64 * MIB)), (OWN, limits(64 * MIB, 128 * MIB)),
               ("/machine.slice", limits(32 * MIB, high=16 * MIB))]
    assert effective_limits(lineage, OWN, 2) == {
        "limit": 32 * MIB, "swap_limit": 160 * MIB, "high": 16 * MIB, "oom_group": False, "oom_kill_disabled": None, "source": "/machine.slice"}


def test_of_equal_limits_the_leaf_is_named():
    assert effective_limits([(OWN + "/container", limits(MIB)), (OWN, limits(MIB))], OWN, 2)["source"] == OWN + "/container"


def test_swap_is_the_total_on_both_versions():
    assert effective_limits([(OWN, limits(MIB, 0))], OWN, 2)["swap_limit"] == MIB
    assert effective_limits([(OWN, limits(MIB, 2 * MIB))], OWN, 1)["swap_limit"] == 2 * MIB


def test_no_limit_anywhere():
    assert effective_limits([(OWN, limits())], OWN, 2) == {
        "limit": None, "swap_limit": None, "high": None, "oom_group": False, "oom_kill_disabled": None, "source": None}


def test_oom_group_of_the_own_cgroups_only():
    above = ("/machine.slice", limits(oom_group=True))
    assert effective_limits([(OWN + "/container", limits(oom_group=True)), (OWN, limits()), above], OWN, 2)["oom_group"] is True
    assert effective_limits([(OWN, limits()), above], OWN, 2)["oom_group"] is False
    assert effective_limits([("/user.slice", limits(oom_group=True))], None, 2)["oom_group"] is None
    assert effective_limits([(OWN, limits(oom_group=None))], OWN, 1)["oom_group"] is None
