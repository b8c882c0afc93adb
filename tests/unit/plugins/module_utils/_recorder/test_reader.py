# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What oom_facts takes from the history."""

import os
import sqlite3
from contextlib import closing

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.records import PodmanEvent, UnitOom
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder import database, reader
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.database import open_history
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.source import (
    daily_memory,
    merge_records,
    read_recorder,
    recorded_events,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.state import HistoryState
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.writer import set_meta
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import SECOND, to_iso

NOW = 1795464345 * SECOND
STATE = HistoryState(boot="b", until=NOW - 30 * SECOND, kernel_since=NOW - 86400 * SECOND, missing=0,
                     journal_since=NOW - 3600 * SECOND, backlog=False)


@pytest.fixture
def folder(tmp_path):
    with closing(open_history(str(tmp_path))) as database:
        set_meta(database, problem="", **STATE._asdict())
    return str(tmp_path)


def change(folder, query, values=()):
    with closing(open_history(folder)) as database:
        database.execute(query, values)


def read(folder, since=NOW - 3600 * SECOND, now=NOW):
    return read_recorder(folder, since, now)


def test_no_history(tmp_path):
    record = read(str(tmp_path))
    assert (record.source["status"], record.daily, record.state, record.messages) == ("absent", None, None, [])


def test_a_history_that_is_none(tmp_path):
    (tmp_path / "history.sqlite").write_text("text " * 1000)
    record = read(str(tmp_path))
    assert record.source["status"] == "unavailable" and "not a database" in record.source["detail"]
    assert record.daily is None


def test_a_history_of_a_newer_version(folder):
    change(folder, "PRAGMA user_version = 9")
    assert "version 9" in read(folder).source["detail"]


@pytest.mark.skipif(os.geteuid() != 0, reason="root hides it from another user")
def test_a_history_that_is_not_for_us(folder):
    os.chmod(folder, 0o700)
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        os._exit(0 if read(folder).source["status"] == "unavailable" else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_before_the_first_run_has_ended(tmp_path):
    open_history(str(tmp_path)).close()
    assert read(str(tmp_path)).source["status"] == "partial"


def test_all_is_well(folder):
    source = read(folder).source
    assert (source["status"], source["covers_since"]) == ("ok", to_iso(STATE.kernel_since))
    assert to_iso(STATE.until) in source["detail"]


def test_a_recorder_that_stopped(folder):
    source = read(folder, now=NOW + 3600 * SECOND).source
    assert source["status"] == "partial" and "its last run was at" in source["detail"]


def test_what_went_wrong_lately_is_said_and_what_was_long_ago_is_not(folder):
    change(folder, "INSERT INTO notes VALUES (?, 'the history before this was damaged')", (NOW - 60 * SECOND,))
    assert read(folder).source["status"] == "partial" and "damaged" in read(folder).source["detail"]
    assert read(folder, since=NOW).source["status"] == "ok"


def test_a_source_that_it_could_not_read(folder):
    change(folder, "UPDATE meta SET value = 'journalctl: exit code 1' WHERE key = 'problem'")
    assert read(folder).source["status"] == "partial" and "exit code 1" in read(folder).source["detail"]


def test_days_by_user_and_workload(folder):
    for day, uid, workload in (("2026-11-23", 0, "web"), ("2026-11-22", 0, "web"), ("2026-11-22", 1000, "web")):
        change(folder, "INSERT INTO daily VALUES (?, ?, ?, 5, NULL, 3)", (day, uid, workload))
    daily = read(folder).daily
    assert [entry["day"] for entry in daily[(0, "web")]] == ["2026-11-22", "2026-11-23"]
    assert daily[(1000, "web")] == [{"day": "2026-11-22", "working_set_max": 5, "peak": None, "samples": 3}]


def test_the_days_of_a_container_are_those_of_its_unit_or_name(folder):
    for workload, size in (("web.service", 5), ("web", 6)):
        change(folder, "INSERT INTO daily VALUES ('2026-11-22', 0, ?, ?, NULL, 3)", (workload, size))
    record = read(folder)
    assert daily_memory(record, 0, "web.service", "web")[0]["working_set_max"] == 5
    assert daily_memory(record, 0, None, "web")[0]["working_set_max"] == 6
    assert daily_memory(record, 0, "other.service", "web")[0]["working_set_max"] == 6
    assert daily_memory(record, 1000, None, "web") == []
    assert daily_memory(record._replace(daily=None), 0, None, "web") is None


def test_events_of_some_containers(folder):
    for ident in ("aa", "bb"):
        change(folder, "INSERT INTO events VALUES (?, 0, ?, 'died', 'web', 'image', 137, ?, 'run', NULL)",
               (ident, NOW, '{"PODMAN_SYSTEMD_UNIT": "web.service"}'))
    events, problem = recorded_events(folder, ["bb"])
    assert problem is None and events == [
        PodmanEvent(NOW, "died", "bb", "web", "image", 137, {"PODMAN_SYSTEMD_UNIT": "web.service"}, 0, "run")]


def test_what_journal_and_history_both_hold_is_there_once():
    early, late = UnitOom(1, "a.scope", 0), UnitOom(2, "a.scope", 0)
    assert merge_records([late], [early, late]) == [early, late]
    live = PodmanEvent(5, "died", "aa", "web", "image", 137, {"PODMAN_SYSTEMD_UNIT": "x", "more": "labels"}, 0, "run")
    recorded = live._replace(labels={"PODMAN_SYSTEMD_UNIT": "x"})
    assert merge_records([live], [recorded]) == [live]


HOSTILE = [None, -1, 1 << 62, 1.5, "x" * 100000, "\x00", b"\xff\xfe", "nan"]
COLUMNS = [("messages", "at"), ("messages", "text"), ("messages", "mono"), ("unit_ooms", "at"), ("unit_ooms", "unit"),
           ("oomd_kills", "at"), ("oomd_kills", "text"), ("containers", "memory_limit"), ("containers", "name"),
           ("daily", "peak"), ("daily", "samples"), ("notes", "text"), ("meta", "value"), ("events", "at"), ("events", "labels")]


@pytest.mark.parametrize("table, column", COLUMNS)
@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:10])
def test_whatever_is_in_a_column_costs_the_recorder_alone(folder, table, column, value):
    """SQLite stores any type in any column. Read is what is of the right type; or else the source says why it is not read."""
    for query in ("INSERT INTO messages VALUES ('b', 1, 'oom-kill:', 0, 1, 0)", "INSERT INTO unit_ooms VALUES (1, 'a.scope', 0)",
                  "INSERT INTO oomd_kills VALUES (1, '/x', NULL, 0, 'text')", "INSERT INTO notes VALUES (?1, 'note')",
                  "INSERT INTO containers VALUES ('aa', 0, 'web', 'image', NULL, 1, 1, 1)",
                  "INSERT INTO daily VALUES ('2026-11-23', 0, 'web', 1, 1, 1)",
                  "INSERT INTO events VALUES ('aa', 0, 1, 'died', 'web', 'image', 0, '{}', 'run', NULL)"):
        change(folder, query, (NOW,) if "?1" in query else ())
    try:
        change(folder, "UPDATE %s SET %s = ?" % (table, column), (value,))
    except sqlite3.IntegrityError:  # NOT NULL
        return
    record = read(folder)
    events, problem = recorded_events(folder, ["aa"])
    if record.source["status"] == "unavailable":
        assert table in record.source["detail"] or "state" in record.source["detail"] or "UTF-8" in record.source["detail"], record.source
        assert record.messages == [] and record.state is None
    for message in record.messages:
        assert to_iso(message.at) and isinstance(message.text, str)
    assert (table == "events" and problem) or all(to_iso(event.at) and isinstance(event.labels, dict) for event in events)


def test_a_state_that_is_not_whole_costs_the_recorder_alone(folder):
    change(folder, "DELETE FROM meta WHERE key = 'kernel_since'")
    assert read(folder).source["status"] == "unavailable" and "kernel_since" in read(folder).source["detail"]


@pytest.mark.parametrize("mode", [0o606, 0o660])
def test_a_history_that_others_can_write_is_not_read(folder, mode):
    os.chmod(os.path.join(folder, "history.sqlite"), mode)
    assert read(folder).source["status"] == "unavailable" and "chmod go-w" in read(folder).source["detail"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("name", ["", "history.sqlite"])
def test_a_history_of_another_user_is_not_read(folder, name):
    os.chown(os.path.join(folder, name), 1000, 1000)
    assert read(folder).source["status"] == "unavailable" and "belongs to uid 1000" in read(folder).source["detail"]


def test_a_query_without_end_is_ended(folder, monkeypatch):
    """A table that is a view: it could count for ever."""
    monkeypatch.setattr(database, "_READ_SECONDS", 0.2)
    change(folder, "DROP TABLE daily")
    change(folder, "CREATE VIEW daily AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
                   " SELECT 'd' AS day, 0 AS uid, 'w' AS workload, 1 AS working_set_max, 1 AS peak, x AS samples FROM n")
    assert read(folder).source["status"] == "unavailable" and "interrupted" in read(folder).source["detail"]


def test_more_rows_than_are_read_are_the_owners_loss_who_has_most(folder, monkeypatch):
    monkeypatch.setattr(reader, "_MAX_ROWS", 30)
    with closing(open_history(folder)) as connection:
        for number in range(100):
            connection.execute("INSERT INTO messages VALUES ('b', ?, 'oom-kill:', 0, ?, 1000)", (number, number))
            connection.execute("INSERT INTO unit_ooms VALUES (?, 'a.scope', ?)", (number, 0 if number < 5 else 1000))
        connection.execute("INSERT INTO messages VALUES ('b', 1, 'oom-kill: bob', 0, 1, 1001)")
    record = read(folder)
    assert len(record.messages) <= 30 and "oom-kill: bob" in [message.text for message in record.messages]
    assert sum(unit_oom.uid == 0 for unit_oom in record.unit_ooms) == 5
    assert set(record.dropped) == {1000} and record.dropped[1000] > 60
    assert record.state == STATE
