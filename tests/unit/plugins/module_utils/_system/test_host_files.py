# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files below a root: what can and can't be read, and that a replaced one is whole whatever fails."""

import errno
import gzip
import os
import stat

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._system.host_files import Files, move_file, replace_file


@pytest.fixture(name="files")
def _files(tmp_path):
    return Files(str(tmp_path))


def test_what_can_and_cannot_be_read(tmp_path, files):
    (tmp_path / "config.gz").write_bytes(gzip.compress(b"CONFIG_MEMCG=y\n"))
    (tmp_path / "bad.gz").write_bytes(b"no gzip")
    (tmp_path / "cut.gz").write_bytes((tmp_path / "config.gz").read_bytes()[:-9])
    (tmp_path / "binary").write_bytes(b"\xff\xfea\0")
    assert files.read("/config.gz") == "CONFIG_MEMCG=y\n"
    assert files.read("/bad.gz") is None and files.read("/cut.gz") is None
    assert files.read("/binary") == files.read("binary") == "\ufffd\ufffda"
    assert files.read("/none") is None and files.read("/binary/none") is None and files.names("/none") is None
    assert files.read("/") is None and files.names("/binary") is None
    assert sorted(files.unreadable) == ["/", "/bad.gz", "/cut.gz"]


def test_what_can_be_read_again_is_not_unreadable(tmp_path, files):
    (tmp_path / "a").mkdir()
    assert files.read("/a") is None and files.unreadable == {"/a": os.strerror(errno.EISDIR)}
    (tmp_path / "a").rmdir()
    assert files.read("/a") is None and files.unreadable == {}


def test_a_huge_file_is_cut(tmp_path, files):
    (tmp_path / "huge").write_bytes(b"x" * (6 << 20))
    (tmp_path / "huge.gz").write_bytes(gzip.compress(b"x" * (6 << 20)))
    assert len(files.read("/huge")) == len(files.read("/huge.gz")) == 4 << 20
    assert len(files.read_bytes("/huge")) == 6 << 20


def test_a_pipe_keeps_nobody_waiting(tmp_path, files):
    os.mkfifo(str(tmp_path / "pipe"))
    assert files.read("/pipe") == ""


def test_every_byte(tmp_path, files):
    (tmp_path / "a").write_bytes(b"caf\xe9\r\n\0")
    assert files.read_bytes("/a") == b"caf\xe9\r\n\0"
    assert files.read_bytes("/none") is None and files.read_bytes("/a/none") is None
    with pytest.raises(OSError):
        files.read_bytes("/")


def test_names_and_kinds(tmp_path, files):
    (tmp_path / "b").mkdir()
    (tmp_path / "a").write_text("")
    assert files.names("/") == ["a", "b"] and files.names("/b") == []
    assert files.is_directory("/b") and not files.is_directory("/a") and not files.is_directory("/none")
    assert files.exists("/a") and files.exists("/b") and not files.exists("/none")


def test_files_of_this_host():
    """Kernel files that are particular about how they are read."""
    files = Files()
    assert files.at("/proc") == "/proc"
    assert files.read("/proc/sys/kernel/osrelease").strip() == os.uname()[2]
    assert "/proc/sys/kernel/osrelease" not in files.unreadable


def mode_of(path):
    return stat.S_IMODE(os.stat(str(path)).st_mode)


def test_a_file_is_replaced(tmp_path):
    path = tmp_path / "x.conf"
    for data, mode in ((b"one\n", 0o600), (b"caf\xe9\r\n", 0o644)):
        replace_file(str(path), data, mode)
        assert (path.read_bytes(), mode_of(path), os.listdir(str(tmp_path))) == (data, mode, ["x.conf"])


def test_a_link_is_replaced_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "x").symlink_to(victim)
    replace_file(str(tmp_path / "x"), b"new", 0o644)
    assert victim.read_text() == "mine" and not os.path.islink(str(tmp_path / "x"))


def test_it_may_be_like_another_one(tmp_path):
    path = tmp_path / "x"
    replace_file(str(path), b"one", 0o644, like=str(path))
    assert mode_of(path) == 0o644, "there was none"
    os.chmod(str(path), 0o640)
    replace_file(str(path), b"two", 0o644, like=str(path))
    assert (path.read_bytes(), mode_of(path)) == (b"two", 0o640)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_new_file_is_the_callers_whoever_had_the_old_one(tmp_path):
    path = tmp_path / "x"
    path.write_text("")
    os.chown(str(path), 12345, 12345)
    replace_file(str(path), b"a", 0o644, like=str(path))
    assert os.stat(str(path)).st_uid == 12345
    replace_file(str(path), b"b", 0o644)
    assert os.stat(str(path)).st_uid == 0


@pytest.mark.parametrize("step", ["fsync", "rename", "fchmod"])
def test_whatever_fails_leaves_the_old_file(tmp_path, monkeypatch, step):
    (tmp_path / "x").write_bytes(b"old")

    def fail(*_words):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        replace_file(str(tmp_path / "x"), b"new", 0o644)
    assert (tmp_path / "x").read_bytes() == b"old"
    assert os.listdir(str(tmp_path)) == ["x"], "no draft is left"


def test_file_and_directory_are_on_the_disk(tmp_path, monkeypatch):
    calls = []
    fsync, rename = os.fsync, os.rename

    def noted_fsync(descriptor):
        calls.append("fsync " + os.path.basename(os.readlink("/proc/self/fd/%d" % descriptor))[-4:])
        fsync(descriptor)

    def noted_rename(*paths):
        calls.append("rename")
        rename(*paths)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "rename", noted_rename)
    (tmp_path / "dir1").mkdir()
    replace_file(str(tmp_path / "dir1" / "x"), b"new", 0o644)
    (tmp_path / "dir1" / "draft").write_text("newer")
    move_file(str(tmp_path / "dir1" / "draft"), str(tmp_path / "dir1" / "x"))
    assert calls == ["fsync .new", "rename", "fsync dir1", "fsync raft", "rename", "fsync dir1"]


def test_a_finished_file_takes_the_place_of_the_old_one(tmp_path):
    (tmp_path / "x").write_text("old")
    os.chmod(str(tmp_path / "x"), 0o600)
    (tmp_path / "draft").write_text("new")
    move_file(str(tmp_path / "draft"), str(tmp_path / "x"))
    assert ((tmp_path / "x").read_text(), mode_of(tmp_path / "x"), os.listdir(str(tmp_path))) == ("new", 0o600, ["x"])
