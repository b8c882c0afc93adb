# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans, what is lacking, and the summary of a fleet."""

from __future__ import annotations

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils import _cgroup_v2


def change(ident, argument=None, reboot=True, users=(), file=None):
    return {"id": ident, "what": "do " + ident, "why": "because", "argument": argument, "reboot": reboot, "users": list(users),
            "file": file, "configured": False}


def facts(*changes, users=(), ready=False, missing=()):
    return {"changes_needed": list(changes), "v2_ready": ready, "missing": list(missing),
            "users": [{"name": name, "uid": uid, "manager_running": running} for name, uid, running in users]}


def test_nothing_to_do():
    plan = _cgroup_v2.cgroup_v2_plan(facts(ready=True))
    assert plan == {"present": [], "absent": [], "delegate": None, "users": [], "reboot": False, "steps": [], "obstacles": []}


def test_arguments():
    plan = _cgroup_v2.cgroup_v2_plan(facts(
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
    plan = _cgroup_v2.cgroup_v2_plan(facts(change("remove_argument", argument)))
    assert (plan["absent"], plan["present"]) == ([argument], rest)


def test_a_raspberry_pi_gets_both():
    plan = _cgroup_v2.cgroup_v2_plan(facts(change("add_argument", "cgroup_enable=memory")))
    assert plan["present"] == ["cgroup_enable=memory", "cgroup_memory=1"]


def test_delegation_restarts_the_managers_that_run():
    plan = _cgroup_v2.cgroup_v2_plan(facts(
        change("delegate_memory", reboot=False, users=["alice", "bob"], file="/f"),
        users=[("root", 0, True), ("alice", 1000, True), ("bob", 1001, False)]))
    assert (plan["delegate"], plan["reboot"]) == ("/f", False)
    assert plan["users"] == [{"name": "alice", "uid": 1000}]
    late = _cgroup_v2.cgroup_v2_plan(facts(
        change("restart_user_manager", reboot=False, users=["alice"]), users=[("alice", 1000, True)]))
    assert (late["delegate"], late["users"]) == (None, [{"name": "alice", "uid": 1000}])


@pytest.mark.parametrize("ident", ["install_kernel", "upgrade_kernel", "init_mounts_v2", "change_container_host", "unmount_v1_memory",
                                   "read_command_line", "find_who_mounts_v1", "find_memory_controller", "enable_memory_for_children"])
def test_what_the_role_can_not_do_is_an_obstacle(ident):
    plan = _cgroup_v2.cgroup_v2_plan(facts(change(ident), change("remove_argument", "x")))
    assert plan["obstacles"] == ["do %s: because" % ident]


def test_blockers():
    assert _cgroup_v2.cgroup_v2_blockers(facts(ready=True)) == []
    assert _cgroup_v2.cgroup_v2_blockers(facts(change("remove_argument", "x"))) == ["do remove_argument: because"]
    assert _cgroup_v2.cgroup_v2_blockers(facts(ready=None, missing=[{"what": "f", "why": "denied"}])) == ["f is not known: denied"]
    assert len(_cgroup_v2.cgroup_v2_blockers(facts(ready=None))) == 1, "not known is not ready"


def container(declared, effective, status="running", name="web"):
    return {"id": "c" * 64, "name": name, "user": "root", "state": {"status": status},
            "memory": {"declared": {"limit": declared}, "effective": effective, "own": True}}


@pytest.mark.parametrize("one, words", [
    (container(1 << 20, {"limit": 1 << 20, "source": "/x"}), None),
    (container(None, {"limit": None, "source": None}), None),
    (container(1 << 20, None, status="exited"), None),
    (container(1 << 20, {"limit": None, "source": None}), ["web of root", "1 MiB declared, no limit enforced"]),
    (container(1 << 20, None), ["web of root", "not known"]),
])
def test_unenforced_limits(one, words):
    result = _cgroup_v2.cgroup_v2_unenforced_limits({"containers": [one]})
    assert bool(result) is bool(words)
    assert all(word in result[0] for word in words or ())


def test_summary():
    hostvars = {
        "a": {"cgroup_v2_status": {"state": "ready", "why": []}},
        "b": {"cgroup_v2_status": {"state": "cannot", "why": ["old kernel"]}},
        "c": {},
        "d": {"cgroup_v2_status": {"state": "failed", "why": ["gone"]}},
        "e": {"cgroup_v2_status": {"state": "not_started", "why": []}},
        "f": {"cgroup_v2_status": {"state": "reboot_required", "why": ["x", "y"]}},
    }
    result = _cgroup_v2.cgroup_v2_summary(hostvars, list("fedcbag"))
    assert result["hosts"] == {"ready": ["a"], "cannot": ["b"], "not_reached": ["c", "g"], "failed": ["d"], "not_started": ["e"],
                             "reboot_required": ["f"]}
    assert result["failed_hosts"] == ["d", "b", "c", "g", "e"]
    assert result["lines"][:3] == ["FAILED, look at it first: 1", "  d", "    - gone"]
    assert result["lines"][-2:] == ["READY: 1", "  a"]
    assert "    - old kernel" in result["lines"] and "    - y" in result["lines"]


def test_summary_of_nothing():
    assert _cgroup_v2.cgroup_v2_summary({}, [])["lines"] == []
