# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to change, and whether a host is ready."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._boot.kernel_args import parse_arguments
from ansible_collections.podman_fleet.memory.plugins.module_utils._boot.next_boot import parse_cmdline_file
from ansible_collections.podman_fleet.memory.plugins.module_utils._cgroup_v2.changes import (
    HostState,
    is_ready,
    needs_reboot,
    plan_changes,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.platform import Systemd

OFF = "systemd.unified_cgroup_hierarchy=0"
NO_MEMORY = "cgroup_disable=memory"
CFG = "/boot/grub/grub.cfg"


def user(name="alice", uid=1000, delegated=True, configured=("cpu", "memory", "pids")):
    return {"name": name, "uid": uid, "memory_delegated": delegated, "configured": configured and list(configured)}


def state(line="", plan=None, kind="grub", path=CFG, **changed):
    """A host that is as it should be, with what is changed about it."""
    planned = None if plan is None else parse_cmdline_file(kind, path, plan)
    given = dict(mode="v2", mounts_known=True, container=None, kernel="6.1.0", systemd=Systemd(252, "unified"),
                 default_hierarchy="unified", arguments=None if line is None else parse_arguments(line), next_boot=planned,
                 memory=True, reasons=[], enabled=["cpu", "memory", "pids"], raspberry=False, users=[user("root", 0), user()])
    given.update(changed)
    return HostState(**given)


def reason(ident):
    return [{"id": ident, "detail": "because", "argument": None}]


def brief(given):
    return [(change["id"], change["argument"], change["reboot"], change["configured"]) for change in plan_changes(given)]


def test_nothing_to_do():
    assert plan_changes(state()) == []
    assert is_ready(state()) is True
    assert needs_reboot([]) is False


def test_each_change_has_all_of_it():
    for change in plan_changes(state(OFF, mode="v1", memory=False, reasons=reason("not_compiled_in"),
                               users=[user(configured=["pids"], delegated=False)])):
        assert set(change) == {"id", "what", "why", "argument", "file", "users", "reboot", "configured"}
        assert change["what"] and change["why"]


# what forces v1

@pytest.mark.parametrize("line, plan, changed, expected", [
    (OFF, None, {}, [("remove_argument", OFF, True, None)]),
    (OFF, OFF, {}, [("remove_argument", OFF, True, False)]),
    (OFF, "", {}, [("remove_argument", OFF, True, True)]),  # done, and waits for the reboot
    ("systemd.unified-cgroup-hierarchy=no", None, {}, [("remove_argument", "systemd.unified-cgroup-hierarchy=no", True, None)]),
    (OFF + " systemd.legacy_systemd_cgroup_controller=1", None, {},
     [("remove_argument", OFF, True, None), ("remove_argument", "systemd.legacy_systemd_cgroup_controller=1", True, None)]),
    (OFF + " SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1", None, {"systemd": Systemd(257, None)},
     [("remove_argument", OFF, True, None), ("remove_argument", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1", True, None)]),
    # RHEL 8, Ubuntu 20.04: v1 by default
    ("quiet", None, {"systemd": Systemd(239, "legacy"), "default_hierarchy": "legacy"},
     [("add_argument", "systemd.unified_cgroup_hierarchy=1", True, None)]),
    ("quiet", "systemd.unified_cgroup_hierarchy=1", {"systemd": Systemd(245, "hybrid"), "default_hierarchy": "hybrid"},
     [("add_argument", "systemd.unified_cgroup_hierarchy=1", True, True)]),
    (OFF, OFF, {"default_hierarchy": "hybrid"},
     [("remove_argument", OFF, True, False), ("add_argument", "systemd.unified_cgroup_hierarchy=1", True, False)]),
    ("", None, {"default_hierarchy": None}, [("add_argument", "systemd.unified_cgroup_hierarchy=1", True, None)]),
    ("", None, {}, [("find_who_mounts_v1", None, True, None)]),
    ("", None, {"systemd": None}, [("init_mounts_v2", None, True, None)]),
    ("", None, {"kernel": "4.4.0"}, [("upgrade_kernel", None, True, None)]),
    (OFF, None, {"kernel": None}, [("remove_argument", OFF, True, None)]),
    (None, None, {}, [("read_command_line", None, None, None)]),
    ("", None, {"container": "docker"}, [("change_container_host", None, None, None)]),
])
@pytest.mark.parametrize("mode", ["v1", "hybrid"])
def test_on_v1(mode, line, plan, changed, expected):
    given = state(line, plan, mode=mode, users=[user(delegated=False)], **changed)
    assert brief(given) == expected
    assert is_ready(given) is False


def test_unknown_mounts_ask_for_nothing():
    given = state(mode=None, mounts_known=False, memory=None, enabled=None, users=[])
    assert plan_changes(given) == []
    assert is_ready(given) is None


def test_no_hierarchy_at_all_is_not_ready():
    given = state(mode=None, memory=None, enabled=None, users=[], systemd=None)
    assert is_ready(given) is False


# on v2 now, not after the next boot

@pytest.mark.parametrize("plan, version, expected", [
    (OFF, 252, [("remove_argument", OFF, False, False)]),
    (OFF, 257, [("remove_argument", OFF, False, False)]),  # it would not boot
    (OFF, 258, []),
    (OFF + " " + NO_MEMORY, 252, [("remove_argument", OFF, False, False), ("remove_argument", NO_MEMORY, False, False)]),
    ("", 252, []),
])
def test_what_would_take_the_host_off_v2(plan, version, expected):
    assert brief(state("", plan, systemd=Systemd(version, None))) == expected


# the memory controller

@pytest.mark.parametrize("line, plan, ident, changed, expected", [
    (NO_MEMORY, None, "disabled_by_argument", {}, [("remove_argument", NO_MEMORY, True, None)]),
    (NO_MEMORY, NO_MEMORY, "disabled_by_argument", {}, [("remove_argument", NO_MEMORY, True, False)]),
    (NO_MEMORY, "", "disabled_by_argument", {}, [("remove_argument", NO_MEMORY, True, True)]),
    ("cgroup_disable=cpu,memory", None, "disabled_by_argument", {}, [("remove_argument", "cgroup_disable=cpu,memory", True, None)]),
    ("", None, "disabled_by_default", {"raspberry": True}, [("add_argument", "cgroup_enable=memory", True, None)]),
    ("", None, "not_compiled_in", {}, [("install_kernel", None, True, None)]),
    ("", None, "used_by_v1", {}, [("unmount_v1_memory", None, True, None)]),
    ("", None, "unknown", {}, [("find_memory_controller", None, None, None)]),
    ("", None, "not_given_to_container", {"container": "lxc"}, [("change_container_host", None, None, None)]),
])
def test_without_the_memory_controller(line, plan, ident, changed, expected):
    given = state(line, plan, memory=False, reasons=reason(ident), enabled=["cpu"], users=[user(delegated=False)], **changed)
    assert brief(given) == expected
    assert is_ready(given) is False


@pytest.mark.parametrize("line, plan, expected", [
    # the firmware's, in front of cmdline.txt
    (NO_MEMORY + " rootwait", "rootwait", [("add_argument", "cgroup_enable=memory", True, False)]),
    (NO_MEMORY + " rootwait", "rootwait cgroup_enable=memory", [("add_argument", "cgroup_enable=memory", True, True)]),
    # an administrator's own, in cmdline.txt
    ("cgroup_enable=memory " + NO_MEMORY, "cgroup_enable=memory " + NO_MEMORY, [("remove_argument", NO_MEMORY, True, False)]),
])
def test_raspberry_pi(line, plan, expected):
    given = state(line, plan, "cmdline_txt", "/boot/firmware/cmdline.txt", memory=False,
                  reasons=reason("disabled_by_argument"), raspberry=True, enabled=["cpu"], users=[])
    assert brief(given) == expected
    assert plan_changes(given)[0]["file"] == "/boot/firmware/cmdline.txt"


@pytest.mark.parametrize("line, plan, expected, words", [
    ("rootwait cgroup_enable=memory", "rootwait cgroup_enable=memory", ("install_kernel", None, None, None), "knows cgroup_enable="),
    (NO_MEMORY + " rootwait cgroup_enable=memory", "rootwait cgroup_enable=memory", ("install_kernel", None, None, None), "device tree"),
    # it is in cmdline.txt, too, in front of ours: that can be taken away
    (NO_MEMORY + " cgroup_enable=memory", NO_MEMORY + " cgroup_enable=memory", ("remove_argument", NO_MEMORY, True, False), "remove"),
])
def test_a_kernel_that_ignores_cgroup_enable(line, plan, expected, words):
    given = state(line, plan, "cmdline_txt", "/boot/firmware/cmdline.txt", memory=False, reasons=reason("enable_ignored"), raspberry=True,
                  enabled=["cpu"], users=[])
    assert brief(given) == [expected]
    assert words in plan_changes(given)[0]["what"]


def test_not_enabled_for_children():
    given = state(enabled=["cpu"], users=[])
    assert brief(given) == [("enable_memory_for_children", None, False, None)]
    assert is_ready(given) is False


# users

@pytest.mark.parametrize("users, ids, ready", [
    ([user()], [], True),
    ([user(configured=None)], [], True),
    ([user(delegated=None)], [], True),  # no session, and what systemd will do is known
    ([user(delegated=None, configured=None)], [], None),
    ([user(delegated=None, configured=["pids"])], ["delegate_memory"], False),
    ([user(delegated=False, configured=["pids"])], ["delegate_memory"], False),
    ([user(delegated=True, configured=["pids"])], ["delegate_memory"], True),  # until the manager is restarted
    ([user(delegated=False)], ["restart_user_manager"], False),
    ([user(delegated=False, configured=None)], ["delegate_memory"], False),
    ([user("root", 0, delegated=True, configured=None)], [], True),
    ([user("root", 0, delegated=None, configured=None)], [], None),
    ([], [], True),
])
def test_delegation(users, ids, ready):
    given = state(users=users)
    assert [change["id"] for change in plan_changes(given)] == ids
    assert is_ready(given) is ready


def test_users_are_named_together():
    users = [user("a", 1, False, ["pids"]), user("b", 2, False, []), user("c", 3), user("d", 4, False)]
    assert [(change["id"], change["users"]) for change in plan_changes(state(users=users))] == [
        ("delegate_memory", ["a", "b"]), ("restart_user_manager", ["d"])]


@pytest.mark.parametrize("memory, enabled, ready", [(None, ["memory"], None), (True, None, None), (False, None, False)])
def test_not_known_is_not_ready(memory, enabled, ready):
    assert is_ready(state(memory=memory, enabled=enabled, reasons=reason("unknown"))) is ready


@pytest.mark.parametrize("kind, expected", [
    ("grub", "/etc/default/grub"), ("kernel_install", "/etc/kernel/cmdline"), ("bls", None), (None, None),
])
def test_file_to_change(kind, expected):
    assert plan_changes(state(OFF, OFF, kind, mode="v1", users=[]))[0]["file"] == expected


@pytest.mark.parametrize("answers, expected", [
    ([], False), ([False], False), ([True, None], True), ([False, None], None), ([False, True], True),
])
def test_reboot_required(answers, expected):
    assert needs_reboot([{"reboot": answer} for answer in answers]) is expected
