# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which paths others than root can change, and that nobody leads root elsewhere."""

import os

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._system.prometheus import write_textfile
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.protected_paths import (
    UnprotectedPath,
    check_protected,
    open_directory,
)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")


def refused(path):
    with pytest.raises(UnprotectedPath) as error:
        check_protected(str(path))
    return str(error.value)


def test_roots_own_directories_and_what_is_not_there_yet(tmp_path):
    for path in ("/", "/etc", "/etc/passwd", str(tmp_path), str(tmp_path / "not" / "there"), str(tmp_path / ".." / tmp_path.name)):
        check_protected(path)


@pytest.mark.parametrize("mode", [0o775, 0o2775, 0o757, 0o1777])
def test_a_directory_that_others_write_to_is_named(tmp_path, mode):
    folder = tmp_path / "lib"
    folder.mkdir()
    folder.chmod(mode)
    if mode != 0o1777:  # nobody can rename what is root's there
        assert refused(folder / "podman-memory").startswith("%s has mode %04o" % (folder, mode))
    assert str(folder) in refused(folder)


@as_root
def test_a_directory_of_another_user_is_named(tmp_path):
    (tmp_path / "home" / "x").mkdir(parents=True)
    os.chown(str(tmp_path / "home"), 1000, 1000)
    assert refused(tmp_path / "home" / "x" / "y").startswith("%s belongs to uid 1000" % (tmp_path / "home"))


def test_links_are_as_good_as_where_they_lead(tmp_path):
    (tmp_path / "good").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad").chmod(0o777)
    (tmp_path / "absolute").symlink_to(tmp_path / "good")
    (tmp_path / "relative").symlink_to("good")
    (tmp_path / "up").symlink_to("good/../bad")
    check_protected(str(tmp_path / "absolute" / "x"))
    check_protected(str(tmp_path / "relative" / "x"))
    assert str(tmp_path / "bad") in refused(tmp_path / "up" / "x")


def test_links_in_a_circle_end(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError):
        check_protected(str(tmp_path / "a"))


@as_root
def test_metrics_in_another_users_directory_stay_there(tmp_path):
    """The user of node_exporter owns the directory, and puts a link to root's in its place."""
    (tmp_path / "etc").mkdir()
    exporter = tmp_path / "exporter"
    (exporter / "textfiles").mkdir(parents=True)
    for path in (exporter, exporter / "textfiles"):
        os.chown(str(path), 1000, 1000)
    (tmp_path / "link").symlink_to(exporter)  # root's own
    write_textfile(str(tmp_path / "link" / "textfiles" / "x.prom"), "metrics\n")
    assert (exporter / "textfiles" / "x.prom").read_text() == "metrics\n"
    os.rename(str(exporter / "textfiles"), str(exporter / "moved"))
    (exporter / "textfiles").symlink_to(tmp_path / "etc")
    os.lchown(str(exporter / "textfiles"), 1000, 1000)
    with pytest.raises(OSError) as error:
        write_textfile(str(exporter / "textfiles" / "x.prom"), "metrics\n")
    assert error.value.filename == str(exporter / "textfiles")
    assert os.listdir(str(tmp_path / "etc")) == []


def test_open_directory_of_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        open_directory(str(tmp_path / "file"))


def test_drafts_of_a_killed_run_are_removed_and_nothing_else(tmp_path):
    child = os.fork()
    if child == 0:
        os.rename = lambda *_args, **_more: os._exit(9)  # killed before the file is in its place
        write_textfile(str(tmp_path / "x.prom"), "metrics\n")
    os.waitpid(child, 0)
    (draft,) = os.listdir(str(tmp_path))
    assert not draft.endswith(".prom")  # node_exporter does not read it
    for name in (".x.prom.mine", ".y.prom.abc.new", "x.new"):
        (tmp_path / name).write_text("")
    (tmp_path / ".x.prom.directory.new").mkdir()
    write_textfile(str(tmp_path / "x.prom"), "metrics\n")
    assert sorted(os.listdir(str(tmp_path))) == [".x.prom.directory.new", ".x.prom.mine", ".y.prom.abc.new", "x.new", "x.prom"]
