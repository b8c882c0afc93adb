# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What oom_facts takes from the history."""

import os
from contextlib import closing

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.records import PodmanEvent, UnitOom
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
        change(folder, "INSERT INTO events VALUES (?, 0, ?, 'died', 'web', 'image', 137, ?, 'run')",
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
