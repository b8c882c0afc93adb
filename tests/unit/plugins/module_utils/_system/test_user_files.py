# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of users: whole, readable, alone in their directory, and whatever their names are."""

import os
import re
import shutil
import stat
import subprocess

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._system import user_files
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import current_identity
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.user_files import (
    UserFileError,
    read_user_file,
    remove_user_file,
    write_user_file,
)


def test_the_file_is_whole_readable_and_alone(tmp_path):
    me, folder = current_identity(), str(tmp_path / "a b" / "conf.d")
    path = folder + "/50-x.conf"
    write_user_file(me, path, "text\n", 30)
    assert os.listdir(folder) == ["50-x.conf"]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o644
    write_user_file(me, path, "other\n", 30)
    with open(path) as stream:
        assert stream.read() == "other\n"
    remove_user_file(me, path, 30)
    remove_user_file(me, path, 30)
    assert os.listdir(folder) == []


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_it_is_on_the_disk_before_it_has_its_name(tmp_path):
    """As the kernel is asked: fsync of the file, rename, fsync of the directory."""
    log = str(tmp_path / "log")
    subprocess.run(["strace", "-f", "-y", "-o", log, "-e", "trace=fsync,rename,renameat,renameat2", "sh", "-c", user_files._WRITE, "sh",
                    str(tmp_path / "conf.d"), "x.conf"], stdin=subprocess.DEVNULL, check=True)
    with open(log, encoding="utf-8") as stream:
        calls = re.findall(r"(fsync|rename)\w*\((.*)\)\s+= 0", stream.read())
    assert [call for call, _what in calls] == ["fsync", "rename", "fsync"]
    assert "/conf.d/.x.conf." in calls[0][1] and calls[2][1].endswith("/conf.d>")


@pytest.mark.parametrize("text", ["", "\n", "yes\n", "a\nb", "caf\u00e9\n"])
def test_a_text_is_read_as_it_was_written(tmp_path, text):
    path = str(tmp_path / "-x $(touch y).conf")
    assert read_user_file(current_identity(), path, 30) is None
    write_user_file(current_identity(), path, text, 30)
    assert read_user_file(current_identity(), path, 30) == text
    assert os.listdir(str(tmp_path)) == [os.path.basename(path)]


def test_a_link_is_replaced_not_followed(tmp_path):
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "x.conf").symlink_to("victim")
    write_user_file(current_identity(), str(tmp_path / "x.conf"), "text\n", 30)
    assert (tmp_path / "victim").read_text() == "mine"
    assert not os.path.islink(str(tmp_path / "x.conf"))


def test_the_directory_goes_with_the_last_file(tmp_path):
    for name in ("a.conf", "b.conf"):
        write_user_file(current_identity(), str(tmp_path / "x.d" / name), "text\n", 30)
    for name, left in (("a.conf", True), ("b.conf", False), ("b.conf", False)):
        remove_user_file(current_identity(), str(tmp_path / "x.d" / name), 30, with_directory=True)
        assert os.path.exists(str(tmp_path / "x.d")) is left


def test_what_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserFileError) as caught:
        write_user_file(current_identity(), str(tmp_path / "file" / "below" / "x"), "text", 30)
    assert "below/x: " in str(caught.value)


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(UserFileError, match="x.d: cat: "):
        (tmp_path / "x.d").mkdir()
        read_user_file(current_identity(), str(tmp_path / "x.d"), 30)
