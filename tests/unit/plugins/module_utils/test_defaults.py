# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The default of containers.conf: where it is written, and where it would do harm or nothing."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils import _defaults as _container_defaults
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman import containers_conf as _containers_conf

PATH = "/etc/containers/containers.conf.d/" + _container_defaults.NAME


def target(text=None, others=(), others_at=()):
    return _container_defaults.Target(None, PATH, text, list(others), list(others_at))


def step(*args):
    found = _container_defaults.present(*args)
    return found.status, found.text, found.reason


def test_the_content_is_what_containers_conf_understands():
    assert _containers_conf.parse_cgroup_conf(_container_defaults.CONTENT) == (["memory.oom.group=1"], False)


@pytest.mark.parametrize("version", ["4.5.0", "4.9.3", "5.4.2", "10.0.0", "5.0.0-rc1"])
def test_it_is_written(version):
    assert step(target(), version, None) == ("written", _container_defaults.CONTENT, None)
    # of an older version of this module
    assert step(target(_container_defaults.MARK + "\nold\n"), version, None)[0] == "written"
    assert step(target(_container_defaults.CONTENT), version, None) == ("unchanged", _container_defaults.CONTENT, None)


@pytest.mark.parametrize("version", ["4.3.1", "4.4.4", "3.4.2", "", None, "unknown"])
def test_it_is_not_written_where_it_is_ignored(version):
    status, text, reason = step(target(), version, None)
    assert (status, text) == ("refused", None) and "ignores cgroup_conf" in reason


def test_it_is_not_written_where_containers_would_not_start():
    assert step(target(), "5.4.2", "the kernel has no memory controller") == (
        "refused", None, "the kernel has no memory controller: no new container would start")


def test_others_are_not_replaced():
    assert step(target("mine\n"), "5.4.2", None) == ("refused", "mine\n", PATH + " is there, and not by this module")
    status, _text, reason = step(target(others=["pids.max=5"], others_at=["/etc/containers/containers.conf"]), "5.4.2", None)
    assert status == "refused" and reason.startswith("/etc/containers/containers.conf has a cgroup_conf of its own")
    status, _text, reason = step(target(others=[_containers_conf.OOM_GROUP_ON], others_at=["/x"]), "5.4.2", None)
    assert (status, reason) == ("unchanged", "it is given by /x already")


@pytest.mark.parametrize("text, status, left", [
    (None, "unchanged", None), (_container_defaults.CONTENT, "removed", None), ("mine\n", "refused", "mine\n")])
def test_it_is_taken_away(text, status, left):
    found = _container_defaults.absent(target(text))
    assert (found.status, found.text) == (status, left)


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
    assert _container_defaults.unfit(given, None) == expected


def test_one_user_is_not_kept_from_it_by_another():
    given = facts(user(), user("bob", False))
    assert _container_defaults.unfit(given, "alice") is None
    assert _container_defaults.unfit(given, "bob") is not None
