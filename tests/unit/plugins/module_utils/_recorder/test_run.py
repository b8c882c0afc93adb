# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recorder's run on recorded journals: nothing twice, nothing lost, wherever it is killed."""

import collections
import fcntl
import json
import os
import re
import sqlite3

import pytest
from recorded_journal import HOSTS, FakeHost, FakeJournal, entries

from ansible_collections.podman_fleet.memory.plugins.module_utils._cgroup.paths import find_container_id
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs import journal_follower
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.journal import RingBuffer
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.journal_cursor import TRUSTED
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_oom import parse_kernel_log
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.records import (
    PODMAN_EVENT_KINDS,
    parse_kernel_messages,
    parse_podman_events,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder import run, stored_names
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.database import (
    HISTORY_FILE,
    AlreadyRunning,
    HistoryError,
    open_history,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.retention import (
    count_kills,
    history_size,
    prune_by_size,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.run import Options, _Recording, record
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.sampler import Sample, Sampling
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.source import read_recorder
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import CommandError
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import SECOND

MEBIBYTE = 1 << 20
DAY = 86400 * SECOND


class Bench:
    """One host's recorded journal and a history in a directory."""

    def __init__(self, name, folder):
        self.folder = str(folder)
        self.journal = FakeJournal(entries(name))
        self.end = int(self.journal.entries[-1]["__REALTIME_TIMESTAMP"])
        kernel = [entry for entry in self.journal.entries if entry.get("_TRANSPORT") == "kernel"]
        self.log = parse_kernel_log(parse_kernel_messages(kernel))
        self.boot = kernel[-1]["_BOOT_ID"]
        self.host = FakeHost(self.boot, self.log.killed_per_boot[self.boot], int(kernel[0]["__REALTIME_TIMESTAMP"]) - SECOND)
        self.now = self.end + SECOND
        self.textfiles = ""
        self.days = 30

    def run(self):
        options = Options(state_dir=self.folder, textfile_dir=self.textfiles, retention_days=self.days,
                          retention_bytes=64 * MEBIBYTE, version="1.2.3")
        return record(options, now=lambda: self.now, journal=self.journal, host=self.host)

    def open(self):
        return open_history(self.folder)

    def rows(self, query):
        database = self.open()
        try:
            return database.execute(query).fetchall()
        finally:
            database.close()

    def kills(self):
        """The kernel's kills in containers, as the whole journal tells them: Counter of (id, at)."""
        kills = collections.Counter()
        for kill in self.log.kills:
            ident = find_container_id(kill.task_memcg)
            if ident:
                kills[(ident, kill.at)] += 1
        return kills

    def recorded(self):
        return collections.Counter(dict.fromkeys(self.rows("SELECT ident, at FROM kills WHERE boot != 'oomd'"), 1))


@pytest.fixture(params=HOSTS)
def bench(request, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "sample_containers", lambda _files: Sampling([], {}))
    monkeypatch.setattr(run, "read_ring_buffer", lambda _boot: RingBuffer([], None, None))
    monkeypatch.setattr(run, "oldest_entry_time", lambda _uid: None)
    monkeypatch.setattr(run.Accounts, "is_user", lambda _accounts, uid: not 100000 <= uid < 165536)
    return Bench(request.param, tmp_path)


def test_one_run_has_every_kill_of_the_journal(bench):
    assert bench.run() == []
    assert bench.recorded() == bench.kills()
    assert len(bench.kills()) > 10


def test_entry_by_entry_is_the_same_as_at_once(bench):
    for bench.journal.end in list(range(0, len(bench.journal.entries), 23)) + [len(bench.journal.entries)]:
        bench.run()
    assert bench.recorded() == bench.kills()


@pytest.mark.parametrize("tick", [1, 10000, 1000000])
def test_the_order_of_messages_outlasts_a_kernel_clock_that_is_coarse(bench, tick):
    """As on an emulated processor, where all lines of a report have the same time: what comes out is what went in."""
    for entry in bench.journal.entries:
        for field in ("_SOURCE_MONOTONIC_TIMESTAMP", "__MONOTONIC_TIMESTAMP"):
            if entry.get("_TRANSPORT") == "kernel" and field in entry:
                entry[field] = str(int(entry[field]) // tick * tick)
    bench.run()
    record = read_recorder(bench.folder, 0, bench.now)
    kernel = [entry for entry in bench.journal.entries if entry.get("_TRANSPORT") == "kernel"]
    expected = parse_kernel_log(parse_kernel_messages(kernel))
    recorded = parse_kernel_log(record.messages)
    assert recorded == expected
    assert recorded.killed_per_boot == bench.log.killed_per_boot
    assert any(victim.rss for kill in recorded.kills for victim in kill.victims)
    if tick < 1000000:
        assert bench.recorded() == bench.kills()


def test_containers_have_their_names(bench):
    bench.run()
    named = dict(bench.rows("SELECT ident, name FROM containers"))
    for event in parse_podman_events(bench.journal.entries):
        if event.kind in PODMAN_EVENT_KINDS:
            assert named[event.ident] == event.name


@pytest.mark.parametrize("fields", [
    {"PODMAN_LABELS": '{"PODMAN_SYSTEMD_UNIT": "\\ud800x"}'},
    {"PODMAN_LABELS": '{"PODMAN_SYSTEMD_UNIT": ["no", "text"]}'},
    {"PODMAN_LABELS": "[1, 2]"},
    {"PODMAN_EXIT_CODE": "9" * 40},
    {"PODMAN_TIME": "9999-12-31T23:59:59Z"},
    {"PODMAN_TIME": "never"},
    {"PODMAN_NAME": [255, 254, 0]},
    {"PODMAN_NAME": None, "PODMAN_IMAGE": None},
    {"PODMAN_ID": "'; DROP TABLE kills; --"},
    {"PODMAN_EVENT": ["died", "init"]},
])
def test_anybody_can_write_into_the_journal(bench, fields):
    """A user's entry that is no event of Podman's keeps nothing from being recorded."""
    at = bench.journal.entries[3]["__REALTIME_TIMESTAMP"]
    bench.journal.entries.insert(3, dict({
        "__CURSOR": "s=forged", "__REALTIME_TIMESTAMP": at, "_TRANSPORT": "journal", "_UID": "1000", "PODMAN_EVENT": "died",
        "PODMAN_ID": "ab" * 32, "PODMAN_NAME": "x", "PODMAN_TIME": "2026-11-23T20:27:58.08564605Z"}, **fields))
    bench.journal.end += 1
    assert bench.run() == []
    assert bench.recorded() == bench.kills()


def test_entries_that_were_left_out_are_told_and_make_nothing_incomplete(bench):
    """Any user can write one each minute: that must not keep the history from being complete."""
    bench.journal.bad_entries = 2
    assert bench.run() == []
    assert bench.rows("SELECT value FROM meta WHERE key = 'problem'") == [
        ("2 entries of the journal that no service writes were left out",)]
    assert bench.rows("SELECT value FROM meta WHERE key = 'success_at'") == [(bench.now,)]


@pytest.fixture
def small(monkeypatch):
    """What is read together or of one user is soon too much."""
    monkeypatch.setattr(journal_follower, "_MAX_TOGETHER", 150)
    monkeypatch.setattr(journal_follower, "_MAX_OF_USER", 400)


def forge(bench, place, number, uid, **fields):
    """Put events of a user's into the journal, before the entry at a place."""
    entry = dict({"__REALTIME_TIMESTAMP": bench.journal.entries[place]["__REALTIME_TIMESTAMP"], "_TRANSPORT": "journal", "_UID": str(uid),
                  "PODMAN_EVENT": "died", "PODMAN_NAME": "x"}, **fields)
    bench.journal.entries[place:place] = [
        dict(entry, __CURSOR="s=%d-%d" % (uid, each), PODMAN_ID="%064x" % (uid << 32 | each)) for each in range(number)]
    bench.journal.end = len(bench.journal.entries)


def begin(bench, end):
    """The run before what a test is about, when the journal had so many entries and the kernel had killed nothing."""
    counted, bench.host.counted, bench.journal.end = bench.host.counted, 0, end
    bench.now -= SECOND
    bench.run()
    bench.now += SECOND
    bench.host.counted, bench.journal.end = counted, len(bench.journal.entries)


def events_of(bench, uid):
    return bench.rows("SELECT count(*) FROM events WHERE uid = %d" % uid)[0][0]


def test_who_floods_the_journal_lags_alone(bench, small):
    """alice writes more than a reading takes: what is behind it, of the kernel and of bob, is read in the same run."""
    begin(bench, 10)
    forge(bench, len(bench.journal.entries) - 1, 30, 987655)
    forge(bench, 11, 1000, 987654)
    assert bench.run() == []
    assert bench.recorded() == bench.kills()
    assert (events_of(bench, 987655), 0 < events_of(bench, 987654) < 1000) == (30, True)
    assert bench.rows("SELECT name FROM containers WHERE uid = 0") and bench.rows("SELECT value FROM meta WHERE key = 'success_at'") == [(bench.now,)]
    record = read_recorder(bench.folder, 0, bench.now)
    since = record.state.journal_since
    assert "of what 987654 writes into the journal not all is read" in record.source["detail"] and "987655" not in record.source["detail"]
    assert record.state.kernel_since == bench.host.began and not record.state.backlog
    assert record.unread == {987654: bench.now}
    assert [record.extend_users_coverage(since + 5, uid) for uid in (987654, 987655)] == [since + 5, since]


def test_who_flooded_the_journal_is_read_to_the_end_in_the_next_runs(bench, small):
    begin(bench, 10)
    forge(bench, 11, 1000, 987654)
    for _run in range(8):
        bench.run()
    assert events_of(bench, 987654) == 1000
    assert read_recorder(bench.folder, 0, bench.now).source["status"] == "ok"
    del bench.journal.readings[:]
    bench.run()
    assert bench.journal.readings == [None]


def test_a_user_as_many_uids_is_nobody(bench, small, tmp_path):
    """65,536 subordinate uids multiply neither the readings nor the rows, in a flood and without."""
    bench.textfiles = str(tmp_path / "textfiles")
    os.mkdir(bench.textfiles)
    forge(bench, 5, 20, 100001)
    begin(bench, 30)
    assert events_of(bench, 100001) == 0
    assert "20 entries of the journal in Podman's words by uids that are no user's were left out" in (
        read_recorder(bench.folder, 0, bench.now).source["detail"])
    for uid in range(100002, 100302):
        forge(bench, 40, 2, uid)
    forge(bench, 40, 900, 987654)
    del bench.journal.readings[:]
    assert bench.run() == []
    assert bench.recorded() == bench.kills()
    assert bench.rows("SELECT count(*) FROM events WHERE uid > 100000 AND uid < 100400") == [(0,)]
    assert {None, TRUSTED, 987654} <= set(bench.journal.readings) and len(bench.journal.readings) < 20
    assert not [uid for uid in bench.journal.readings if uid and 100000 <= uid < 165536]
    with open(os.path.join(bench.textfiles, "podman_oom_recorder.prom"), encoding="utf-8") as handle:
        assert 'podman_oom_recorder_left_out_journal{user="987654"} 1\n' in handle.read()


def test_an_entry_for_which_journalctl_has_no_memory_costs_its_writer_alone(bench):
    """Of 32 MiB, and the last one: the next run begins at it."""
    forge(bench, 12, 1, 987654)
    bench.journal.poison = bench.journal.entries[12]
    begin(bench, 13)
    assert bench.run() == []
    assert bench.recorded() == bench.kills()
    record = read_recorder(bench.folder, 0, bench.now)
    assert record.state.kernel_since == bench.host.began and not record.state.backlog
    assert events_of(bench, 987654) == 1


def test_what_is_trusted_may_lag_too_and_is_said(bench, small, monkeypatch):
    """Where even that is too much for a run, the next one goes on: nothing is lost, nothing counts as complete before."""
    monkeypatch.setattr(journal_follower, "_MAX_TRUSTED", 100)
    monkeypatch.setattr(journal_follower, "_SECONDS_OF_USERS", 1000)
    bench.run()
    assert read_recorder(bench.folder, 0, bench.now).state is None or read_recorder(bench.folder, 0, bench.now).state.backlog
    for _run in range(20):
        bench.run()
    assert bench.recorded() == bench.kills()
    assert not read_recorder(bench.folder, 0, bench.now).state.backlog


def test_a_history_with_one_place_for_all_goes_on_there(bench, small):
    """That of earlier versions: nothing is lost at the change, and nothing counted twice."""
    bench.journal.end = len(bench.journal.entries) // 2
    bench.run()
    database = bench.open()
    database.execute("DELETE FROM meta WHERE key = 'apart'")
    database.close()
    bench.journal.end = len(bench.journal.entries)
    bench.run()
    assert bench.recorded() == bench.kills()
    assert sum(count for count, _at in _counts(bench).values()) == len(bench.rows("SELECT * FROM kills"))


def test_a_second_run_changes_nothing_but_its_time(bench):
    bench.run()
    tables = ("messages", "unit_ooms", "oomd_kills", "events", "containers", "kills")
    before = [bench.rows("SELECT * FROM " + table) for table in tables]
    bench.now += 60 * SECOND
    bench.run()
    assert [bench.rows("SELECT * FROM " + table) for table in tables] == before


def test_killed_at_every_statement(bench):
    """A process of its own is ended at its nth SQL statement, for every n: the next runs have everything once."""
    middle = len(bench.journal.entries) // 2
    bench.journal.end = middle
    bench.run()
    bench.journal.end = len(bench.journal.entries)
    statement, survived = 0, False
    while not survived:
        statement += 1 if statement < 40 else 97  # the beginning is different at each, then it repeats
        child = os.fork()
        if child == 0:
            _killed_at(statement)
            try:
                bench.run()
            finally:
                os._exit(0)
        survived = os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 0
    assert statement > 100
    bench.run()
    assert bench.recorded() == bench.kills()
    counts = _counts(bench)
    assert sum(count for count, _at in counts.values()) == len(bench.rows("SELECT * FROM kills"))


def _killed_at(statement):
    real, left = open_history, [statement]

    def count(_text):
        left[0] -= 1
        if left[0] <= 0:
            os._exit(9)

    def traced(state_dir):
        database = real(state_dir)
        database.set_trace_callback(count)
        return database

    run.open_history = traced


def _counts(bench):
    database = bench.open()
    try:
        return count_kills(database)
    finally:
        database.close()


def test_more_than_one_transaction_holds(bench, monkeypatch):
    """Read in several transactions, and killed after the first of them: what was counted before does not stay."""
    bench.journal.end = 1
    bench.run()
    bench.journal.end = len(bench.journal.entries)
    monkeypatch.setattr(journal_follower, "_MAX_TOGETHER", 100)
    monkeypatch.setattr(journal_follower, "_MAX_TRUSTED", 100)
    child = os.fork()
    if child == 0:
        monkeypatch.setattr(_Recording, "_read_ring_buffer", lambda *_args: os._exit(9))
        bench.run()
    assert os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 9
    bench.run()
    assert bench.recorded() == bench.kills()
    source = read_recorder(bench.folder, 0, bench.now).source
    assert source["status"] == "ok", source


def test_whole_since_the_boot(bench):
    bench.run()
    record = read_recorder(bench.folder, 0, bench.now)
    assert record.source["status"] == "ok"
    assert record.state.kernel_since == bench.host.began


def test_a_kill_that_nobody_tells_of_is_a_gap_and_said(bench):
    bench.run()
    bench.host.counted += 1
    bench.now += 60 * SECOND
    bench.run()
    record = read_recorder(bench.folder, bench.now - DAY, bench.now)
    assert record.state.kernel_since == bench.now and record.state.missing == 1
    assert record.source["status"] == "partial" and "killed 1 process(es)" in record.source["detail"]
    # and later ones go on from there
    bench.now += 60 * SECOND
    bench.run()
    assert read_recorder(bench.folder, bench.now, bench.now).state.kernel_since == bench.now - 60 * SECOND


def test_the_kernels_buffer_knows_what_the_journal_lost(bench, monkeypatch):
    """The journal is vacuumed between a kill and the run: the ring buffer still has the messages."""
    lost = parse_kernel_messages([entry for entry in bench.journal.entries if entry.get("_TRANSPORT") == "kernel"])
    monkeypatch.setattr(run, "read_ring_buffer", lambda _boot: RingBuffer(lost, 0, None))
    bench.journal.entries = [entry for entry in bench.journal.entries if entry.get("_TRANSPORT") != "kernel"]
    bench.journal.end = len(bench.journal.entries)
    assert bench.run() == []
    assert bench.recorded() == bench.kills()
    assert read_recorder(bench.folder, 0, bench.now).source["status"] == "ok"


def test_a_damaged_history_is_set_aside_and_said(bench):
    bench.run()
    path = os.path.join(bench.folder, HISTORY_FILE)
    with open(path, "r+b") as handle:
        handle.seek(1024)
        handle.write(os.urandom(200 * 1024))
    assert bench.run() == []
    assert bench.recorded() == bench.kills()
    assert [name for name in os.listdir(bench.folder) if ".damaged-" in name]
    source = read_recorder(bench.folder, bench.now - DAY, bench.now).source
    assert source["status"] == "partial" and "damaged" in source["detail"]


@pytest.mark.parametrize("text", ["[1", "[]", '{"x": null}', "{}{"])
def test_places_in_the_journal_that_are_damaged_are_damage(bench, text):
    bench.run()
    database = bench.open()
    database.execute("UPDATE meta SET value = ? WHERE key = 'apart'", (text,))
    database.close()
    assert bench.run() == []
    assert [name for name in os.listdir(bench.folder) if ".damaged-" in name]
    assert bench.recorded() == bench.kills()


def test_no_database_at_all(bench):
    with open(os.path.join(bench.folder, HISTORY_FILE), "wb") as handle:
        handle.write(b"I am a text file.\n" * 100)
    bench.run()
    assert bench.recorded() == bench.kills()


def test_one_at_a_time(bench):
    lock = os.open(bench.folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(AlreadyRunning):
        bench.run()
    os.close(lock)
    bench.run()


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_a_state_directory_that_others_can_write_to_is_not_used(bench, mode):
    os.chmod(bench.folder, mode)
    with pytest.raises(HistoryError) as error:
        bench.run()
    assert bench.folder in str(error.value) and "chmod go-w" in str(error.value)
    assert os.listdir(bench.folder) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_state_directory_of_a_user_is_not_used(bench, tmp_path):
    os.chown(bench.folder, 1000, 1000)
    with pytest.raises(HistoryError) as error:
        bench.run()
    assert "%s belongs to uid 1000" % bench.folder in str(error.value)


def test_a_history_that_leads_elsewhere_is_not_written(bench, tmp_path):
    """A link or another name of a file: neither is the recorder's."""
    victim = tmp_path / "victim"
    victim.mkdir()
    bench.folder = str(tmp_path / "state")
    os.mkdir(bench.folder)
    for make in (os.symlink, os.link):
        (victim / "file").write_text("mine")
        make(str(victim / "file"), os.path.join(bench.folder, HISTORY_FILE))
        with pytest.raises(HistoryError):
            bench.run()
        assert (victim / "file").read_text() == "mine"
        os.unlink(os.path.join(bench.folder, HISTORY_FILE))


def test_a_user_who_makes_too_many_cgroups_is_named(bench, monkeypatch):
    """And the history is as complete as without: nobody else's evidence counts less for it."""
    monkeypatch.setattr(run, "sample_containers", lambda _files: Sampling([], {987654: 99}))
    bench.run()
    record = read_recorder(bench.folder, 0, bench.now)
    assert "987654 has too many cgroups: 99 or more" in record.source["detail"]
    assert record.state.kernel_since == bench.host.began


def test_without_journalctl(bench, monkeypatch):
    def fails(*_args, **_more):
        raise CommandError("journalctl: no such executable")

    monkeypatch.setattr(bench.journal, "read", fails)
    assert bench.run() == ["journalctl: no such executable"]
    source = read_recorder(bench.folder, 0, bench.now).source
    assert source["status"] == "partial" and "journalctl" in source["detail"]


def test_a_year_ahead_and_back_forgets_nothing(bench):
    bench.run()
    for step in (400 * DAY, 60 * SECOND, -400 * DAY):
        bench.now += step
        bench.run()
    assert bench.recorded() == bench.kills()
    record = read_recorder(bench.folder, 0, bench.now)
    assert record.state.kernel_since == bench.now  # the same time came twice


def test_counters_never_fall_and_kills_are_forgotten_after_so_many_days(bench):
    bench.days = 3
    bench.run()
    before = _counts(bench)
    for _day in range(4):
        bench.now += DAY
        bench.run()
    assert not bench.recorded() and not bench.rows("SELECT * FROM messages") and not bench.rows("SELECT * FROM events")
    assert _counts(bench) == before
    assert bench.rows("SELECT count(*) FROM days") == [(3,)]
    # what was dropped is not missing
    record = read_recorder(bench.folder, bench.now - DAY, bench.now)
    assert record.source["status"] == "ok" and record.state.until == bench.now
    assert record.state.kernel_since > bench.end - DAY


def test_size_is_bounded_and_kills_stay_longest(bench):
    bench.run()
    database = bench.open()
    database.execute("BEGIN")
    for number in range(60000):
        ident = "%064x" % number
        database.execute("INSERT INTO events VALUES (?, 0, ?, 'died', 'name', 'image', 0, '{}', 'run', NULL)", (ident, bench.now + number))
    database.execute("COMMIT")
    assert history_size(database) > 4 * MEBIBYTE
    assert prune_by_size(database, 4 * MEBIBYTE, bench.boot)
    assert history_size(database) <= 4 * MEBIBYTE
    database.close()
    assert os.path.getsize(os.path.join(bench.folder, HISTORY_FILE)) <= 4 * MEBIBYTE
    assert bench.recorded() == bench.kills()
    assert {row[0] for row in bench.rows("SELECT ident FROM events")} >= {
        event.ident for event in parse_podman_events(bench.journal.entries) if event.ident in dict(bench.kills())}


def test_a_full_disk_changes_nothing(bench, monkeypatch):
    bench.run()
    before = bench.rows("SELECT * FROM meta")

    def full(*_args):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(run, "rebuild_kills", full)
    bench.now += 60 * SECOND
    with pytest.raises(HistoryError) as error:
        bench.run()
    # SQLite's own words name no disk
    assert re.search(r"disk is full \(the disk mounted on /[^ ]* has [0-9]+ KiB free\)", str(error.value))
    assert bench.rows("SELECT * FROM meta") == before


def settings(tmp_path, **changed):
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(dict({"state_dir": str(tmp_path), "textfile_dir": "", "retention_days": 1, "retention_bytes": 1, "version": "1"},
                                    **changed)))
    return str(path)


def test_what_went_wrong_is_told_in_lines(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run, "record", lambda _options: ["journalctl: no", "/textfiles: No space left on device"])
    assert run.main(settings(tmp_path)) == 0
    assert capsys.readouterr().err == "journalctl: no\n/textfiles: No space left on device\n"

    def refuse(_options):
        raise OSError(28, "No space left on device", "/x")

    monkeypatch.setattr(run, "record", refuse)
    assert run.main(settings(tmp_path)) == 1
    assert re.match(r"the recorder could not write: .*'/x' \(the disk mounted on /", capsys.readouterr().err)
    assert run.main(settings(tmp_path, state_dir=str(tmp_path / "gone"))) == 1
    assert capsys.readouterr().err.endswith("'/x'\n")


def test_metrics_only_where_their_directory_is(bench, tmp_path):
    bench.textfiles = str(tmp_path / "textfiles")
    assert bench.run() == []
    assert not os.path.exists(bench.textfiles)
    os.mkdir(bench.textfiles)
    bench.run()
    assert os.listdir(bench.textfiles) == ["podman_oom_recorder.prom"]
    path = os.path.join(bench.textfiles, "podman_oom_recorder.prom")
    assert os.stat(path).st_mode & 0o777 == 0o644
    with open(path, encoding="utf-8") as handle:
        text = handle.read()
    ident = next(iter(bench.kills()))[0]
    name = dict(bench.rows("SELECT ident, name FROM containers")).get(ident) or ident[:12]
    assert 'podman_oom_container_oom_kills_total{name="%s",' % name in text
    assert 'podman_oom_recorder_info{version="1.2.3"} 1\n' in text


def test_a_metrics_file_that_can_not_be_written_is_a_problem_and_no_more(bench, tmp_path):
    bench.textfiles = str(tmp_path / "textfiles")
    os.makedirs(os.path.join(bench.textfiles, "podman_oom_recorder.prom", "x"))
    assert bench.run()[0].startswith(bench.textfiles)
    assert bench.recorded() == bench.kills()
    assert os.listdir(bench.textfiles) == ["podman_oom_recorder.prom"]


def test_a_containers_name_in_the_storage_is_asked_for_as_long_as_it_has_none(bench, monkeypatch):
    """And not each minute: whom was asked in vain, when, and why, is kept from run to run."""
    sample = Sample(ident="ab" * 32, uid=987654, unit=None, limits={"limit": None}, usage={"current": 1, "working_set": 1, "peak": 1},
                    events=None)
    monkeypatch.setattr(run, "sample_containers", lambda _files: Sampling([sample], {}))
    bench.run()
    assert "names of 987654's containers: uid 987654 has no name" in read_recorder(bench.folder, 0, bench.now).source["detail"]
    asked = []

    def identity(uid):
        asked.append(uid)
        raise KeyError(uid)

    monkeypatch.setattr(stored_names.pwd, "getpwuid", identity)
    for step, times in ((60, 0), (600, 1)):
        bench.now += step * SECOND
        asked.clear()
        monkeypatch.setattr(run, "user_name", str)
        bench.run()
        assert len(asked) == times
    assert bench.rows("SELECT name, uid FROM containers WHERE ident = '%s'" % sample.ident) == [(None, 987654)]
