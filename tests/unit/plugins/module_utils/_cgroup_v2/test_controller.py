# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The memory controller: there or not, why not, what it offers, to whom."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._boot.kernel_args import parse_arguments
from ansible_collections.podman_fleet.memory.plugins.module_utils._cgroup_v2.controller import (
    NO_CONTROLLER,
    absence_reasons,
    delegated_controllers,
    has_memory_controller,
    has_swap_accounting,
    kernel_config_value,
    oom_group_support,
    psi_support,
    root_delegation,
    user_delegation,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.systemctl import parse_show


@pytest.mark.parametrize("mode, available, known, expected", [
    ("v2", ["cpu", "memory"], None, True),
    ("v2", ["cpu"], {"memory": ("0", True)}, False),
    ("v2", ["memory"], {}, True),  # /proc/cgroups of newer kernels doesn't name it
    ("v2", None, {"memory": ("0", True)}, None),
    ("v1", None, {"memory": ("6", True)}, True),
    ("v1", None, {"memory": ("0", False)}, False),
    ("v1", None, {"cpu": ("1", True)}, False),
    ("v1", None, None, None),
    ("hybrid", None, {"memory": ("6", True)}, True),
    (None, None, {"memory": ("0", True)}, None),
])
def test_present(mode, available, known, expected):
    assert has_memory_controller(mode, available, known) is expected


def reasons(line="", raspberry=False, known=None, config=None, container=None):
    result = absence_reasons(parse_arguments(line), raspberry, known, config, container)
    assert all(set(reason) == {"id", "detail", "argument"} and reason["detail"] for reason in result)
    return [(reason["id"], reason["argument"]) for reason in result]


OFF = "cgroup_disable=memory"


@pytest.mark.parametrize("given, expected", [
    (dict(line=OFF), [("disabled_by_argument", OFF)]),
    (dict(line=OFF + " cgroup_enable=memory"), [("disabled_by_argument", OFF)]),
    (dict(line="cgroup_enable=memory " + OFF, raspberry=True), [("disabled_by_argument", OFF)]),
    (dict(line=OFF, config="n"), [("not_compiled_in", None), ("disabled_by_argument", OFF)]),
    (dict(config="n"), [("not_compiled_in", None)]),
    (dict(known={"memory": ("6", True)}, config="y"), [("used_by_v1", None)]),
    (dict(known={"memory": ("0", False)}, config="y"), [("disabled_by_default", None)]),
    (dict(raspberry=True), [("disabled_by_default", None)]),
    (dict(line="rootwait cgroup_enable=memory cgroup_memory=1", raspberry=True), [("enable_ignored", "cgroup_enable=memory")]),
    (dict(line="cgroup_enable=cpuset,memory", known={"memory": ("0", False)}), [("enable_ignored", "cgroup_enable=cpuset,memory")]),
    (dict(line="cgroup_enable=cpuset", raspberry=True), [("disabled_by_default", None)]),
    # the firmware's in front of ours, on a kernel of mainline
    (dict(line=OFF + " cgroup_enable=memory", raspberry=True), [("enable_ignored", "cgroup_enable=memory"), ("disabled_by_argument", OFF)]),
    (dict(line="cgroup_enable=memory", raspberry=True, config="n"), [("not_compiled_in", None)]),
    (dict(line="cgroup_enable=memory", raspberry=True, known={"memory": ("6", True)}), [("used_by_v1", None)]),
    (dict(line="-- cgroup_enable=memory", raspberry=True), [("disabled_by_default", None)]),
    (dict(container="lxc"), [("not_given_to_container", None)]),
    (dict(container="lxc", line=OFF), [("disabled_by_argument", OFF)]),
    (dict(config="y", known={"memory": ("0", True)}), [("unknown", None)]),
    (dict(), [("unknown", None)]),
])
def test_why_it_is_not_there(given, expected):
    assert reasons(**given) == expected


@pytest.mark.parametrize("text, expected", [
    ("CONFIG_CGROUPS=y\nCONFIG_MEMCG=y\n", "y"), ("# CONFIG_MEMCG is not set\n", "n"), ("CONFIG_MEMCG_V1=y\n", "n"), ("", "n"),
])
def test_kernel_configuration(text, expected):
    assert kernel_config_value(text, "CONFIG_MEMCG") == expected


FILES = {"memory.oom.group": "0\n", "memory.events": "low 0\noom_kill 0\noom_group_kill 0\n", "memory.swap.max": "max\n"}


@pytest.mark.parametrize("mode, memory, samples, supported, kill_event", [
    ("v2", True, [FILES], True, True),
    ("v2", True, [dict(FILES, **{"memory.events": "low 0\noom_kill 0\n"})], True, False),
    ("v2", True, [dict(FILES, **{"memory.events": None})], True, None),
    ("v2", True, [dict(FILES, **{"memory.oom.group": None})], False, True),
    ("v2", True, [], None, None),
    ("v2", None, [], None, None),
    ("v2", False, [], False, False),
    ("v1", True, [], False, False),
    ("hybrid", True, [], False, False),
    (None, None, [], None, None),
])
def test_oom_group(mode, memory, samples, supported, kill_event):
    result = oom_group_support(mode, memory, samples)
    assert (result["supported"], result["kill_event"]) == (supported, kill_event)
    assert (result["why"] is None) is (supported is True)


@pytest.mark.parametrize("mode, memory, samples, v1_root, expected", [
    ("v2", True, [FILES], None, True),
    ("v2", True, [dict(FILES, **{"memory.swap.max": None})], None, False),
    ("v2", True, [], None, None),
    ("v2", False, [], None, False),
    ("v1", True, [], {"memory.memsw.limit_in_bytes": "9223372036854771712\n"}, True),
    ("v1", True, [], {"memory.memsw.limit_in_bytes": None}, False),
    ("v1", None, [], None, None),
])
def test_swap_accounting(mode, memory, samples, v1_root, expected):
    assert has_swap_accounting(mode, memory, samples, v1_root) is expected


@pytest.mark.parametrize("text, problem, expected", [
    ("some avg10=0.00\n", None, True), (None, None, False), (None, "Operation not supported", False),
    (None, "Permission denied", None),
])
def test_pressure(text, problem, expected):
    result = psi_support(text, problem)
    assert result["available"] is expected
    assert (result["why"] is None) is (expected is True)


@pytest.mark.parametrize("mode, memory, exists, controllers, expected", [
    ("v2", True, True, ["cpu", "memory"], (["cpu", "memory"], True)),
    ("v2", True, True, ["pids"], (["pids"], False)),
    ("v2", True, True, None, (None, None)),
    ("v2", True, False, None, (None, None)),
    ("v2", True, None, None, (None, None)),
    ("v2", False, True, ["pids"], (["pids"], False)),
    ("v2", False, False, None, (None, False)),  # nobody can have what the host hasn't
    ("v1", True, True, None, ([], False)),
    ("hybrid", True, False, None, ([], False)),
    (None, None, None, None, (None, None)),
])
def test_user(mode, memory, exists, controllers, expected):
    result = user_delegation(mode, memory, exists, controllers)
    assert result[:2] == expected
    assert (result[2] is None) is (expected[1] is True)


def test_root():
    assert root_delegation(["cpu", "memory"], True) == (["cpu", "memory"], True, None)
    assert root_delegation(["cpu"], True)[1] is False
    assert root_delegation(["cpu"], False) == (["cpu"], False, NO_CONTROLLER)
    assert root_delegation(None, True)[:2] == (None, None)


def test_delegated_controllers():
    text = ("DelegateControllers=cpu memory pids\nId=user@1000.service\n\n"
            "Id=user@1001.service\nDelegateControllers=\n\nId=user@1002.service\n")
    assert delegated_controllers(parse_show(text)) == {
        "user@1000.service": ["cpu", "memory", "pids"], "user@1001.service": []}
    assert delegated_controllers({}) == {}
