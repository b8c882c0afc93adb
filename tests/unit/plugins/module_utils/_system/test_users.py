# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose containers can be read, and whose a container storage is: real directories, whose owners a replaced os.stat tells."""

import os
import pwd
from types import SimpleNamespace

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._system import users
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import Identity
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.users import (
    UserError,
    find_storage,
    find_users,
    read_untrusted_file,
    user_name,
)

UID = 1234
OTHER = 0
ACCOUNTS = {"root": 0, "daemon": 1, "alice": 1000, "bob": 1001}


@pytest.fixture
def home(tmp_path):
    (tmp_path / ".local/share/containers/storage/overlay-containers").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def owners(monkeypatch):
    """{path: uid} of what isn't UID's."""
    real, others = os.stat, {}

    def stat(path, *args, **named):
        real(path, *args, **named)
        return SimpleNamespace(st_uid=others.get(str(path), UID))

    monkeypatch.setattr(users.os, "stat", stat)
    monkeypatch.setattr(users, "_SYSTEM_CONF", ())
    return others


def identity(home):
    return SimpleNamespace(uid=UID, name="bob", home=str(home))


def storage(home):
    return str(home / ".local/share/containers/storage")


def test_own_storage(home, owners):
    assert find_storage(identity(home)) == storage(home)


def test_storage_of_somebody_else_in_the_own_home(home, owners):
    """It is an error to report, not nothing to look at."""
    owners[storage(home)] = OTHER
    assert find_storage(identity(home)) == storage(home)


def test_a_home_that_is_shared(home, owners):
    """System accounts whose home directory is root's don't own root's containers."""
    owners[storage(home)] = owners[str(home)] = OTHER
    assert find_storage(identity(home)) is None


def test_storage_elsewhere(home, owners, tmp_path_factory):
    """What storage.conf names outside the home is the user's only when he owns it."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "vfs-containers").mkdir()
    conf = home / ".config/containers/storage.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text('[storage]\ngraphroot = "%s"\n' % elsewhere, encoding="utf-8")
    assert find_storage(identity(home)) == str(elsewhere)
    owners[str(elsewhere)] = OTHER
    assert find_storage(identity(home)) == storage(home)


def test_no_containers_no_storage(tmp_path, owners):
    (tmp_path / ".local/share/containers/storage").mkdir(parents=True)
    assert find_storage(identity(tmp_path)) is None


@pytest.fixture(name="accounts")
def _accounts(monkeypatch):
    """A password database in which root and alice have container storage; a function that sets who runs this."""
    entries = {name: pwd.struct_passwd((name, "x", uid, uid, "", "/home/" + name, "/bin/sh")) for name, uid in ACCOUNTS.items()}
    monkeypatch.setattr(pwd, "getpwnam", lambda name: entries[name])
    monkeypatch.setattr(pwd, "getpwall", lambda: list(entries.values()))
    monkeypatch.setattr(users, "find_storage", lambda identity: "/storage" if identity.name in ("root", "alice") else None)

    def run_as(name):
        me = Identity(name, ACCOUNTS[name], ACCOUNTS[name], "/home/" + name)
        monkeypatch.setattr(users, "current_identity", lambda: me)

    run_as("root")
    return run_as


@pytest.mark.parametrize("me, names, expected", [
    ("root", [], ["root", "alice"]), ("root", ["all"], ["root", "alice"]), ("root", ["current"], ["root"]),
    ("root", ["bob", "all", "root", "bob"], ["bob", "root", "alice"]),
    ("bob", [], ["bob"]), ("bob", ["current"], ["bob"]), ("bob", ["bob", "current"], ["bob"]),
])
def test_who_is_meant(accounts, me, names, expected):
    accounts(me)
    found, problems = find_users(names)
    assert ([user.identity.name for user in found], problems) == (expected, [])


def test_storage_and_session_of_a_user(accounts, monkeypatch):
    monkeypatch.setattr(os.path, "isdir", lambda path: path == "/run/user/1000")
    (alice, bob), _problems = find_users(["alice", "bob"])
    assert (alice.storage, alice.session) == ("/storage", True)
    assert (bob.storage, bob.session) == (None, False)
    assert alice.identity == Identity("alice", 1000, 1000, "/home/alice")


@pytest.mark.parametrize("me, name, message", [
    ("root", "carol", "there is no user 'carol'"),
    ("bob", "alice", "only root can read the containers of 'alice', this is 'bob'"),
    ("bob", "all", "only root can read the containers of 'all' users, this is 'bob'"),
])
def test_whose_containers_cannot_be_read(accounts, me, name, message):
    accounts(me)
    found, problems = find_users(["current", name])
    assert [user.identity.name for user in found] == [me]
    assert [(problem["user"], message in problem["message"]) for problem in problems] == [(name, True)]
    with pytest.raises(UserError, match=message):
        find_users([name])


def test_a_file_that_is_too_large_or_none_is_not_read(tmp_path):
    (tmp_path / "large").write_text("x" * 100)
    os.mkfifo(str(tmp_path / "pipe"))
    assert read_untrusted_file(str(tmp_path / "large"), 99) is None
    assert read_untrusted_file(str(tmp_path / "large"), 100) == "x" * 100
    assert read_untrusted_file(str(tmp_path), 100) is None
    assert read_untrusted_file(str(tmp_path / "nowhere"), 100) is None
    assert read_untrusted_file(str(tmp_path / "pipe"), 100) is None


def test_the_name_of_a_uid():
    assert user_name(0) == "root"
    assert user_name(4294967294) == "4294967294"
