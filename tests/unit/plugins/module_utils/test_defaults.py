# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The default of containers.conf: where it is written, and where it would do harm or nothing."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils import _defaults
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman import containers_conf
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import Identity

PATH = "/etc/containers/containers.conf.d/" + _defaults.NAME


def target(text=None, others=(), other_paths=()):
    return _defaults.Target(identity=Identity("root", 0, 0, "/root"), path=PATH, text=text, other_values=list(others),
                            other_paths=list(other_paths))


def planned(*args):
    plan = _defaults.plan_default(*args)
    return plan.status, plan.text, plan.reason


def test_the_content_is_what_containers_conf_understands():
    assert containers_conf.parse_cgroup_conf(_defaults.CONTENT) == (["memory.oom.group=1"], False)


@pytest.mark.parametrize("version", ["4.5.0", "4.9.3", "5.4.2", "10.0.0", "5.0.0-rc1"])
def test_it_is_written(version):
    assert planned(target(), version, None) == ("written", _defaults.CONTENT, None)
    # of an older version of this module
    assert planned(target(_defaults.MARK + "\nold\n"), version, None)[0] == "written"
    assert planned(target(_defaults.CONTENT), version, None) == ("unchanged", _defaults.CONTENT, None)


@pytest.mark.parametrize("version", ["4.3.1", "4.4.4", "3.4.2", "", None, "unknown"])
def test_it_is_not_written_where_it_is_ignored(version):
    status, text, reason = planned(target(), version, None)
    assert (status, text) == ("refused", None) and "ignores cgroup_conf" in reason


def test_it_is_not_written_where_containers_would_not_start():
    assert planned(target(), "5.4.2", "the kernel has no memory controller") == (
        "refused", None, "the kernel has no memory controller: no new container would start")


def test_others_are_not_replaced():
    assert planned(target("mine\n"), "5.4.2", None) == ("refused", "mine\n", PATH + " exists and was not written by this module")
    status, _text, reason = planned(target(others=["pids.max=5"], other_paths=["/etc/containers/containers.conf"]), "5.4.2", None)
    assert status == "refused" and reason.startswith("/etc/containers/containers.conf has a cgroup_conf of its own")
    status, _text, reason = planned(target(others=[containers_conf.OOM_GROUP_ON], other_paths=["/x"]), "5.4.2", None)
    assert (status, reason) == ("unchanged", "already set by /x")


@pytest.mark.parametrize("text, status, left", [
    (None, "unchanged", None), (_defaults.CONTENT, "removed", None), ("mine\n", "refused", "mine\n")])
def test_it_is_taken_away(text, status, left):
    plan = _defaults.plan_removal(target(text))
    assert (plan.status, plan.text) == (status, left)


def user(name="alice", delegated=True, running=True, configured=None):
    return {"name": name, "memory_delegated": delegated, "manager_running": running, "configured": configured, "why": "why"}


def facts(*users, **changes):
    return dict({"mode": "v2", "memory": {"present": True}, "users": list(users)}, **changes)


@pytest.mark.parametrize("given, expected", [
    (facts(user()), None),
    (facts(user(delegated=None, running=False, configured=["cpu", "memory"])), None),
    (facts(user(delegated=None, running=False, configured=["cpu"])), "alice has no memory controller (why)"),
    (facts(user(delegated=None, running=None)), "alice has no memory controller (why)"),
    (facts(user(delegated=False)), "alice has no memory controller (why)"),
    (facts(user(), user("bob", False)), "bob has no memory controller (why)"),
    (facts(mode="v1"), "the host runs cgroup v1"), (facts(mode="hybrid"), "the host runs cgroup hybrid"),
    (facts(mode=None), "the host runs cgroup of an unknown version"),
    (facts(memory={"present": False}), "the kernel has no memory controller"),
    (facts(memory={"present": None}), "the kernel has no memory controller"),
])
def test_who_has_the_controller(given, expected):
    assert _defaults.find_obstacle(given, None) == expected


def test_one_user_is_not_kept_from_it_by_another():
    given = facts(user(), user("bob", False))
    assert _defaults.find_obstacle(given, "alice") is None
    assert _defaults.find_obstacle(given, "bob") is not None
