# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recorder's database: its tables, how it is opened, and what happens when it is damaged.

Knows SQLite and files; not what the rows mean. One process writes (the recorder), any number reads.
"""

import fcntl
import os
import sqlite3
import stat
import time
from contextlib import closing, contextmanager
from typing import Callable, Iterator, NamedTuple, Optional, TypeVar

from .._system.disks import with_disk
from .._system.host_files import open_regular
from .._system.protected_paths import UnprotectedPath, check_protected
from .._system.times import SECOND

HISTORY_FILE = "history.sqlite"
_APPLICATION = 0x706d7265  # "pmre": PRAGMA application_id of a history

# Each entry takes the schema one version up; the first creates it. Times are microseconds since the epoch,
# uid that of the container's owner.
MIGRATIONS = ((
    # what the recorder knows of itself: state.HistoryState and more
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    # the days on which it ran: age is counted in them, so that a clock that jumps ages nothing
    "CREATE TABLE days (day TEXT PRIMARY KEY) WITHOUT ROWID",
    # the kernel's messages of OOM kills, as kernel_oom.KernelMessage with the number of identify_messages(); the rowid
    # is their order where the kernel's clock is coarse
    "CREATE TABLE messages (boot TEXT, mono INTEGER, text TEXT, nth INTEGER, at INTEGER, PRIMARY KEY (boot, mono, text, nth))",
    "CREATE INDEX messages_at ON messages (at)",
    # as records.UnitOom and records.OomdKill
    "CREATE TABLE unit_ooms (at INTEGER, unit TEXT, uid INTEGER, PRIMARY KEY (at, unit, uid)) WITHOUT ROWID",
    "CREATE TABLE oomd_kills (at INTEGER, cgroup TEXT, unit TEXT, uid INTEGER, text TEXT, PRIMARY KEY (at, text)) WITHOUT ROWID",
    # as records.PodmanEvent; labels: JSON
    "CREATE TABLE events (ident TEXT, uid INTEGER, at INTEGER, kind TEXT, name TEXT, image TEXT, exit_code INTEGER,"
    " labels TEXT, command TEXT, PRIMARY KEY (ident, uid, at, kind)) WITHOUT ROWID",
    "CREATE INDEX events_at ON events (at)",
    # a container's name, and its limit and memory.peak when it was last seen running
    "CREATE TABLE containers (ident TEXT, uid INTEGER, name TEXT, image TEXT, unit TEXT, memory_limit INTEGER,"
    " peak INTEGER, seen INTEGER, PRIMARY KEY (ident, uid)) WITHOUT ROWID",
    # one row for each kill in a container, made of messages and oomd_kills; mono: of the kernel's report, `at` for systemd-oomd's
    "CREATE TABLE kills (boot TEXT, mono INTEGER, ident TEXT, uid INTEGER, scope TEXT, at INTEGER,"
    " PRIMARY KEY (boot, mono, ident, at)) WITHOUT ROWID",
    # how many of them were counted and then dropped for their age, so that counters never fall
    "CREATE TABLE dropped_kills (uid INTEGER, name TEXT, unit TEXT, scope TEXT, count INTEGER, last_at INTEGER,"
    " PRIMARY KEY (uid, name, unit, scope)) WITHOUT ROWID",
    # workload: unit or name; bytes; peak is NULL where the kernel has no memory.peak
    "CREATE TABLE daily (day TEXT, uid INTEGER, workload TEXT, working_set_max INTEGER, peak INTEGER, samples INTEGER,"
    " PRIMARY KEY (day, uid, workload)) WITHOUT ROWID",
    # problems of the history itself that a reader has to know
    "CREATE TABLE notes (at INTEGER, text TEXT)",
), (
    # owner of the cgroup that the kernel's report is about; NULL: it names none, or it was written before this version
    "ALTER TABLE messages ADD COLUMN uid INTEGER",
), (
    # as PodmanEvent.service
    "ALTER TABLE events ADD COLUMN service TEXT",
))

_LOCK_TIMEOUT = 20  # seconds to wait for a process that writes
_MAX_DAMAGED = 2  # damaged databases that are kept
_MAX_READS = 5
_READ_PAUSE = 0.2  # seconds
_READ_SECONDS = 60.0  # for one query; 64 MiB take 2
_READ_STEPS = 100000  # of SQLite's machine between two looks at the clock
_DAMAGE = ("malformed", "not a database", "no such table", "no such column", "database corruption")

Answer = TypeVar("Answer")


class HistoryError(Exception):
    """The history can't be used now; nothing of it was changed."""


class HistoryDamaged(HistoryError):
    """It is no longer a database of the recorder's."""


class AlreadyRunning(Exception):
    """Another run of the recorder is not finished."""


class _FileStamp(NamedTuple):
    """What a change of the database file is recognised by."""

    inode: int
    size: int
    mtime: int  # nanoseconds
    has_wal: bool  # whether there is a -wal beside it


def is_damage(exc: Exception) -> bool:
    """Whether an error of sqlite3 means that the file is broken (not: full disk, no rights, in use)."""
    return isinstance(exc, sqlite3.DatabaseError) and any(words in str(exc) for words in _DAMAGE)


@contextmanager
def locked_history(state_dir: str) -> Iterator[None]:
    """Be the only run of the recorder. The lock is that of the directory itself, so no file for it can be somebody else's.

    :raises AlreadyRunning: see there.
    :raises HistoryError: others than root can change the directory.
    """
    try:
        check_protected(state_dir)
    except UnprotectedPath as exc:
        raise HistoryError("state_dir: %s" % exc)
    directory = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise AlreadyRunning("another run of the recorder is not finished")
        yield
    finally:
        os.close(directory)


def open_history(state_dir: str) -> sqlite3.Connection:
    """Open the history to write; it is created or brought up to date where needed.

    The caller begins transactions.

    :raises HistoryDamaged: it is broken.
    :raises HistoryError: it can't be opened, or is of a later version of the collection.
    """
    path = os.path.join(state_dir, HISTORY_FILE)
    _check_ours(path)
    try:
        database = sqlite3.connect(path, timeout=_LOCK_TIMEOUT, isolation_level=None)
    except sqlite3.Error as exc:
        raise HistoryError(with_disk("%s: %s" % (path, exc), state_dir))
    try:
        os.chmod(path, 0o600)
        _prepare(database, path)
    except (sqlite3.Error, OSError) as exc:
        database.close()
        problem = "%s: %s" % (path, exc)
        raise HistoryDamaged(problem) if is_damage(exc) else HistoryError(with_disk(problem, state_dir))
    except HistoryError:
        database.close()
        raise
    return database


def _check_ours(path: str) -> None:
    """Check that nobody but root (or the caller) can have written the history or what SQLite keeps beside it.

    :raises HistoryError: somebody can, or it is no file; it is not opened then.
    """
    try:
        check_protected(os.path.dirname(path))
        for each in (path, path + "-wal", path + "-shm", path + "-journal"):
            if not os.path.lexists(each):
                continue
            check_protected(each)
            status = os.lstat(each)
            if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                raise HistoryError("%s is a link or no file: the recorder did not make it; move it away" % each)
    except UnprotectedPath as exc:
        raise HistoryError(str(exc))
    except OSError as exc:
        raise HistoryError("%s: %s" % (exc.filename or path, exc.strerror))


def is_history(path: str) -> bool:
    """Whether a file is a history of the recorder's, also one that is damaged further on (https://www.sqlite.org/fileformat.html)."""
    try:
        with open_regular(path, os.O_NOFOLLOW) as handle:
            header = handle.read(72)
    except OSError:
        return False
    return header.startswith(b"SQLite format 3\0") and header[68:] == _APPLICATION.to_bytes(4, "big")


def _prepare(database: sqlite3.Connection, path: str) -> None:
    database.execute("PRAGMA auto_vacuum = INCREMENTAL")
    database.execute("PRAGMA journal_mode = WAL")
    # What was written in the last seconds before a power failure is read again from the journal.
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("PRAGMA cache_size = -2048")
    if database.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
        database.execute("PRAGMA application_id = %d" % _APPLICATION)
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


def set_aside(state_dir: str, now: int) -> str:
    """Rename a damaged history so that a new one can begin; return the new path.

    The newest of those set aside are kept, older ones removed.
    """
    path = os.path.join(state_dir, HISTORY_FILE)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now // SECOND))
    aside = "%s.damaged-%s" % (path, stamp)
    os.rename(path, aside)
    for suffix in ("-wal", "-shm"):
        try:
            os.rename(path + suffix, aside + suffix)
        except FileNotFoundError:
            pass
    prefix = HISTORY_FILE + ".damaged-"
    stamps = sorted({name[len(prefix):][:len(stamp)] for name in os.listdir(state_dir) if name.startswith(prefix)})
    for old in stamps[:-_MAX_DAMAGED]:
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(path + ".damaged-" + old + suffix):
                os.unlink(path + ".damaged-" + old + suffix)
    return aside


def query_history(state_dir: str, query: Callable[[sqlite3.Connection], Answer]) -> Optional[Answer]:
    """Return query(connection) on the history as it is, without leaving a trace and without making the recorder wait.

    A connection that only reads would leave -wal and -shm behind. Without a -wal no process writes, and the file
    is read as if it could not change; when it changed nevertheless, it is read again.

    :returns: None when there is no history.
    :raises HistoryError: there is one, and it can't be read.
    """
    path = os.path.join(state_dir, HISTORY_FILE)
    problem = ""
    for _read in range(_MAX_READS):
        before = _file_stamp(path)
        if before is None:
            return None
        _check_ours(path)
        try:
            answer = _query(path, "mode=ro" if before.has_wal else "immutable=1", query)
        except sqlite3.Error as exc:
            problem = str(exc)
        else:
            if before.has_wal or _file_stamp(path) == before:
                return answer
            problem = "changed all the time while it was read"
        time.sleep(_READ_PAUSE)
    raise HistoryError("%s: %s" % (path, problem))


def _query(path: str, mode: str, query: Callable[[sqlite3.Connection], Answer]) -> Answer:
    with closing(sqlite3.connect("file:%s?%s" % (_escape_uri(path), mode), uri=True, timeout=_LOCK_TIMEOUT)) as database:
        end = time.monotonic() + _READ_SECONDS
        database.set_progress_handler(lambda: time.monotonic() > end, _READ_STEPS)
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version != len(MIGRATIONS):
            raise HistoryError("it is of version %d, this collection reads version %d" % (version, len(MIGRATIONS)))
        return query(database)


def _file_stamp(path: str) -> Optional[_FileStamp]:
    """The stamp of the history, None when there is none; raises HistoryError without permission to look."""
    try:
        status = os.stat(path)
        return _FileStamp(status.st_ino, status.st_size, status.st_mtime_ns, _exists(path + "-wal"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise HistoryError("%s: %s" % (path, exc.strerror))


def _exists(path: str) -> bool:
    """Unlike os.path.exists() raises OSError where that can't be told."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return False
    return True


def _escape_uri(path: str) -> str:
    """The path in a URI file name (https://www.sqlite.org/uri.html)."""
    return os.path.abspath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
