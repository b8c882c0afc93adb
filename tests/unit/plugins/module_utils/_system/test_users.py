# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose a container storage is: real directories, whose owners are said by a replaced os.stat."""

import os
from types import SimpleNamespace

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._system import users as _users

UID = 1234
OTHER = 0


@pytest.fixture
def home(tmp_path):
    (tmp_path / ".local/share/containers/storage/overlay-containers").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def owners(monkeypatch):
    """{path: uid} of what isn't UID's."""
    real, told = os.stat, {}

    def stat(path, *args, **named):
        real(path, *args, **named)
        return SimpleNamespace(st_uid=told.get(str(path), UID))

    monkeypatch.setattr(_users.os, "stat", stat)
    monkeypatch.setattr(_users, "_SYSTEM_CONF", ())
    return told


def identity(home):
    return SimpleNamespace(uid=UID, name="bob", home=str(home))


def storage(home):
    return str(home / ".local/share/containers/storage")


def test_own_storage(home, owners):
    assert _users.find_storage(identity(home)) == storage(home)


def test_storage_of_somebody_else_in_the_own_home(home, owners):
    """It is an error to report, not nothing to look at."""
    owners[storage(home)] = OTHER
    assert _users.find_storage(identity(home)) == storage(home)


def test_a_home_that_is_shared(home, owners):
    """System accounts whose home directory is root's don't own root's containers."""
    owners[storage(home)] = owners[str(home)] = OTHER
    assert _users.find_storage(identity(home)) is None


def test_storage_elsewhere(home, owners, tmp_path_factory):
    """What storage.conf names outside the home is the user's only when he owns it."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "vfs-containers").mkdir()
    conf = home / ".config/containers/storage.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text('[storage]\ngraphroot = "%s"\n' % elsewhere, encoding="utf-8")
    assert _users.find_storage(identity(home)) == str(elsewhere)
    owners[str(elsewhere)] = OTHER
    assert _users.find_storage(identity(home)) == storage(home)


def test_no_containers_no_storage(tmp_path, owners):
    (tmp_path / ".local/share/containers/storage").mkdir(parents=True)
    assert _users.find_storage(identity(tmp_path)) is None
