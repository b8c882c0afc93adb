# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a user's storage is: real directories and files, also those that a user makes to fool or to stop us."""

import os
import time
import tracemalloc
from types import SimpleNamespace

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._users import storage
from ansible_collections.podman_fleet.memory.plugins.module_utils._users.storage import StorageError, find_storage, parse_setting

UID = 1234
OTHER = 0


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

    monkeypatch.setattr(storage.os, "stat", stat)
    monkeypatch.setattr(storage, "_SYSTEM_CONF", ())
    return others


def identity(home):
    return SimpleNamespace(uid=UID, name="bob", home=str(home))


def default(home):
    return str(home / ".local/share/containers/storage")


def write_conf(home, text):
    conf = home / ".config/containers/storage.conf"
    conf.parent.mkdir(parents=True)
    conf.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return conf


def test_own_storage(home, owners):
    assert find_storage(identity(home)) == default(home)


def test_storage_of_somebody_else_in_the_own_home(home, owners):
    """It is an error to report, not nothing to look at."""
    owners[default(home)] = OTHER
    assert find_storage(identity(home)) == default(home)


def test_a_home_that_is_shared(home, owners):
    """System accounts whose home directory is root's don't own root's containers."""
    owners[default(home)] = owners[str(home)] = OTHER
    assert find_storage(identity(home)) is None


def test_no_containers_no_storage(tmp_path, owners):
    (tmp_path / ".local/share/containers/storage").mkdir(parents=True)
    assert find_storage(identity(tmp_path)) is None


def test_the_names_in_a_directory_are_not_gathered(tmp_path, owners):
    """A file system of the user's own (FUSE) may have any number of them."""
    folder = tmp_path / ".local/share/containers/storage"
    folder.mkdir(parents=True)
    for number in range(5000):
        (folder / ("%d" % number)).touch()
    find_storage(identity(tmp_path))
    tracemalloc.start()
    try:
        assert find_storage(identity(tmp_path)) is None
        assert tracemalloc.get_traced_memory()[1] < 100000
    finally:
        tracemalloc.stop()


def test_storage_elsewhere(home, owners, tmp_path_factory):
    """What storage.conf names outside the home is the user's only when he owns it."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "vfs-containers").mkdir()
    write_conf(home, '[storage]\ngraphroot = "%s"\n' % elsewhere)
    assert find_storage(identity(home)) == str(elsewhere)
    owners[str(elsewhere)] = OTHER
    assert find_storage(identity(home)) == default(home)


@pytest.mark.parametrize("text, value", [
    ('[storage]\ngraphroot = "/a b"\n', "/a b"),
    ("[storage]\ngraphroot='/a'", "/a"),
    ('[storage]\n"graphroot" = "/a" # why', "/a"),
    ("['storage']\n  'graphroot'\t=\t'/a'", "/a"),
    ('storage.graphroot = "/a"', "/a"),
    ('[ storage ]\r\ngraphroot = "/a"\r\n'.replace("\r", ""), "/a"),
    ('[storage]\ngraphroot = "/a\\"b\\\\c"', '/a"b\\c'),
    ('[storage]\n# graphroot = "/a"\nrunroot = "/b"', None),
    ('[storage.options]\ngraphroot = "/a"\n', None),
    ('[storage]\nrunroot = "graphroot = 1"\n', None),
    ("", None),
])
def test_how_it_may_be_written(text, value):
    assert parse_setting(text, "graphroot") == (value, None)


@pytest.mark.parametrize("text", [
    '[storage]\ngraphroot = """/a"""', "[storage]\ngraphroot = 1", '[storage]\ngraphroot = "/a\0b"', '[storage]\ngraphroot = "/a',
    'storage = {graphroot = "/a"}'])
def test_what_is_not_understood_is_said(text):
    assert parse_setting(text, "graphroot").problem


def test_a_conf_that_is_not_understood_is_not_silence(home, owners):
    conf = write_conf(home, "[storage]\ngraphroot = 1\n")
    with pytest.raises(StorageError, match=str(conf)):
        find_storage(identity(home))


@pytest.mark.parametrize("text", [b"\n" * (1 << 20), b" " * (1 << 20), b"[" * (1 << 20), b'graphroot = "' + b"\\" * (1 << 19),
                                  b"\xff\0" * (1 << 19), b'"' * (1 << 20), b"storage" * (1 << 17), b"x = " * (1 << 18)])
def test_a_conf_made_to_take_long_does_not(home, owners, text):
    write_conf(home, text)
    started = time.monotonic()
    try:
        assert find_storage(identity(home)) == default(home)
    except StorageError:
        pass  # that is an answer as well
    assert time.monotonic() - started < 5


def test_a_conf_that_is_no_file(home, owners):
    conf = home / ".config/containers/storage.conf"
    conf.parent.mkdir(parents=True)
    os.mkfifo(str(conf))
    with pytest.raises(StorageError, match="not a regular file"):
        find_storage(identity(home))


def test_a_conf_that_is_too_large(home, owners):
    write_conf(home, b"#" * ((1 << 20) + 1))
    with pytest.raises(StorageError, match="more than 1048576 bytes"):
        find_storage(identity(home))
