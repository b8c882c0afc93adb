# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for a container: unknown is never "not set", and the kernel's rounding is no difference."""

from __future__ import annotations

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._model import container_facts

MIB = 1024 * 1024
STOPPED = {"state__status": "exited", "memory__effective": None}
UNIT = {"limit": 32 * MIB, "swap_limit": None, "reservation": None, "oom_group": None}


@pytest.mark.parametrize("changes, expected", [
    ({}, (True, 64 * MIB)),
    ({"memory__effective__limit": None}, (True, None)),
    ({"memory__effective": None}, (False, None)),
    (STOPPED, (True, 64 * MIB)),
    ({**STOPPED, "memory__next_start": UNIT}, (True, 32 * MIB)),
    ({**STOPPED, "memory__declared": None}, (True, None)),
])
def test_current_limit(container, changes, expected):
    assert container_facts.current_limit(container(**changes)) == expected


@pytest.mark.parametrize("changes, expected", [
    ({}, (True, True)),
    ({"memory__effective__oom_group": False}, (True, False)),
    # cgroup v1
    ({"memory__effective__oom_group": None}, (False, None)),
    ({"memory__effective": None}, (False, None)),
    # the kernel's default is off
    ({**STOPPED, "memory__declared__oom_group": None}, (True, False)),
    ({**STOPPED, "memory__next_start": UNIT}, (True, False)),
])
def test_current_oom_group(container, changes, expected):
    assert container_facts.current_oom_group(container(**changes)) == expected


@pytest.mark.parametrize("status, expected", [
    ("running", True), ("paused", True), ("stopping", True), ("exited", False), ("created", False), (None, False)])
def test_is_running(container, status, expected):
    assert container_facts.is_running(container(state__status=status)) is expected


def test_whose_settings_the_next_start_has(container):
    of_unit, of_record = container(memory__next_start=UNIT), container()
    assert container_facts.is_set_by_unit(of_unit) and container_facts.next_start_settings(of_unit) == UNIT
    assert not container_facts.is_set_by_unit(of_record)
    assert container_facts.next_start_settings(of_record) == container_facts.declared_settings(of_record)


@pytest.mark.parametrize("source, expected", [
    ("/machine.slice/libpod-%s.scope", True), ("/user.slice/libpod-payload-%s", True), ("/machine.slice", False), (None, False)])
def test_has_own_limit(container, source, expected):
    one = container()
    one["memory"]["effective"]["source"] = source and source.replace("%s", one["id"])
    assert container_facts.has_own_limit(one) is expected


@pytest.mark.parametrize("limits, expected", [
    ((None, None), False), ((None, 0), True), ((MIB, MIB), False), ((MIB, MIB + 65535), False), ((MIB, MIB - 65536), True)])
def test_limits_differ(limits, expected):
    assert container_facts.limits_differ(*limits) is container_facts.limits_differ(*reversed(limits)) is expected


@pytest.mark.parametrize("limit, low, high, expected", [
    (None, MIB, MIB, None), (MIB, None, None, None), (MIB, 2 * MIB, None, "min"), (3 * MIB, MIB, 2 * MIB, "max"),
    (2 * MIB - 1, 2 * MIB, None, None), (2 * MIB + 1, None, 2 * MIB, None)])
def test_violated_bound(limit, low, high, expected):
    assert container_facts.violated_bound(limit, low, high) == expected
