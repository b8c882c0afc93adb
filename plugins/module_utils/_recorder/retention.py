# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the recorder's history is kept, by days and by size.

Days are those on which the recorder ran: a host that was off for a month forgets nothing, and a clock that jumps
a year ahead costs one day. Each function but prune_by_size() is part of the caller's transaction.

What a user does may fill the history. So size is made by dropping rows of the owner who has most: nobody's are dropped
because of somebody who has more.
"""

import calendar
import sqlite3
import time
from collections import Counter
from typing import Any, Counter as CounterType, Dict, List, NamedTuple, Optional, Sequence, Tuple

from .._cgroup.paths import owner_uid
from .._system.times import SECOND
from .quota import MAX_PER_USER, NOBODY
from .writer import OOMD_BOOT, count_killed_processes, get_meta, load_state, note_dropped, set_meta

# Kills by (uid, name, unit, scope): (number, time of the last in microseconds).
KillCounts = Dict[Tuple[int, str, str, str], Tuple[int, int]]
# uid, None: the kernel's messages that name no cgroup.
Owner = Optional[int]

# As KillCounts, of the rows k of kills for which a condition (%s) is true.
_COUNT_KILLS = ("SELECT k.uid, coalesce(c.name, substr(k.ident, 1, 12)), coalesce(c.unit, ''), k.scope, count(*), max(k.at)"
                " FROM kills k LEFT JOIN containers c ON c.ident = k.ident AND c.uid = k.uid WHERE %s GROUP BY 1, 2, 3, 4")


class _Rows(NamedTuple):
    """Rows of a table that are dropped together, the oldest first."""

    table: str
    column: str  # of their age
    where: str
    text: str  # SQL: the bytes of their text
    owner: str = "uid"  # SQL


_EVENT_TEXT = "length(ident) + length(labels) + coalesce(length(name), 0) + coalesce(length(image), 0)"
# What says least about kills comes first, and all of it goes before anything of the proof does.
_EXPENDABLE = (
    _Rows("events", "at", "ident NOT IN (SELECT ident FROM kills)", _EVENT_TEXT),
    _Rows("containers", "seen", "ident NOT IN (SELECT ident FROM kills)",
          "length(ident) + coalesce(length(name), 0) + coalesce(length(image), 0) + coalesce(length(unit), 0)"),
    _Rows("daily", "day", "1", "length(day) + length(workload)"),
    _Rows("events", "at", "1", _EVENT_TEXT),
)
_PROOF = (
    _Rows("unit_ooms", "at", "1", "length(unit)"),
    _Rows("oomd_kills", "at", "1", text="2 * length(text) + coalesce(length(cgroup), 0) + coalesce(length(unit), 0)",
          owner="owner_of(cgroup, uid)"),
    _Rows("messages", "at", "1", "2 * length(text) + 2 * length(boot)"),
)
_DROPPED_ROWS = "dropped_rows_"  # with a uid, in meta
_ROW = 40  # bytes of a row beside its text, about
_SECONDS = 6.0  # for one call; the next goes on
_LEAST, _MOST = 0.05, 0.5  # of an owner's rows of a kind that are dropped at once


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
    _drop_messages(database, "at < ?", (oldest,), boot, None)
    _drop_kills(database, "k.at < ?", (oldest,))
    for table, column, value in (("unit_ooms", "at", oldest), ("oomd_kills", "at", oldest), ("events", "at", oldest),
                                 ("containers", "seen", oldest), ("notes", "at", oldest), ("daily", "day", row[0]),
                                 ("days", "day", row[0])):
        database.execute("DELETE FROM %s WHERE %s < ?" % (table, column), (value,))
    _fold_dropped_kills(database)
    return True


def prune_by_size(database: sqlite3.Connection, limit: int, boot: str) -> Dict[Owner, int]:
    """Drop the oldest rows of who has most, until the history has at most `limit` bytes; return {owner: rows dropped}.

    In steps, each a transaction of its own.
    """
    dropped: CounterType[Owner] = Counter()
    if history_size(database) <= limit:
        return dropped
    database.create_function("owner_of", 2, lambda cgroup, uid: uid if cgroup is None else owner_uid(cgroup))
    end = time.monotonic() + _SECONDS
    # what is known of rows is their text: pages and indexes are more
    scale = history_size(database) / max(1, sum(sum(_bytes_by_owner(database, kinds).values()) for kinds in (_EXPENDABLE, _PROOF)))
    for kinds in (_EXPENDABLE, _PROOF):
        used = _bytes_by_owner(database, kinds)
        while used and time.monotonic() < end:
            excess = history_size(database) - limit
            if excess <= 0:
                return dropped
            owner, most = used.most_common(1)[0]
            # down to who has second most, and then to both in turn
            second = used.most_common(2)[1][1] if len(used) > 1 else 0
            share = max(_LEAST, min(_MOST, min(excess / scale, most - second) / most))
            count = _drop_oldest(database, kinds, owner, share, boot)
            dropped[owner] += count
            used[owner] = int(most * (1 - share))
            if not count:
                del used[owner]
    return dropped


def dropped_rows(database: sqlite3.Connection) -> Dict[int, int]:
    """Return {uid: rows that prune_by_size() has dropped since the history began}, with NOBODY for messages of no owner."""
    return {int(key[len(_DROPPED_ROWS):]): count for key, count in database.execute(
        "SELECT key, value FROM meta WHERE key LIKE ?", (_DROPPED_ROWS + "%",))}


def _bytes_by_owner(database: sqlite3.Connection, kinds: Sequence[_Rows]) -> "CounterType[Owner]":
    used: CounterType[Owner] = Counter()
    tables = {rows.table: rows for rows in kinds}  # each table once, all of it
    for rows in tables.values():
        for owner, size in database.execute("SELECT %s, sum(%s + %d) FROM %s GROUP BY 1" % (
                rows.owner, rows.text, _ROW, rows.table)):
            used[owner] += size
    return used


def _drop_oldest(database: sqlite3.Connection, kinds: Sequence[_Rows], owner: Owner, share: float, boot: str) -> int:
    """Drop a share of an owner's oldest rows of the first of the kinds that has any; return their number."""
    for rows in kinds:
        mine = "%s AND %s IS ?" % (rows.where, rows.owner)
        count = database.execute("SELECT count(*) FROM %s WHERE %s" % (rows.table, mine), (owner,)).fetchone()[0]
        if not count:
            continue
        newest = database.execute("SELECT %s FROM %s WHERE %s ORDER BY %s LIMIT 1 OFFSET ?" % (
            rows.column, rows.table, mine, rows.column), (owner, max(0, int(count * share) - 1))).fetchone()[0]
        database.execute("BEGIN IMMEDIATE")
        if rows.table == "messages":
            newest = _end_of_report(database, owner, newest)
            _drop_messages(database, mine + " AND at <= ?", (owner, newest), boot, owner)
            _drop_kills(database, "k.boot != ? AND k.uid IS ? AND k.at <= ?", (OOMD_BOOT, owner, newest))
        else:
            if rows.table == "oomd_kills":
                _drop_kills(database, "k.boot = ? AND k.uid IS ? AND k.at <= ?", (OOMD_BOOT, owner, newest))
            if rows in _PROOF and owner is not None:
                note_dropped(database, owner, newest)
            database.execute("DELETE FROM %s WHERE %s AND %s <= ?" % (rows.table, mine, rows.column), (owner, newest))
        _fold_dropped_kills(database)
        left = database.execute("SELECT count(*) FROM %s WHERE %s" % (rows.table, mine), (owner,)).fetchone()[0]
        key = _DROPPED_ROWS + str(NOBODY if owner is None else owner)
        set_meta(database, **{key: (get_meta(database, key) or 0) + count - left})
        database.execute("COMMIT")
        database.executescript("PRAGMA incremental_vacuum")  # execute() does one step of it, a page
        return count - left
    return 0


def _end_of_report(database: sqlite3.Connection, owner: Owner, at: int) -> int:
    """The time before an owner's next report of the kernel's: half of one would say something else."""
    row = database.execute("SELECT min(at) FROM messages WHERE uid IS ? AND at > ? AND text LIKE '%oom-kill:constraint=%'",
                           (owner, at)).fetchone()
    return at if row[0] is None else row[0] - 1


def history_size(database: sqlite3.Connection) -> int:
    """Return the bytes that the history needs."""
    pages, free, page_size = (
        database.execute("PRAGMA " + name).fetchone()[0] for name in ("page_count", "freelist_count", "page_size"))
    return (pages - free) * page_size


def _drop_messages(database: sqlite3.Connection, condition: str, values: Tuple[Any, ...], boot: str, owner: Owner) -> None:
    """Drop messages of the kernel; the number of killed processes of this boot stays known.

    :param owner: whose they are alone: the history stays complete for all others. None: they may be anybody's.
    """
    state = load_state(database)
    newest = database.execute("SELECT max(at) FROM messages WHERE " + condition, values).fetchone()[0]
    before = count_killed_processes(database, boot)
    database.execute("DELETE FROM messages WHERE " + condition, values)
    if state is not None and newest is not None:
        set_meta(database, missing=state.missing + before - count_killed_processes(database, boot))
        if owner is None:
            set_meta(database, kernel_since=max(state.kernel_since, newest + 1))
    if owner is not None and newest is not None:
        note_dropped(database, owner, newest)


def _drop_kills(database: sqlite3.Connection, condition: str, values: Tuple[Any, ...]) -> None:
    """Drop rows k of kills, and keep their number for the counters."""
    for *key, count, last in database.execute(_COUNT_KILLS % condition, values).fetchall():
        _add_dropped(database, tuple(key), count, last)
    database.execute("DELETE FROM kills AS k WHERE " + condition, values)


def _fold_dropped_kills(database: sqlite3.Connection) -> None:
    """Keep the latest names of each user with their number; the older ones become one without a name."""
    for uid, count in database.execute(
            "SELECT uid, count(*) FROM dropped_kills WHERE name != '' GROUP BY uid HAVING count(*) > ?", (MAX_PER_USER,)).fetchall():
        oldest: List[Tuple[Any, ...]] = database.execute(
            "SELECT uid, name, unit, scope, count, last_at FROM dropped_kills WHERE uid = ? AND name != '' ORDER BY last_at LIMIT ?",
            (uid, count - MAX_PER_USER)).fetchall()
        for row in oldest:
            database.execute("DELETE FROM dropped_kills WHERE uid = ? AND name = ? AND unit = ? AND scope = ?", row[:4])
            _add_dropped(database, (uid, "", "", row[3]), row[4], row[5])


def _add_dropped(database: sqlite3.Connection, key: Tuple[Any, ...], count: int, last: int) -> None:
    database.execute("INSERT OR IGNORE INTO dropped_kills VALUES (?, ?, ?, ?, 0, 0)", key)
    database.execute("UPDATE dropped_kills SET count = count + ?, last_at = max(last_at, ?)"
                     " WHERE uid = ? AND name = ? AND unit = ? AND scope = ?", (count, last) + key)


def count_kills(database: sqlite3.Connection) -> KillCounts:
    """Return the kills in containers, those dropped included."""
    counts: KillCounts = {}
    for query in ("SELECT uid, name, unit, scope, count, last_at FROM dropped_kills", _COUNT_KILLS % "1"):
        for uid, name, unit, scope, count, last in database.execute(query):
            before, last_before = counts.get((uid, name, unit, scope), (0, 0))
            counts[(uid, name, unit, scope)] = (before + count, max(last_before, last))
    return counts
