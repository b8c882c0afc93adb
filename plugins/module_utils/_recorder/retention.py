# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the recorder's history is kept, by days and by size.

Days are those on which the recorder ran: a host that was off for a month forgets nothing, and a clock that jumps
a year ahead costs one day. Each function but prune_by_size() is part of the caller's transaction.
"""

import calendar
import sqlite3
import time
from typing import Any, Dict, Tuple

from .._logs.kernel_oom import KernelMessage, parse_kernel_log
from .._system.times import SECOND
from .writer import load_state, set_meta

# Kills by (uid, name, unit, scope): (number, time of the last in microseconds).
KillCounts = Dict[Tuple[int, str, str, str], Tuple[int, int]]

# As KillCounts, of the rows k of kills for which a condition (%s) is true.
_COUNT_KILLS = ("SELECT k.uid, coalesce(c.name, substr(k.ident, 1, 12)), coalesce(c.unit, ''), k.scope, count(*), max(k.at)"
                " FROM kills k LEFT JOIN containers c ON c.ident = k.ident AND c.uid = k.uid WHERE %s GROUP BY 1, 2, 3, 4")

# What is dropped first when the size is over the limit, the oldest rows of each table: what says least about kills.
_EXPENDABLE = (
    ("events", "at", "ident NOT IN (SELECT ident FROM kills)"),
    ("containers", "seen", "ident NOT IN (SELECT ident FROM kills)"),
    ("daily", "day", "1"),
    ("unit_ooms", "at", "1"),
    ("oomd_kills", "at", "1"),
    ("events", "at", "1"),
    ("messages", "at", "1"),
)
_MAX_ROUNDS = 200


def prune_by_age(database: sqlite3.Connection, today: str, days: int, boot: str) -> bool:
    """Note that the recorder ran today, and drop what is older than so many days; return whether something was dropped.

    :param today: "2026-11-23", in UTC.
    :param boot: this boot's id.
    """
    if database.execute("INSERT OR IGNORE INTO days VALUES (?)", (today,)).rowcount <= 0:
        return False
    row = database.execute("SELECT day FROM days ORDER BY day DESC LIMIT 1 OFFSET ?", (days - 1,)).fetchone()
    if row is None:
        return False
    oldest = calendar.timegm(time.strptime(row[0], "%Y-%m-%d")) * SECOND
    _drop_messages(database, "at < ?", (oldest,), boot)
    _drop_kills(database, "k.at < ?", (oldest,))
    for table, column, value in (("unit_ooms", "at", oldest), ("oomd_kills", "at", oldest), ("events", "at", oldest),
                                 ("containers", "seen", oldest), ("notes", "at", oldest), ("daily", "day", row[0]),
                                 ("days", "day", row[0])):
        database.execute("DELETE FROM %s WHERE %s < ?" % (table, column), (value,))
    return True


def prune_by_size(database: sqlite3.Connection, limit: int, boot: str) -> bool:
    """Drop the oldest of what matters least until the history has at most `limit` bytes; return whether it did.

    In steps, each a transaction of its own.
    """
    pruned = False
    for table, column, where in _EXPENDABLE:
        for _round in range(_MAX_ROUNDS):
            if history_size(database) <= limit:
                return pruned
            pruned = True
            if not _drop_oldest(database, table, column, where, boot):
                break
    return pruned


def _drop_oldest(database: sqlite3.Connection, table: str, column: str, where: str, boot: str) -> bool:
    """Drop the oldest tenth of some rows; return whether there were any."""
    count = database.execute("SELECT count(*) FROM %s WHERE %s" % (table, where)).fetchone()[0]
    if not count:
        return False
    newest = database.execute("SELECT %s FROM %s WHERE %s ORDER BY %s LIMIT 1 OFFSET ?" % (column, table, where, column),
                              (max(0, count // 10 - 1),)).fetchone()[0]
    condition = "%s AND %s <= ?" % (where, column)
    database.execute("BEGIN IMMEDIATE")
    if table == "messages":
        _drop_messages(database, condition, (newest,), boot)
        _drop_kills(database, "k.boot != 'oomd' AND k.at <= ?", (newest,))
    else:
        if table == "oomd_kills":
            _drop_kills(database, "k.boot = 'oomd' AND k.at <= ?", (newest,))
        database.execute("DELETE FROM %s WHERE %s" % (table, condition), (newest,))
    database.execute("COMMIT")
    database.executescript("PRAGMA incremental_vacuum")  # execute() does one step of it, a page
    return True


def history_size(database: sqlite3.Connection) -> int:
    """Return the bytes that the history needs."""
    pages, free, page_size = (
        database.execute("PRAGMA " + name).fetchone()[0] for name in ("page_count", "freelist_count", "page_size"))
    return (pages - free) * page_size


def _drop_messages(database: sqlite3.Connection, condition: str, values: Tuple[Any, ...], boot: str) -> None:
    """Drop messages of the kernel; the number of killed processes of this boot stays known."""
    state = load_state(database)
    dropped = [KernelMessage(*row) for row in database.execute(
        "SELECT at, boot, mono, text FROM messages WHERE boot = ? AND " + condition, (boot,) + values)]
    newest = database.execute("SELECT max(at) FROM messages WHERE " + condition, values).fetchone()[0]
    database.execute("DELETE FROM messages WHERE " + condition, values)
    if state is not None and newest is not None:
        set_meta(database, kernel_since=max(state.kernel_since, newest + 1),
                 missing=state.missing + parse_kernel_log(dropped).killed_per_boot.get(boot, 0))


def _drop_kills(database: sqlite3.Connection, condition: str, values: Tuple[Any, ...]) -> None:
    """Drop rows k of kills, and keep their number for the counters."""
    for *key, count, last in database.execute(_COUNT_KILLS % condition, values).fetchall():
        database.execute("INSERT OR IGNORE INTO dropped_kills VALUES (?, ?, ?, ?, 0, 0)", key)
        database.execute("UPDATE dropped_kills SET count = count + ?, last_at = max(last_at, ?)"
                         " WHERE uid = ? AND name = ? AND unit = ? AND scope = ?", [count, last] + key)
    database.execute("DELETE FROM kills AS k WHERE " + condition, values)


def count_kills(database: sqlite3.Connection) -> KillCounts:
    """Return the kills in containers, those dropped included."""
    counts: KillCounts = {}
    for query in ("SELECT uid, name, unit, scope, count, last_at FROM dropped_kills", _COUNT_KILLS % "1"):
        for uid, name, unit, scope, count, last in database.execute(query):
            before, last_before = counts.get((uid, name, unit, scope), (0, 0))
            counts[(uid, name, unit, scope)] = (before + count, max(last_before, last))
    return counts
