# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""The recorder's database: its tables, how it is opened, and what happens when it is damaged.

Knows SQLite and files; not what the rows mean. One process writes (the recorder), any number reads.
"""

import errno
import os
import sqlite3
import time
from contextlib import closing

HISTORY_FILE = "history.sqlite"

# Each entry takes the schema one version up; the first makes it. Times are microseconds since the epoch,
# uid that of the container's owner.
MIGRATIONS = ((
    # what the recorder knows of itself: _recorder_state
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    # the days on which it ran: age is counted in them, so that a clock that jumps ages nothing
    "CREATE TABLE days (day TEXT PRIMARY KEY) WITHOUT ROWID",
    # the kernel's messages of OOM kills, as _kernel_oom.KernelMessage and identify_messages(); the rowid is their order where its
    # clock is coarse
    "CREATE TABLE messages (boot TEXT, mono INTEGER, text TEXT, nth INTEGER, at INTEGER, PRIMARY KEY (boot, mono, text, nth))",
    "CREATE INDEX messages_at ON messages (at)",
    # as _records.UnitOom and OomdKill
    "CREATE TABLE unit_ooms (at INTEGER, unit TEXT, uid INTEGER, PRIMARY KEY (at, unit, uid)) WITHOUT ROWID",
    "CREATE TABLE oomd_kills (at INTEGER, cgroup TEXT, unit TEXT, uid INTEGER, text TEXT, PRIMARY KEY (at, text)) WITHOUT ROWID",
    # as _records.PodmanEvent; labels: JSON
    "CREATE TABLE events (ident TEXT, uid INTEGER, at INTEGER, kind TEXT, name TEXT, image TEXT, exit_code INTEGER,"
    " labels TEXT, command TEXT, PRIMARY KEY (ident, uid, at, kind)) WITHOUT ROWID",
    "CREATE INDEX events_at ON events (at)",
    # what a container was called, and its limit and memory.peak when it was last seen running
    "CREATE TABLE containers (ident TEXT, uid INTEGER, name TEXT, image TEXT, unit TEXT, memory_limit INTEGER,"
    " peak INTEGER, seen INTEGER, PRIMARY KEY (ident, uid)) WITHOUT ROWID",
    # one row for each kill in a container, made of messages and oomd_kills; mono: of the report, at for systemd-oomd's
    "CREATE TABLE kills (boot TEXT, mono INTEGER, ident TEXT, uid INTEGER, scope TEXT, at INTEGER,"
    " PRIMARY KEY (boot, mono, ident, at)) WITHOUT ROWID",
    # how many of them were counted and then dropped for their age, so that counters never fall
    "CREATE TABLE dropped_kills (uid INTEGER, name TEXT, unit TEXT, scope TEXT, count INTEGER, last_at INTEGER,"
    " PRIMARY KEY (uid, name, unit, scope)) WITHOUT ROWID",
    # workload: unit or name; bytes; peak is NULL where the kernel has no memory.peak
    "CREATE TABLE daily (day TEXT, uid INTEGER, workload TEXT, working_set_max INTEGER, peak INTEGER, samples INTEGER,"
    " PRIMARY KEY (day, uid, workload)) WITHOUT ROWID",
    # what a reader has to know of the history itself
    "CREATE TABLE notes (at INTEGER, text TEXT)",
),)

_BUSY = 20  # seconds to wait for somebody who writes by hand
_KEPT_ASIDE = 2  # damaged databases that are kept
_LOOKS = 5


class HistoryError(Exception):
    """The history can't be used now; nothing of it was changed."""


class HistoryDamaged(HistoryError):
    """It is no database of ours any more."""


def is_damage(exc):
    """Whether an error of sqlite3 means that the file is broken (not: full disk, no rights, in use)."""
    words = str(exc)
    return isinstance(exc, sqlite3.DatabaseError) and any(
        each in words for each in ("malformed", "not a database", "no such table", "no such column", "database corruption"))


def open_history(state_dir):
    """Return a sqlite3.Connection on the history, made or brought up to date where needed.

    Transactions are begun by hand.

    :raises Damaged: it is broken.
    :raises HistoryError: it can't be opened, or is of a later version of the collection.
    """
    path = os.path.join(state_dir, HISTORY_FILE)
    try:
        database = sqlite3.connect(path, timeout=_BUSY, isolation_level=None)
    except sqlite3.Error as exc:
        raise HistoryError("%s: %s" % (path, exc))
    try:
        os.chmod(path, 0o600)
        _prepare(database, path)
    except (sqlite3.Error, OSError) as exc:
        database.close()
        raise (HistoryDamaged if is_damage(exc) else HistoryError)("%s: %s" % (path, exc))
    except HistoryError:
        database.close()
        raise
    return database


def _prepare(database, path):
    database.execute("PRAGMA auto_vacuum = INCREMENTAL")
    database.execute("PRAGMA journal_mode = WAL")
    # What the last seconds before a power failure wrote is read again from the journal.
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("PRAGMA cache_size = -2048")
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise HistoryError("%s is of version %d, this collection knows up to %d: install the newer one again, "
                           "or move the file away" % (path, version, len(MIGRATIONS)))
    for number, statements in list(enumerate(MIGRATIONS, 1))[version:]:
        database.execute("BEGIN IMMEDIATE")
        for statement in statements:
            database.execute(statement)
        database.execute("PRAGMA user_version = %d" % number)
        database.execute("COMMIT")


def set_aside(state_dir, now):
    """Rename a damaged history so that a new one can begin; return the new path.

    Of those set aside the newest are kept.
    """
    path = os.path.join(state_dir, HISTORY_FILE)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now // 1000000))
    aside = "%s.damaged-%s" % (path, stamp)
    os.rename(path, aside)
    for suffix in ("-wal", "-shm"):
        try:
            os.rename(path + suffix, aside + suffix)
        except OSError as exc:
            if exc.errno != errno.ENOENT:
                raise
    prefix = HISTORY_FILE + ".damaged-"
    stamps = sorted({name[len(prefix):][:len(stamp)] for name in os.listdir(state_dir) if name.startswith(prefix)})
    for old in stamps[:-_KEPT_ASIDE]:
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(path + ".damaged-" + old + suffix):
                os.unlink(path + ".damaged-" + old + suffix)
    return aside


def query_history(state_dir, query):
    """Return query(sqlite3.Connection) on the history as it is, without a trace and without keeping the recorder waiting.

    A connection that only reads would leave -wal and -shm behind. Without a -wal nobody is writing, and the file
    is read as if it could not change; if it did all the same, once more.

    :returns: None when there is no history.
    :raises HistoryError: there is one, and it can't be read.
    """
    path = os.path.join(state_dir, HISTORY_FILE)
    problem = None
    for _look in range(_LOOKS):
        before = _stamp(path)
        if before is None:
            return None
        how = "mode=ro" if before[1] else "immutable=1"
        try:
            with closing(sqlite3.connect("file:%s?%s" % (_quoted(path), how), uri=True, timeout=_BUSY)) as database:
                version = database.execute("PRAGMA user_version").fetchone()[0]
                if version != len(MIGRATIONS):
                    raise HistoryError("it is of version %d, this collection reads version %d" % (version, len(MIGRATIONS)))
                answer = query(database)
        except sqlite3.Error as exc:
            problem = HistoryError("%s: %s" % (path, exc))
        else:
            if before[1] or _stamp(path) == before:
                return answer
            problem = HistoryError("%s: changed all the time while it was read" % path)
        time.sleep(0.2)
    raise problem


def _stamp(path):
    """Return ((inode, size, mtime), whether there is a -wal), None when there is no history.

    :raises HistoryError: nobody may look.
    """
    try:
        status = os.stat(path)
        wal = _exists(path + "-wal")
    except OSError as exc:
        if exc.errno in (errno.ENOENT, errno.ENOTDIR):
            return None
        raise HistoryError("%s: %s" % (path, exc.strerror))
    return (status.st_ino, status.st_size, status.st_mtime_ns), wal


def _exists(path):
    try:
        os.stat(path)
    except OSError as exc:
        if exc.errno == errno.ENOENT:
            return False
        raise
    return True


def _quoted(path):
    """The path in a URI file name (https://www.sqlite.org/uri.html)."""
    return os.path.abspath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
