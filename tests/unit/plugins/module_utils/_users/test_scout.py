# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A path that does not answer is said, and costs its time only. A stand-in hangs: a dead file server can't be had here."""

import time

from ansible_collections.podman_fleet.memory.plugins.module_utils._users import scout


def test_what_is_there(tmp_path):
    (tmp_path / "is").mkdir()
    paths = [str(tmp_path / "is"), str(tmp_path / "is not"), "/proc/1/root/x\0y", str(tmp_path)]
    assert scout.paths_exist(paths) == [True, False, False, True]
    assert scout.paths_exist([]) == []


def test_many():
    assert scout.paths_exist(["/"] * 100000) == [True] * 100000


def hang_at(monkeypatch, words):
    real = scout.os.stat
    monkeypatch.setattr(scout.os, "stat", lambda path: time.sleep(600) if path in words else real(path))


def test_one_hangs(monkeypatch):
    hang_at(monkeypatch, ["/dead"])
    started = time.monotonic()
    assert scout.paths_exist(["/", "/dead", "/nowhere", "/"], patience=0.3) == [True, None, False, True]
    assert time.monotonic() - started < 10


def test_some_that_hang_do_not_hide_the_others(monkeypatch):
    """autofs triggers or mounts of FUSE, which a user may have any number of."""
    hang_at(monkeypatch, ["/dead"])
    started = time.monotonic()
    assert scout.paths_exist(["/dead"] * 10 + ["/", "/nowhere"], patience=0.5) == [None] * 10 + [True, False]
    assert time.monotonic() - started < 10


def test_all_hang(monkeypatch):
    hang_at(monkeypatch, ["/dead"])
    started = time.monotonic()
    assert scout.paths_exist(["/dead"] * 1000, patience=0.2) == [None] * 1000
    assert time.monotonic() - started < 10
