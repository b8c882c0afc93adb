# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who has container storage, by each user's own word."""

import os
import time

import pytest
from as_nobody import as_root, home_of_nobody, make_folder

from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import current_identity
from ansible_collections.podman_fleet.memory.plugins.module_utils._users import container_owners as owners
from ansible_collections.podman_fleet.memory.plugins.module_utils._users.container_owners import find_container_owners
from ansible_collections.podman_fleet.memory.plugins.module_utils._users.owners import Owner

STORAGE = ".local/share/containers/storage/overlay-containers"


@pytest.fixture
def nobody(tmp_path, monkeypatch):
    """nobody, who may have containers, beside root."""
    identity = home_of_nobody(tmp_path)

    def found(named):
        people = [Owner(current_identity(), True, True), Owner(identity, True, named)]
        monkeypatch.setattr(owners, "find_owners", lambda _names: (people, []))
        return identity

    return found


def names():
    return [owner.identity.name for owner in find_container_owners(["all"])[0]]


@as_root
def test_who_has_storage(nobody):
    identity = nobody(named=False)
    assert names() == ["root"]
    make_folder(identity, STORAGE)
    assert names() == ["root", "nobody"]


@as_root
def test_who_is_named_is_there_without(nobody):
    nobody(named=True)
    assert names() == ["root", "nobody"]


@as_root
def test_who_does_not_say_counts(nobody, monkeypatch):
    nobody(named=False)
    monkeypatch.setattr(owners, "_LOOK", 1)
    monkeypatch.setattr(owners, "find_storage", lambda _identity: time.sleep(600))
    started = time.monotonic()
    assert names() == ["root", "nobody"]
    assert time.monotonic() - started < 20


@as_root
def test_a_pipe_in_place_of_the_configuration_holds_nobody_up(nobody):
    identity = nobody(named=False)
    os.mkfifo(make_folder(identity, ".config/containers") + "/storage.conf")
    started = time.monotonic()
    assert names() == ["root", "nobody"], "where the storage is can't be read"
    assert time.monotonic() - started < 5
