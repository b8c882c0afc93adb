# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be done to a container, and what check mode says it will be like."""

import pytest
from hypothesis import given, strategies as st

from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.enforced import Enforced
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.method import Context, Unsupported
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.plan import (
    CurrentState,
    find_deviations,
    plan_container,
    previous_settings,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.request import Options

MIB = 1 << 20
PAGE = 4096
OWN = "/machine.slice/libpod-x.scope"
LEAF = OWN + "/container"
NOTHING = {"limit": None, "swap_limit": None, "reservation": None, "oom_group": None}


def limits(limit=None, swap=None, oom_group=False, high=None):
    return {"limit": limit, "swap": swap, "high": high, "oom_group": oom_group}


def live(limit=None, swap=None, oom_group=False, low=0, used=10 * MIB, scope=None, above=None, **more):
    lineage = [(LEAF, limits(limit, swap, oom_group)), (OWN, scope or limits()), ("/machine.slice", above or limits())]
    return Enforced(**dict(dict(cgroup_version=2, lineage=lineage, own=OWN, low=low, counts_swap=True, working_set=used), **more))


def state(version=(5, 4, 2), record=None, unit=None, running=None, **more):
    given_ = dict(version=version, cgroup_version=2, rootless=False, running=running is not None, own_cgroup=running is not None,
                  manager="none", unit_file=None, template=False, pod=False, auto_remove=False)
    return CurrentState(context=Context(**dict(given_, **more)), record=dict(NOTHING, **(record or {})),
                        unit=None if unit is None else dict(NOTHING, **unit), enforced=running)


def planned(container, backend="auto", persist=True, allow=False, total=1024 * MIB, **requested):
    options = Options(persist=persist, allow_below_usage=allow, backend=backend, restart="never", executable="podman", timeout=60)
    return plan_container(container, requested, options, PAGE, total)


def declared(limit, swap, **more):
    return dict({"limit": limit * MIB, "swap_limit": swap * MIB}, **more)


def test_a_first_limit():
    plan = planned(state(running=live()), memory=100 * MIB, oom_group=True)
    assert plan.target == {"limit": 100 * MIB, "swap_limit": 100 * MIB, "oom_group": True}
    assert (plan.update, plan.drop_in, plan.applied_live, plan.persistent, plan.restart_required) == (
        True, False, True, True, False)
    assert plan.before == {"declared": NOTHING,
                           "effective": {"limit": None, "swap_limit": None, "high": None, "oom_group": False}}
    assert plan.after == {"declared": dict(NOTHING, limit=100 * MIB, swap_limit=100 * MIB, oom_group=True),
                          "effective": {"limit": 100 * MIB, "swap_limit": 100 * MIB, "high": None, "oom_group": True}}


def test_nothing_to_do():
    container = state(record=declared(100, 100, oom_group=True), running=live(100 * MIB, 0, True))
    plan = planned(container, memory=100 * MIB, oom_group=True)
    assert (plan.update, plan.drop_in, plan.applied_live, plan.persistent) == (False, False, True, True)
    assert plan.before == plan.after


def test_only_what_is_given_is_changed():
    container = state(record=declared(100, 200, reservation=50 * MIB), running=live(100 * MIB, 100 * MIB, low=50 * MIB))
    assert planned(container, oom_group=True).target == {"oom_group": True}
    assert planned(container, memory_reservation=None).target == {"reservation": None}
    assert planned(container, memory_swap=150 * MIB).target == {"limit": 100 * MIB, "swap_limit": 150 * MIB}


@pytest.mark.parametrize("record, memory, swap", [
    ({}, 100, 100), (declared(50, 100), 100, 200), (declared(50, 50), 100, 100), (declared(100, 150), 60, 90),
    ({"limit": 50 * MIB, "swap_limit": None}, 100, 100),
])
def test_swap_without_being_given(record, memory, swap):
    """No swap on top, or in the proportion that was declared."""
    target = planned(state(record=record, running=live()), memory=memory * MIB).target
    assert target == {"limit": memory * MIB, "swap_limit": swap * MIB}


@given(st.integers(PAGE, 1 << 45), st.integers(PAGE, 1 << 45), st.integers(0, 1 << 45))
def test_a_second_run_has_nothing_to_do(memory, limit, more):
    """Whatever the proportion of swap, and though the kernel counts whole pages."""
    container = state(record={"limit": limit, "swap_limit": limit + more}, running=live())
    first = planned(container, memory=memory, allow=True)
    swap = first.target["swap_limit"]
    assert swap >= memory
    then = container._replace(
        record=dict(container.record, **first.target),
        enforced=live(memory - memory % PAGE, (swap - memory) - (swap - memory) % PAGE))
    second = planned(then, memory=memory)
    assert (second.update, second.target, second.applied_live) == (False, first.target, True)
    assert second.after == first.after
    assert find_deviations(then, first, PAGE) == []


@pytest.mark.parametrize("running", [
    live(80 * MIB, 0, True), live(100 * MIB, 100 * MIB, True), live(100 * MIB, 0, False), live(100 * MIB, 0, True, low=MIB),
    live(100 * MIB, 0, True, low=50 * MIB, scope=limits(90 * MIB))])
def test_drift_is_repaired(running):
    container = state(record=declared(100, 100, oom_group=True, reservation=50 * MIB), running=running)
    plan = planned(container, memory=100 * MIB, oom_group=True, memory_reservation=50 * MIB)
    assert plan.update and find_deviations(container, plan, PAGE)
    assert plan.after["effective"] == {"limit": 100 * MIB, "swap_limit": 100 * MIB, "high": None, "oom_group": True}


def test_what_is_enforced_and_not_declared_is_declared():
    plan = planned(state(running=live(100 * MIB, 0)), memory=100 * MIB)
    assert plan.update and plan.after["declared"]["limit"] == 100 * MIB


def test_an_update_that_is_forgotten_changes_nothing_declared():
    container = state((4, 3, 1), record=declared(50, 100), running=live(50 * MIB, 50 * MIB))
    plan = planned(container, memory=100 * MIB)
    assert (plan.update, plan.applied_live, plan.persistent) == (True, True, False)
    assert plan.after["declared"] == plan.before["declared"]
    again = planned(container._replace(enforced=live(100 * MIB, 100 * MIB)), memory=100 * MIB)
    assert (again.update, again.persistent) == (False, False)


def test_what_it_was_created_with_lasts_on_every_version():
    container = state((4, 3, 1), record=declared(100, 100), running=live(80 * MIB, 0))
    plan = planned(container, memory=100 * MIB)
    assert (plan.update, plan.persistent) == (True, True)


def test_a_container_that_does_not_run():
    plan = planned(state(record=declared(50, 50)), memory=100 * MIB)
    assert (plan.update, plan.applied_live, plan.persistent, plan.restart_required) == (True, False, True, False)
    assert plan.after["effective"] is None and plan.after["declared"]["limit"] == 100 * MIB
    old = planned(state((4, 3, 1), record=declared(50, 50)), memory=100 * MIB)
    assert (old.update, old.persistent, old.method.reason, old.after) == (False, False, "stopped", old.before)


def test_off_needs_nothing_where_nothing_is_said():
    plan = planned(state(running=live()), oom_group=False)
    assert (plan.update, plan.applied_live, plan.persistent) == (False, True, True)


def test_below_usage_is_refused_with_the_difference():
    container = state(running=live(used=100 * MIB))
    with pytest.raises(Unsupported) as caught:
        planned(container, memory=104 * MIB)
    assert "%d bytes less" % MIB in str(caught.value) and "allow_below_usage" in str(caught.value)
    assert planned(container, memory=105 * MIB).update
    assert planned(container, memory=10 * MIB, allow=True).update


def test_raising_is_never_below_usage():
    """It is over its limit's 95 % already, and gets more."""
    container = state(record=declared(50, 50), running=live(50 * MIB, 0, used=50 * MIB))
    assert planned(container, memory=51 * MIB).update


def test_unknown_usage_is_not_taken_for_none():
    with pytest.raises(Unsupported, match="can't be read"):
        planned(state(running=live(used=None)), memory=100 * MIB)


@pytest.mark.parametrize("record, requested, words", [
    (declared(100, 100), {"memory_swap": 50 * MIB}, ["memory_swap: 50m", "100m"]),
    ({}, {"memory_swap": 50 * MIB}, ["memory_swap: 50m", "no limit"]),
    (declared(100, 100), {"memory_reservation": 101 * MIB}, ["memory_reservation: 101m", "100m"]),
    (declared(100, 100, reservation=90 * MIB), {"memory": 80 * MIB}, ["memory_reservation: 90m", "80m"]),
])
def test_what_the_runtime_would_refuse_never_reaches_podman(record, requested, words):
    with pytest.raises(Unsupported) as caught:
        planned(state(record=record, running=live(100 * MIB, 0)), **requested)
    assert [word for word in words if word not in str(caught.value)] == []


def test_more_than_the_host_has_is_a_warning():
    assert "host" in planned(state(running=live()), memory=2048 * MIB).warnings[0]
    assert planned(state(running=live()), memory=1024 * MIB).warnings == []


def test_a_limit_above_it_is_not_its_own():
    """A pod's lower limit shows in `effective` and does not make every run change something."""
    container = state(record=declared(100, 100), running=live(100 * MIB, 0, above=limits(40 * MIB)))
    plan = planned(container, memory=100 * MIB)
    assert plan.update is False and plan.after["effective"]["limit"] == 40 * MIB


def test_a_host_without_swap_accounting():
    container = state(record=declared(100, 200), running=live(100 * MIB, None, counts_swap=False))
    plan = planned(container, memory=100 * MIB)
    assert (plan.update, plan.after["effective"]["swap_limit"]) == (False, None)


def quadlet(unit, running=None, **more):
    return state(unit=unit, running=running, manager="quadlet", unit_file="/etc/containers/systemd/a.container", **more)


def test_a_quadlet_gets_a_drop_in_and_the_kernel_its_limit():
    container = quadlet(declared(50, 100), live(50 * MIB, 50 * MIB), record=declared(50, 100))
    plan = planned(container, memory=100 * MIB, oom_group=True)
    assert (plan.update, plan.drop_in, plan.applied_live, plan.persistent) == (True, True, True, True)
    assert plan.after["declared"] == dict(NOTHING, limit=100 * MIB, swap_limit=200 * MIB, oom_group=True)


def test_a_quadlet_whose_unit_has_it_already():
    plan = planned(quadlet(declared(100, 100), live(100 * MIB, 0), record=declared(100, 100)), memory=100 * MIB)
    assert (plan.update, plan.drop_in) == (False, False)
    plan = planned(quadlet({}, live(100 * MIB, 0), record=declared(100, 100)), memory=100 * MIB)
    assert (plan.update, plan.drop_in) == (False, True)
    plan = planned(quadlet({}, live(100 * MIB, 0), record=declared(100, 100)), memory=100 * MIB, persist=False)
    assert (plan.update, plan.drop_in, plan.persistent) == (False, False, False)


def test_a_quadlet_in_nobodys_cgroup_needs_a_restart():
    outside = Enforced(cgroup_version=2, lineage=[("/system.slice/a.service", limits())], own=None, low=0, counts_swap=True,
                       working_set=None)
    plan = planned(quadlet({}, outside, own_cgroup=False), memory=100 * MIB)
    assert (plan.update, plan.drop_in, plan.applied_live, plan.persistent, plan.restart_required) == (
        False, True, False, True, True)
    assert plan.after["effective"] == plan.before["effective"]


def test_cgroupfs_writes_the_leaf_alone():
    plan = planned(state(record=declared(100, 100), running=live(100 * MIB, 0)), backend="cgroupfs", memory=60 * MIB)
    assert (plan.update, plan.applied_live, plan.persistent) == (True, True, False)
    with pytest.raises(Unsupported, match="libpod-x.scope above it holds it at limit 50m"):
        planned(state(running=live(50 * MIB, 0, scope=limits(50 * MIB))), backend="cgroupfs", memory=60 * MIB)


def test_the_way_back():
    container = state(record=declared(50, 100), running=live(40 * MIB, 0))
    assert previous_settings(container, planned(container, memory=100 * MIB, oom_group=True)) == {
        "limit": 50 * MIB, "swap_limit": 100 * MIB, "oom_group": None}
    old = state((4, 3, 1), record=declared(50, 100), running=live(40 * MIB, 10 * MIB, True))
    assert previous_settings(old, planned(old, memory=100 * MIB, oom_group=False)) == {
        "limit": 40 * MIB, "swap_limit": 50 * MIB, "oom_group": True}


def test_what_was_not_reached_is_told():
    container = quadlet(declared(50, 100), live(50 * MIB, 50 * MIB), record=declared(50, 100))
    plan = planned(container, memory=100 * MIB)
    assert len(find_deviations(container, plan, PAGE)) == 3
