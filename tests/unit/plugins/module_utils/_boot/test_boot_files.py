# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are whole at any moment, whatever fails."""

import errno
import os

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._boot.boot_files import BootFiles, FileError

A, B, NEW = "/etc/a", "/etc/b", "/etc/new/c.cfg"


@pytest.fixture
def files(tmp_path):
    os.mkdir(str(tmp_path / "etc"))
    (tmp_path / "etc" / "a").write_bytes(b"one\n")
    (tmp_path / "etc" / "b").write_bytes(b"caf\xe9\r\n")
    return BootFiles(str(tmp_path))


def names(files):
    return sorted(os.listdir(files.at("/etc")))


def failing(monkeypatch, name, number):
    def fail(*_words):
        raise OSError(number, os.strerror(number))
    monkeypatch.setattr(os, name, fail)


def test_every_byte_is_kept(files):
    files.write(A, files.read(B))
    with open(files.at(A), "rb") as handle:
        assert handle.read() == b"caf\xe9\r\n"


def test_written_and_undone(files):
    files.write(A, "two\n")
    files.write(NEW, "three\n")
    files.write(B, None)
    assert (files.read(A), files.read(NEW), files.read(B)) == ("two\n", "three\n", None)
    assert files.restore() == []
    assert (files.read(A), files.read(NEW), files.read(B)) == ("one\n", None, "caf\udce9\r\n")


def test_twice_written_is_undone_to_the_first(files):
    files.write(A, "two\n")
    files.write(A, "three\n")
    files.restore()
    assert files.read(A) == "one\n"


def test_what_a_command_did_to_a_guarded_file_is_undone(files):
    files.remember([A, NEW])
    os.unlink(files.at(A))
    os.mkdir(os.path.dirname(files.at(NEW)))
    with open(files.at(NEW), "w", encoding="utf-8") as handle:
        handle.write("half")
    assert files.restore() == []
    assert (files.read(A), files.read(NEW)) == ("one\n", None)


def test_mode_is_kept_and_a_new_file_can_be_read_by_all(files):
    os.chmod(files.at(A), 0o640)
    files.write(A, "two\n")
    files.write(NEW, "x\n")
    assert os.stat(files.at(A)).st_mode & 0o777 == 0o640
    assert os.stat(files.at(NEW)).st_mode & 0o777 == 0o644


def test_a_link_stays_one(files):
    os.symlink("a", files.at("/etc") + "/link")
    files.write("/etc/link", "two\n")
    assert os.path.islink(files.at("/etc") + "/link")
    assert files.read(A) == "two\n"


@pytest.mark.parametrize("where", ["fsync", "rename"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_or_read_only_disk_leaves_the_old_file(files, monkeypatch, where, number):
    failing(monkeypatch, where, number)
    with pytest.raises(FileError) as error:
        files.write(A, "two\n")
    assert A in str(error.value) and os.strerror(number) in str(error.value)
    assert files.read(A) == "one\n"
    assert names(files) == ["a", "b"], "no draft is left"


def test_a_finished_file_takes_the_place_of_the_old_one(files):
    os.chmod(files.at(A), 0o600)
    files.write("/etc/a.draft", "two\n")
    files.move("/etc/a.draft", A)
    assert (files.read(A), names(files)) == ("two\n", ["a", "b"])
    assert os.stat(files.at(A)).st_mode & 0o777 == 0o600
    files.remove("/etc/a.draft")


def test_what_can_not_be_restored_is_told(files, monkeypatch):
    files.write(A, "two\n")
    failing(monkeypatch, "rename", errno.EIO)
    result = files.restore()
    assert len(result) == 1 and A in result[0] and os.strerror(errno.EIO) in result[0]


def test_a_directory_that_vanishes_meanwhile_is_an_error_of_the_file(files, monkeypatch):
    failing(monkeypatch, "rename", errno.ENOENT)
    with pytest.raises(FileError) as error:
        files.write(A, "two\n")
    assert str(error.value) == "/etc/a can't be written: No such file or directory"
    assert files.read(A) == "one\n" and names(files) == ["a", "b"]


def test_no_permission(files, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(FileError) as error:
        files.check_writable(A)
    assert "become" in str(error.value)


def test_read_only(files, monkeypatch):
    files.check_writable(A)
    files.check_writable(NEW)

    class Flags(object):
        f_flag = os.ST_RDONLY

    monkeypatch.setattr(os, "statvfs", lambda path: Flags)
    with pytest.raises(FileError) as error:
        files.check_writable(A)
    assert "read only" in str(error.value)


def test_a_directory_in_the_place_of_a_file(files):
    os.mkdir(files.at("/etc/d"))
    with pytest.raises(FileError) as error:
        files.read("/etc/d")
    assert "/etc/d" in str(error.value)
    assert files.names("/etc/none") == []
