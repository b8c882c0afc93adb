# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may have containers: each kind of evidence alone is enough, and whoever can't be asked is named."""

import pwd

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import Identity
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.host_files import Files
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.users import UserError
from ansible_collections.podman_fleet.memory.plugins.module_utils._users import owners
from ansible_collections.podman_fleet.memory.plugins.module_utils._users.owners import (
    ProcessOwners,
    find_owners,
    find_owners_by_uid,
)

ACCOUNTS = {"root": 0, "daemon": 1, "alice": 1000, "bob": 1001}
DIRECTORY = {"carol": 5000}  # of a directory service that lists nobody


class Host:
    """A host of nothing but accounts, to which evidence is added."""

    def __init__(self, root, monkeypatch):
        self.root = root
        self.me = "root"
        known = dict(ACCOUNTS, **DIRECTORY)
        entries = {name: pwd.struct_passwd((name, "x", uid, uid, "", str(root / "home" / name), "/bin/sh"))
                   for name, uid in known.items()}
        by_uid = {entry.pw_uid: entry for entry in entries.values()}
        monkeypatch.setattr(pwd, "getpwnam", lambda name: entries[name])
        monkeypatch.setattr(pwd, "getpwuid", lambda uid: by_uid[uid])
        monkeypatch.setattr(pwd, "getpwall", lambda: [entries[name] for name in ACCOUNTS])
        monkeypatch.setattr(owners, "Files", lambda: Files(str(root)))
        monkeypatch.setattr(owners, "current_identity", lambda: Identity(self.me, known[self.me], known[self.me], "/root"))
        monkeypatch.setattr(owners, "runtime_dir", lambda identity: (root / "run/user" / str(identity.uid)).is_dir() or None)

    def add(self, path, text=None):
        target = self.root / path
        if text is None:
            target.mkdir(parents=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)


@pytest.fixture
def host(tmp_path, monkeypatch):
    return Host(tmp_path, monkeypatch)


def found(names=()):
    users, problems = find_owners(list(names))
    return [owner.identity.name for owner in users], problems


def test_root_alone(host):
    assert found() == (["root"], [])


@pytest.mark.parametrize("path, text", [
    ("run/user/1000", None),
    ("var/lib/systemd/linger/alice", ""),
    ("etc/subuid", "bob-that-was:1:2\nalice:100000:65536\n"),
    ("etc/subuid", "1000:100000:65536\n"),
    ("sys/fs/cgroup/user.slice/user-1000.slice", None),
    ("sys/fs/cgroup/systemd/user.slice/user-1000.slice", None),
    ("home/alice/.local/share/containers", None),
    ("home/alice/.config/containers", None),
])
def test_each_evidence_is_enough(host, path, text):
    host.add(path, text)
    assert found() == (["root", "alice"], [])


def test_users_of_whom_records_tell(host):
    """carol is a directory service's, which does not list her; 4711 has no name."""
    owners, problems = find_owners_by_uid([5000, 4711])
    assert [(owner.identity.name, owner.named) for owner in owners] == [("carol", False)]
    assert [problem["user"] for problem in problems] == ["4711"] and "has no name on this host" in problems[0]["message"]


@pytest.mark.parametrize("path, text", [("run/user/5000", None), ("etc/subuid", "carol:1:1\n"), ("var/lib/systemd/linger/carol", "")])
def test_a_user_of_a_directory_service(host, path, text):
    host.add(path, text)
    assert found() == (["root", "carol"], [])


def test_a_uid_without_a_name_is_said(host):
    host.add("run/user/4711")
    host.add("etc/subuid", "4712:1:1\n")
    names, problems = found()
    assert names == ["root"]
    assert [problem["user"] for problem in problems] == ["4711"] and "uid 4711 has no name" in problems[0]["message"]


def test_a_home_that_does_not_answer_is_said(host, monkeypatch):
    monkeypatch.setattr(owners, "paths_exist", lambda paths: [None if "/alice/" in path else False for path in paths])
    names, problems = found()
    assert names == ["root"]
    assert [problem["user"] for problem in problems] == ["alice"] and "does not answer" in problems[0]["message"]


def test_more_than_can_be_looked_at(host, monkeypatch):
    monkeypatch.setattr(owners, "_MAX_OWNERS", 1)
    host.add("etc/subuid", "alice:1:1\nbob:2:1\n")
    names, problems = found()
    assert names == ["root", "alice"]
    assert "2 users may have containers, 1 of them are looked at" in problems[0]["message"]


@pytest.mark.parametrize("me, names, expected", [
    ("root", ["current"], ["root"]), ("root", ["bob", "all", "root", "bob"], ["bob", "root"]),
    ("bob", [], ["bob"]), ("bob", ["current"], ["bob"]), ("bob", ["bob", "current"], ["bob"]),
])
def test_who_is_meant(host, me, names, expected):
    host.me = me
    assert found(names) == (expected, [])


def test_session_and_whether_somebody_was_named(host):
    host.add("run/user/1000")
    users = {owner.identity.name: owner for owner in find_owners(["bob", "all"])[0]}
    assert (users["alice"].session, users["alice"].named) == (True, False)
    assert (users["bob"].session, users["bob"].named) == (False, True)
    assert users["root"].named


@pytest.mark.parametrize("me, name, message", [
    ("root", "dave", "there is no user 'dave'"),
    ("bob", "alice", "only root can read the containers of 'alice', this is 'bob'"),
    ("bob", "all", "only root can read the containers of 'all' users, this is 'bob'"),
])
def test_whose_containers_can_not_be_read(host, me, name, message):
    host.me = me
    names, problems = found(["current", name])
    assert names == [me]
    assert [(problem["user"], message in problem["message"]) for problem in problems] == [(name, True)]
    with pytest.raises(UserError, match=message):
        find_owners([name])


@pytest.mark.parametrize("uid, expected", [(1000, True), (100000, True), (165535, True), (165536, False), (0, False), (1001, False)])
def test_whose_process_it_is(tmp_path, uid, expected):
    host = tmp_path
    (host / "proc/7").mkdir(parents=True)
    (host / "proc/7/status").write_text("Name:\tUid: 1000\nUid:\t%d\t1000\t1000\t1000\n" % uid)
    (host / "etc").mkdir()
    (host / "etc/subuid").write_text("alice:100000:65536\nbob:165536:65536\n")
    processes = ProcessOwners(str(host))
    assert processes.may_be(Identity("alice", 1000, 1000, "/home/alice"), 7) is expected
    assert processes.may_be(Identity("root", 0, 0, "/root"), 7)
    assert processes.may_be(Identity("alice", 1000, 1000, "/home/alice"), 8)


@pytest.mark.parametrize("name", ["\x0bUid: x", "\x0cUid:\t0\t0", "\u2028Uid:\t1001", "\\nUid:\t0\t"])
def test_a_name_of_a_process_says_nothing_of_its_user(tmp_path, name):
    """In /proc/PID/status the kernel escapes the line feed and the backslash in it, and no other end of a line."""
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/7/status").write_text("Name:\t%s\nUmask:\t0022\nUid:\t1000\t1000\t1000\t1000\n" % name, encoding="utf-8")
    processes = ProcessOwners(str(tmp_path))
    assert [processes.may_be(Identity("x", uid, uid, "/"), 7) for uid in (1000, 1001)] == [True, False]
