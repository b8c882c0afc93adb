# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The history's file: made, brought up to date, read beside the writer, broken."""

import os
import sqlite3
from contextlib import closing

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder import database
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.database import (
    MIGRATIONS,
    HistoryDamaged,
    HistoryError,
    is_damage,
    open_history,
    query_history,
    set_aside,
)

NOW = 1795464345 * 1000000


def names(folder):
    return sorted(os.listdir(str(folder)))


def put(folder, value):
    with closing(open_history(str(folder))) as connection:
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('key', ?)", (value,))


def stored(connection):
    return connection.execute("SELECT value FROM meta WHERE key = 'key'").fetchone()[0]


def test_a_new_history_is_roots_alone(tmp_path):
    put(tmp_path, 1)
    assert names(tmp_path) == ["history.sqlite"]
    assert os.stat(str(tmp_path / "history.sqlite")).st_mode & 0o777 == 0o600


def test_an_older_one_is_brought_up_to_date_with_what_is_in_it(tmp_path, monkeypatch):
    put(tmp_path, 1)
    monkeypatch.setattr(database, "MIGRATIONS", MIGRATIONS + (("ALTER TABLE daily ADD COLUMN later",),))
    with closing(open_history(str(tmp_path))) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
        assert stored(connection) == 1
        connection.execute("SELECT later FROM daily")


def test_a_migration_that_fails_changes_nothing(tmp_path, monkeypatch):
    put(tmp_path, 1)
    monkeypatch.setattr(database, "MIGRATIONS", MIGRATIONS + (
        ("ALTER TABLE daily ADD COLUMN later", "INSERT INTO notes VALUES (1, 2, 3)"),))
    with pytest.raises(HistoryError):
        open_history(str(tmp_path))
    monkeypatch.undo()
    with closing(open_history(str(tmp_path))) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        with pytest.raises(sqlite3.OperationalError):
            connection.execute("SELECT later FROM daily")


def test_a_newer_one_is_left_alone(tmp_path):
    with closing(open_history(str(tmp_path))) as connection:
        connection.execute("PRAGMA user_version = 7")
    with pytest.raises(HistoryError) as error:
        open_history(str(tmp_path))
    assert "version 7" in str(error.value) and not isinstance(error.value, HistoryDamaged)
    with pytest.raises(HistoryError) as error:
        query_history(str(tmp_path), stored)
    assert "version 7" in str(error.value)


def test_reading_leaves_no_trace(tmp_path):
    put(tmp_path, 5)
    before = os.stat(str(tmp_path / "history.sqlite"))
    assert query_history(str(tmp_path), stored) == 5
    assert names(tmp_path) == ["history.sqlite"]
    assert os.stat(str(tmp_path / "history.sqlite")).st_mtime_ns == before.st_mtime_ns


def test_reading_beside_a_writer(tmp_path):
    """The reader sees what was committed, and keeps the writer from nothing."""
    put(tmp_path, 5)
    with closing(open_history(str(tmp_path))) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE meta SET value = 6")

        def look(connection):
            first = stored(connection)
            writer.execute("COMMIT")
            writer.execute("UPDATE meta SET value = 7")
            return first, stored(connection)

        assert query_history(str(tmp_path), look)[0] == 5
    assert query_history(str(tmp_path), stored) == 7


def test_a_file_that_changes_while_it_is_read_is_read_again(tmp_path):
    put(tmp_path, 5)
    looks = []

    def look(connection):
        looks.append(stored(connection))
        if len(looks) == 1:
            put(tmp_path, 6)
        return looks[-1]

    assert query_history(str(tmp_path), look) == 6
    assert looks == [5, 6]


def test_no_history(tmp_path):
    assert query_history(str(tmp_path), stored) is None
    assert query_history(str(tmp_path / "nowhere"), stored) is None


@pytest.mark.parametrize("content", [b"no database " * 1000, b"SQLite format 3\0" + b"\xff" * 4000])
def test_what_is_no_database_is_damaged(tmp_path, content):
    (tmp_path / "history.sqlite").write_bytes(content)
    with pytest.raises(HistoryDamaged):
        open_history(str(tmp_path))
    with pytest.raises(HistoryError):
        query_history(str(tmp_path), stored)


def test_two_damaged_ones_are_kept(tmp_path):
    for number in range(4):
        (tmp_path / "history.sqlite").write_bytes(b"%d" % number)
        (tmp_path / "history.sqlite-wal").write_bytes(b"")
        set_aside(str(tmp_path), NOW + number * 1000000)
    assert names(tmp_path) == ["history.sqlite.damaged-20261123T200547Z", "history.sqlite.damaged-20261123T200547Z-wal",
                               "history.sqlite.damaged-20261123T200548Z", "history.sqlite.damaged-20261123T200548Z-wal"]


@pytest.mark.parametrize("words, damage", [
    ("database disk image is malformed", True),
    ("file is not a database", True),
    ("no such table: meta", True),
    ("database or disk is full", False),
    ("database is locked", False),
    ("disk I/O error", False),
    ("unable to open database file", False),
])
def test_what_is_damage(words, damage):
    assert is_damage(sqlite3.DatabaseError(words)) is damage
