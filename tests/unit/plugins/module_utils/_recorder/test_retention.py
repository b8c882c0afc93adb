# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose rows are dropped when the history is full: alice (1000) fills it, root and bob (1001) lose nothing by it."""

from collections import Counter
from contextlib import closing

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_oom import KernelMessage
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder import retention
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.database import open_history
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.retention import (
    count_kills,
    dropped_rows,
    history_size,
    prune_by_size,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.source import read_recorder
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.state import HistoryState
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.writer import (
    add_messages,
    count_killed_processes,
    load_state,
    rebuild_kills,
    set_meta,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import SECOND

NOW = 1795464345 * SECOND
BEGAN = NOW - 86400 * SECOND
LIMIT = 2 << 20
BOOT = "b" * 32
SLICES = {0: "/machine.slice", 1000: "/user.slice/user-1000.slice/user@1000.service/user.slice",
          1001: "/user.slice/user-1001.slice/user@1001.service/user.slice"}


@pytest.fixture
def history(tmp_path):
    with closing(open_history(str(tmp_path))) as database:
        set_meta(database, problem="", **HistoryState(boot=BOOT, until=NOW, kernel_since=BEGAN, missing=0, journal_since=BEGAN,
                                                      backlog=False)._asdict())
        yield database


def fill(database, table, uid, count, begin=BEGAN):
    """Rows of a table that are a user's, a second apart."""
    rows = {
        "events": lambda number: ("%064x" % (uid << 64 | number), uid, begin + number, "died", "n" * 200, "i" * 200, 0, "{}", "run", None),
        "containers": lambda number: ("%064x" % (uid << 64 | number), uid, "n" * 200, "i" * 200, None, None, None, begin + number),
        "daily": lambda number: ("2026-11-%02d" % (1 + number % 20), uid, "w%d" % number + "w" * 200, 1, 1, 1),
        "unit_ooms": lambda number: (begin + number, "u" * 200, uid),
        "oomd_kills": lambda number: (begin + number, "%s/libpod-%064x.scope" % (SLICES[uid], number), None, 0, "%d of %d" % (number, uid) + "t" * 200),
    }[table]
    database.execute("BEGIN")
    database.executemany("INSERT INTO %s VALUES (%s)" % (table, ",".join("?" * len(rows(0)))), map(rows, range(count)))
    database.execute("COMMIT")


def kills(uid, count, begin=BEGAN):
    """The kernel's reports of kills in a user's containers, as Linux 6.12 writes them."""
    messages = []
    for number in range(count):
        at = begin + number * SECOND
        path = "%s/libpod-%064x.scope" % (SLICES[uid], uid << 64 | number)
        pid = 1000 + number
        for offset, text in enumerate((
                "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg=%s,task_memcg=%s/container,"
                "task=sort,pid=%d,uid=%d" % (path, path, pid, uid),
                "Memory cgroup out of memory: Killed process %d (sort) total-vm:22436kB, anon-rss:19840kB, file-rss:1536kB, "
                "shmem-rss:0kB, UID:%d pgtables:80kB oom_score_adj:0" % (pid, uid))):
            messages.append(KernelMessage(at + offset, BOOT, at - BEGAN + offset, text))
    return messages


def add(database, messages):
    database.execute("BEGIN")
    first = add_messages(database, messages)
    rebuild_kills(database, first)
    database.execute("COMMIT")
    return first


def rows(database, table, uid):
    return database.execute("SELECT count(*) FROM %s WHERE uid = ?" % table, (uid,)).fetchone()[0]


@pytest.mark.parametrize("table", ["events", "containers", "daily", "unit_ooms"])
def test_who_fills_a_table_loses_of_it_alone(history, table):
    for uid in (0, 1001):
        fill(history, table, uid, 400)
    add(history, kills(0, 100))
    fill(history, table, 1000, 15000)
    dropped = prune_by_size(history, LIMIT, BOOT)
    assert set(dropped) == {1000} and dropped[1000] > 1000 and dropped_rows(history) == dropped
    assert history_size(history) <= LIMIT
    assert (rows(history, table, 0), rows(history, table, 1001), rows(history, "kills", 0)) == (400, 400, 100)
    assert 0 < rows(history, table, 1000) < 15000


def test_events_of_one_cost_no_proof_of_another_who_has_more_of_it(history):
    fill(history, "events", 1000, 3000)
    add(history, kills(0, 1000))
    assert set(prune_by_size(history, LIMIT, BOOT)) == {1000}
    assert rows(history, "kills", 0) == 1000


def test_kills_of_one_cost_no_proof_of_others(history):
    add(history, kills(0, 100) + kills(1001, 100))
    add(history, kills(1000, 4000))
    before = Counter({key: count for key, (count, _at) in count_kills(history).items()})
    counted = count_killed_processes(history, BOOT)
    assert set(prune_by_size(history, LIMIT, BOOT)) == {1000}
    assert history_size(history) <= LIMIT
    assert (rows(history, "kills", 0), rows(history, "kills", 1001)) == (100, 100) and 0 < rows(history, "kills", 1000) < 4000
    state = load_state(history)
    assert state.kernel_since == BEGAN  # for root and bob it lacks nothing
    assert state.missing + count_killed_processes(history, BOOT) == counted
    after = Counter({key: count for key, (count, _at) in count_kills(history).items()})
    assert sum(after.values()) == sum(before.values())


def test_what_was_dropped_is_said_to_the_reader(history, tmp_path):
    add(history, kills(1000, 4000))
    prune_by_size(history, LIMIT, BOOT)
    oldest = history.execute("SELECT min(at) FROM kills").fetchone()[0]
    record = read_recorder(str(tmp_path), 0, NOW)
    assert set(record.dropped) == {1000} and BEGAN < record.dropped[1000] <= oldest
    assert record.state.kernel_since == BEGAN


def test_what_was_dropped_does_not_come_back_and_counts_once(history):
    """The journal's last minute is read twice, and the kernel's buffer may still have it."""
    messages = kills(1000, 4000)
    add(history, messages)
    total = sum(count for count, _at in count_kills(history).values())
    prune_by_size(history, LIMIT, BOOT)
    left = rows(history, "kills", 1000)
    assert add(history, messages) == {}
    assert rows(history, "kills", 1000) == left and sum(count for count, _at in count_kills(history).values()) == total


def test_no_report_is_cut_in_two(history, tmp_path):
    add(history, kills(1000, 4000))
    prune_by_size(history, LIMIT, BOOT)
    first = history.execute("SELECT text FROM messages ORDER BY at LIMIT 1").fetchone()[0]
    assert first.startswith("oom-kill:")


def test_kills_without_a_cgroup_may_be_anybodys(history):
    """Of those that the kernel's rate limit left without a report nobody knows whose they are: the gap is everybody's."""
    add(history, kills(0, 100))
    add(history, [message for message in kills(1000, 10000) if "Killed" in message.text])
    assert set(prune_by_size(history, LIMIT, BOOT)) == {None}
    assert rows(history, "kills", 0) == 100 and load_state(history).kernel_since > BEGAN


def test_forged_messages_are_not_recorded(history):
    """mount -t tmpfs -o TEXT"""
    add(history, [KernelMessage(NOW, BOOT, 90000 * SECOND, "tmpfs: Unknown parameter 'Killed process 1 (sort) total-vm:1kB'")])
    assert history.execute("SELECT count(*) FROM messages").fetchone()[0] == 0


def test_an_ambiguous_report_is_nobodys_and_the_one_before_it_stays_whole(history):
    before, evil = kills(0, 1), kills(1000, 1, NOW)
    evil[0] = evil[0]._replace(text=evil[0].text.replace("task=sort", "task=a,task_memcg=/machine.slice/libpod-%064x.scope,task=sort" % 7))
    add(history, before + evil)
    owners = [row[0] for row in history.execute("SELECT uid FROM messages ORDER BY at")]
    assert owners[:2] == [0, 0] and set(owners[2:]) <= {None, 1000}


def test_processes_killed_beside_the_reports_one_may_be_anybodys(history):
    report = kills(1000, 1)
    group = report[1]._replace(text="Tasks in %s are going to be killed due to memory.oom.group set" % SLICES[1000], mono=2, at=BEGAN + 2)
    other = report[1]._replace(text=report[1].text.replace("process 1000", "process 1001"), mono=3, at=BEGAN + 3)
    add(history, report + [group, other])
    assert [row[0] for row in history.execute("SELECT uid FROM messages ORDER BY at")] == [1000, 1000, 1000, None]


def test_kills_by_systemd_oomd_are_their_owners(history):
    fill(history, "oomd_kills", 0, 100)
    fill(history, "oomd_kills", 1000, 10000)
    assert set(prune_by_size(history, LIMIT, BOOT)) == {1000}
    assert history.execute("SELECT count(*) FROM oomd_kills WHERE cgroup LIKE '/machine%'").fetchone()[0] == 100


def test_it_ends_in_time(history, monkeypatch):
    fill(history, "events", 1000, 20000)
    monkeypatch.setattr(retention, "_SECONDS", 0)
    assert prune_by_size(history, LIMIT, BOOT) == {}


def test_names_of_kills_that_were_dropped_are_bounded_and_their_number_stays(history, monkeypatch):
    monkeypatch.setattr(retention, "MAX_PER_USER", 10)
    add(history, kills(1000, 4000) + kills(0, 3))
    total = sum(count for count, _at in count_kills(history).values())
    prune_by_size(history, LIMIT, BOOT)
    assert history.execute("SELECT count(*) FROM dropped_kills").fetchone()[0] <= 11
    assert sum(count for count, _at in count_kills(history).values()) == total
