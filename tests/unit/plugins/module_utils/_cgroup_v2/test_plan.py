# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role does about the changes that a host needs, and what stands in the way."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._cgroup_v2.plan import list_blockers, plan_preparation


def change(ident, argument=None, reboot=True, users=(), file=None):
    return {"id": ident, "what": "do " + ident, "why": "because", "argument": argument, "reboot": reboot, "users": list(users),
            "file": file, "configured": False}


def facts(*changes, users=(), ready=False, missing=()):
    return {"changes_needed": list(changes), "v2_ready": ready, "missing": list(missing),
            "users": [{"name": name, "uid": uid, "manager_running": running} for name, uid, running in users]}


def test_nothing_to_do():
    plan = plan_preparation(facts(ready=True))
    assert plan == {"present": [], "absent": [], "delegate": None, "users": [], "reboot": False, "steps": [], "obstacles": []}


def test_arguments():
    plan = plan_preparation(facts(
        change("remove_argument", "systemd.unified_cgroup_hierarchy=0"),
        change("add_argument", "systemd.unified_cgroup_hierarchy=1")))
    assert (plan["absent"], plan["present"]) == (["systemd.unified_cgroup_hierarchy=0"], ["systemd.unified_cgroup_hierarchy=1"])
    assert plan["reboot"] is True
    assert plan["steps"] == ["do remove_argument (because)", "do add_argument (because)"]


@pytest.mark.parametrize("argument, rest", [
    ("cgroup_disable=memory", []),
    ("cgroup_disable=memory,cpu", ["cgroup_disable=cpu"]),
    ("cgroup_disable=cpu,memory,pids", ["cgroup_disable=cpu,pids"]),
])
def test_other_controllers_stay_off(argument, rest):
    plan = plan_preparation(facts(change("remove_argument", argument)))
    assert (plan["absent"], plan["present"]) == ([argument], rest)


def test_a_raspberry_pi_gets_both():
    plan = plan_preparation(facts(change("add_argument", "cgroup_enable=memory")))
    assert plan["present"] == ["cgroup_enable=memory", "cgroup_memory=1"]


def test_delegation_restarts_the_managers_that_run():
    plan = plan_preparation(facts(
        change("delegate_memory", reboot=False, users=["alice", "bob"], file="/f"),
        users=[("root", 0, True), ("alice", 1000, True), ("bob", 1001, False)]))
    assert (plan["delegate"], plan["reboot"]) == ("/f", False)
    assert plan["users"] == [{"name": "alice", "uid": 1000}]
    late = plan_preparation(facts(
        change("restart_user_manager", reboot=False, users=["alice"]), users=[("alice", 1000, True)]))
    assert (late["delegate"], late["users"]) == (None, [{"name": "alice", "uid": 1000}])


@pytest.mark.parametrize("ident", ["install_kernel", "upgrade_kernel", "init_mounts_v2", "change_container_host", "unmount_v1_memory",
                                   "read_command_line", "find_who_mounts_v1", "find_memory_controller", "enable_memory_for_children"])
def test_what_the_role_can_not_do_is_an_obstacle(ident):
    plan = plan_preparation(facts(change(ident), change("remove_argument", "x")))
    assert plan["obstacles"] == ["do %s: because" % ident]


def test_blockers():
    assert list_blockers(facts(ready=True)) == []
    assert list_blockers(facts(change("remove_argument", "x"))) == ["do remove_argument: because"]
    assert list_blockers(facts(ready=None, missing=[{"what": "f", "why": "denied"}])) == ["f is not known: denied"]
    assert len(list_blockers(facts(ready=None))) == 1, "not known is not ready"
