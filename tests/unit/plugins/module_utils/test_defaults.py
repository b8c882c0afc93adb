# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The default of containers.conf: where it is written, and where it would do harm or nothing."""

import os
import stat
import time

import pytest
from as_nobody import as_root, home_of_nobody, make_folder

from ansible_collections.podman_fleet.memory.plugins.module_utils import _defaults
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman import containers_conf
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import Identity
from ansible_collections.podman_fleet.memory.plugins.module_utils._users.owners import Owner

PATH = "/etc/containers/containers.conf.d/" + _defaults.NAME


def target(text=None, others=(), other_paths=()):
    return _defaults.Target(identity=Identity("root", 0, 0, "/root"), path=PATH, text=text, other_values=list(others),
                            other_paths=list(other_paths))


def planned(*args):
    plan = _defaults.plan_default(*args)
    return plan.status, plan.text, plan.reason


def test_the_content_is_what_containers_conf_understands():
    assert containers_conf.parse_cgroup_conf(_defaults.CONTENT) == (["memory.oom.group=1"], None)


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


CONF = ".config/containers"


@pytest.fixture
def nobody(tmp_path, monkeypatch):
    """The user nobody with a home, a Podman of version 5.4.2, and a host where everybody has the controller."""
    identity = home_of_nobody(tmp_path)
    monkeypatch.setattr(_defaults, "find_container_owners", lambda _names: ([Owner(identity, True, True)], []))
    monkeypatch.setattr(_defaults, "_read_version", lambda *_arguments: "5.4.2")
    monkeypatch.setattr(_defaults, "_read_cgroup_facts", lambda owners, _options: facts(*[user(owner.name) for owner in owners]))
    return identity


def run(state="present", check_mode=False, timeout=10):
    (plan,) = _defaults.set_defaults(_defaults.Options(state, ["nobody"], "podman", timeout), check_mode)
    return plan


@as_root
def test_a_users_drop_in_is_the_users(nobody):
    path = os.path.join(nobody.home, CONF, "containers.conf.d", _defaults.NAME)
    assert (run(check_mode=True).status, os.path.exists(path)) == ("written", False)
    assert run().status == "written"
    with open(path) as stream:
        assert stream.read() == _defaults.CONTENT
    status = os.stat(path)
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (nobody.uid, 0o644)
    assert run().status == "unchanged"
    assert (run("absent").status, os.path.exists(path)) == ("removed", False)
    assert run("absent").status == "unchanged"


@as_root
def test_no_link_leads_root_elsewhere(nobody, tmp_path):
    """The user's directory is a link into one of root's: nothing is written there, and nothing of it is read."""
    roots = tmp_path / "roots"
    roots.mkdir(mode=0o755)
    (roots / "10.conf").write_text('[containers]\ncgroup_conf = ["secret=1"]\n')
    os.chmod(str(roots / "10.conf"), 0o600)
    os.symlink(str(roots), os.path.join(make_folder(nobody, CONF), "containers.conf.d"))
    plan = run()
    assert plan.status == "failed" and "10.conf can't be read: Permission denied" in plan.reason
    os.unlink(str(roots / "10.conf"))
    plan = run()
    assert plan.status == "failed" and "Permission denied" in plan.reason
    assert os.listdir(str(roots)) == []


@as_root
def test_hostile_files_of_a_user(nobody):
    folder = make_folder(nobody, CONF)
    with open(os.path.join(folder, "containers.conf"), "w") as stream:
        stream.write("[containers]\ncgroup_conf = [" + '"x", ' * 500000)
    started = time.monotonic()
    assert run().status == "failed"
    os.unlink(os.path.join(folder, "containers.conf"))
    os.mkfifo(os.path.join(folder, "containers.conf"))
    assert run().status == "written", "as if it were empty"
    assert time.monotonic() - started < 20


@as_root
@pytest.mark.parametrize("said", [None, [], {}, {"path": "/etc/x", "text": {}, "other_values": [], "other_paths": []},
                                  {"path": "/etc/x", "text": "x" * 10 ** 6, "other_values": [], "other_paths": []}])
def test_an_answer_of_another_shape(nobody, monkeypatch, said):
    monkeypatch.setattr(_defaults, "answer_user", lambda _request: said)
    assert run().status == "failed"


@as_root
def test_the_path_is_not_the_users_word(nobody, monkeypatch):
    said = {"path": "/etc/passwd", "text": None, "other_values": [], "other_paths": []}
    monkeypatch.setattr(_defaults, "answer_user", lambda _request: said)
    assert run(check_mode=True).target.path.startswith(nobody.home)
