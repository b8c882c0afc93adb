# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Add to the recorder's history what was read: rows that are there already stay as they are.

Knows the tables; every function is part of the caller's transaction. Reading the same entry twice changes nothing,
so nothing is counted twice however often the recorder is killed.
"""

import json
import sqlite3
from typing import TYPE_CHECKING, Any, Collection, Counter, Dict, Iterable, List, Optional, Tuple

from .._cgroup.paths import find_container_id, is_inside_another, oomd_victim, owner_uid, system_service
from .._door.grammar import is_id
from .._logs.journal_follower import Places
from .._logs.kernel_lines import OOM_MESSAGE, old_summary_readings, parse_chosen
from .._logs.kernel_oom import KernelMessage, Kill, cause_and_scope, identify_messages, parse_kernel_log
from .._logs.records import (
    Entry,
    PodmanEvent,
    field_text,
    parse_kernel_messages,
    parse_oomd_kills,
    parse_podman_events,
    parse_unit_ooms,
)
from .._system.times import SECOND
from .database import HistoryDamaged
from .record import MAX_TIME, ContainerNames, valid_names
from .state import HistoryState

if TYPE_CHECKING:
    from .sampler import Sample

# {id of a boot: microseconds of its clock}: a boot's first new message of the kernel; with the time of the first new
# record of systemd-oomd's under OOMD_BOOT
FirstNew = Dict[str, int]
OOMD_BOOT = "oomd"  # in place of a boot's id in kills by systemd-oomd

_SCOPES = {"container_limit": "container", "nested_limit": "nested", "ancestor_limit": "ancestor", "host_oom": "host",
           "cpuset_oom": "cpuset"}
_ADD_KILL = "INSERT OR IGNORE INTO kills (boot, mono, ident, uid, scope, at) VALUES (?, ?, ?, ?, ?, ?)"
_REPORT = 60 * SECOND  # lines of one kernel report are milliseconds apart
_SAME_KILL = 5 * SECOND  # systemd-oomd's message and the manager's record of it
_LONG_AGO = -(1 << 62)
_MAX_TEXT = 1024  # characters of a message, a unit, a path: systemd's own are shorter
_MAX_NOTES = 1000
_DROPPED_BEFORE, _UNREAD_BEFORE = "dropped_before_", "unread_before_"  # with a uid, in meta
# Of `messages`: one killed process, as /proc/vmstat counts them (KernelLog.killed_per_boot).
_KILLED = "text LIKE '%Killed process % (%) %total-vm:%'"


def add_entries(database: sqlite3.Connection, entries: List[Entry], occurrences: Counter) -> FirstNew:
    """Add what journal entries say; return the boots' first new kernel messages.

    :param occurrences: for identify_messages(), one for each reading of the journal.
    """
    kernel = [entry for entry in entries if field_text(entry.get("_TRANSPORT")) == "kernel"]
    first = add_messages(database, parse_kernel_messages(kernel), occurrences)
    dropped = dropped_before(database)
    database.executemany("INSERT OR IGNORE INTO unit_ooms VALUES (?, ?, ?)", [
        record for record in parse_unit_ooms(entries)
        if len(record.unit) <= _MAX_TEXT and record.at >= dropped.get(record.uid, record.at)])
    for kill in parse_oomd_kills(entries):
        owner = owner_uid(kill.cgroup) if kill.cgroup else kill.uid
        if len(kill.cgroup or kill.unit or "") <= _MAX_TEXT and kill.at >= dropped.get(owner, kill.at) and database.execute(
                "INSERT OR IGNORE INTO oomd_kills (at, cgroup, unit, uid, text) VALUES (?, ?, ?, ?, ?)",
                kill._replace(text=kill.text[:_MAX_TEXT])).rowcount > 0:
            first[OOMD_BOOT] = min(kill.at, first.get(OOMD_BOOT, kill.at))
    for event in parse_podman_events(entries):
        _add_event(database, event)
    return first


def add_messages(database: sqlite3.Connection, messages: Iterable[KernelMessage],
                 occurrences: Optional[Counter] = None) -> FirstNew:
    """Add the kernel's messages of OOM kills; return the boots' first new ones."""
    first: FirstNew = {}
    owners, dropped = _MessageOwners(), dropped_before(database)
    for identity, message in identify_messages(messages, occurrences):
        if not OOM_MESSAGE.search(message.text):
            continue
        owner = owners.owner(message)
        if owner is not None and message.at < dropped.get(owner, message.at):
            continue
        if database.execute("INSERT OR IGNORE INTO messages (boot, mono, text, nth, at, uid) VALUES (?, ?, ?, ?, ?, ?)",
                            identity + (message.at, owner)).rowcount > 0:
            boot = message.boot or ""
            first[boot] = min(message.mono, first.get(boot, message.mono))
    return first


class _MessageOwners:
    """Whose cgroup the kernel's messages are about, read in their order. For quotas: the kills themselves are parsed later."""

    def __init__(self) -> None:
        self._uid: Optional[int] = None  # of the report that is open, None: there is none
        self._pid: Optional[int] = None  # of its victim

    def owner(self, message: KernelMessage) -> Optional[int]:
        """Return the owner's uid, None for a message that may be anybody's.

        That is a killed process other than the one that a report names, too: whether memory.oom.group killed it with the
        report's cgroup, or the kernel's rate limit suppressed a report in between, can't be told of every kernel.
        """
        old, chosen = old_summary_readings(message.text), parse_chosen(message.text)
        if old:
            self._uid = owner_uid(old[0][1])
        if chosen:
            self._pid = chosen.pid
        log = parse_kernel_log([message])
        if log.kills:
            self._uid, self._pid = owner_uid(log.kills[0].task_memcg), log.kills[0].victims[0].pid
        elif log.killed_per_boot:
            return self._uid if log.unattributed[0].victim.pid == self._pid else None
        elif log.doubtful:  # the report of another kill
            self._uid = self._pid = None
        return self._uid


def _add_event(database: sqlite3.Connection, event: PodmanEvent) -> None:
    """Any user can write such an entry into the journal, for containers of their own uid: no field of it is trusted."""
    if not is_id(event.ident):
        return
    names = valid_names(event.name, event.image, event.labels.get("PODMAN_SYSTEMD_UNIT"))
    unit = names.unit
    code = event.exit_code if event.exit_code is not None and abs(event.exit_code) < 1 << 31 else None
    added = database.execute(
        "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (event.ident, event.uid, event.at, event.kind, names.name, names.image, code,
         json.dumps({"PODMAN_SYSTEMD_UNIT": unit} if unit else {}), event.command,
         event.service)).rowcount
    if added > 0:
        set_names(database, event.ident, event.uid, event.at, names)


def set_names(database: sqlite3.Connection, ident: str, uid: int, at: int, names: ContainerNames) -> None:
    """Note a container's names at a time (microseconds); None leaves what is known."""
    database.execute("INSERT OR IGNORE INTO containers (ident, uid, seen) VALUES (?, ?, ?)", (ident, uid, at))
    database.execute(
        "UPDATE containers SET name = coalesce(?, name), image = coalesce(?, image), unit = coalesce(?, unit),"
        " seen = max(seen, ?) WHERE ident = ? AND uid = ?", names + (at, ident, uid))


def load_names(database: sqlite3.Connection, idents: Iterable[str]) -> Dict[Tuple[str, int], ContainerNames]:
    """Return {(id, uid): names} of those of the ids that are known."""
    return {(ident, uid): ContainerNames(*row) for ident in idents for uid, *row in database.execute(
        "SELECT uid, name, image, unit FROM containers WHERE ident = ?", (ident,))}


def rebuild_kills(database: sqlite3.Connection, first: FirstNew) -> None:
    """Make the rows of kills again that new messages of the kernel may have changed."""
    known: Collection[str] = {row[0] for row in database.execute("SELECT ident FROM containers")} if first else ()
    for boot, mono in first.items():
        begin = mono - _REPORT
        if boot == OOMD_BOOT:
            _rebuild_oomd_kills(database, begin)
            continue
        messages = [KernelMessage(*row) for row in database.execute(
            "SELECT at, boot, mono, text FROM messages WHERE boot = ? AND mono >= ? ORDER BY mono, rowid", (boot, begin))]
        monos: Dict[int, int] = {}
        for message in messages:
            monos.setdefault(message.at, message.mono)
        database.execute("DELETE FROM kills WHERE boot = ? AND mono >= ?", (boot, begin))
        for kill in parse_kernel_log(messages).kills:
            ident = find_container_id(kill.task_memcg, known)
            if ident and not is_inside_another(kill.task_memcg):
                scope = _SCOPES[cause_and_scope(kill, ident)[0]]
                database.execute(_ADD_KILL, (boot, monos[kill.at], ident, _kill_owner(database, kill, ident), scope, kill.at))


def _kill_owner(database: sqlite3.Connection, kill: Kill, ident: str) -> int:
    """The uid of the owner of a container in which there was a kill.

    In a service of the system's manager it is root's, unless the victim was not and all of its Podman's events were written
    by one user in that very service, as with User=.
    """
    owner, service = owner_uid(kill.task_memcg), system_service(kill.task_memcg)
    if owner or not service or not kill.uid:
        return owner
    writers = database.execute("SELECT DISTINCT uid FROM events WHERE ident = ? AND (service = ? OR uid = 0)", (ident, service)).fetchall()
    return writers[0][0] if len(writers) == 1 else 0


def _rebuild_oomd_kills(database: sqlite3.Connection, begin: int) -> None:
    """Make systemd-oomd's rows of kills from a time on again: one for several records of the same kill."""
    database.execute("DELETE FROM kills WHERE boot = ? AND mono >= ?", (OOMD_BOOT, begin))
    last: Dict[Tuple[Optional[str], int], int] = {}
    for at, cgroup, unit, uid in database.execute(
            "SELECT at, cgroup, unit, uid FROM oomd_kills WHERE at >= ? ORDER BY at", (begin,)).fetchall():
        ident, owner = oomd_victim(cgroup, unit, uid)
        if ident and at - last.get((ident, owner), _LONG_AGO) > _SAME_KILL:
            database.execute(_ADD_KILL, (OOMD_BOOT, at, ident, owner, "oomd", at))
        last[(ident, owner)] = at


def count_killed_processes(database: sqlite3.Connection, boot: str) -> int:
    """Return how many killed processes of a boot are recorded."""
    return database.execute("SELECT count(*) FROM messages WHERE boot = ? AND " + _KILLED, (boot,)).fetchone()[0]


def add_sample(database: sqlite3.Connection, day: str, now: int, sample: "Sample", names: ContainerNames) -> None:
    """Note what a running container uses now (microseconds), on a day ("2026-11-23")."""
    peak, usage = sample.usage["peak"], sample.usage
    container = (sample.ident, sample.uid)
    row = database.execute("SELECT peak FROM containers WHERE ident = ? AND uid = ?", container).fetchone()
    database.execute("UPDATE containers SET memory_limit = ?, peak = ?, seen = ? WHERE ident = ? AND uid = ?",
                     (sample.limits["limit"], peak, now) + container)
    # memory.peak is of the whole run: it is today's when it has grown since the last sample; otherwise the
    # most that is known of today is what was in use at one of the samples.
    before = row[0] if row else None
    if peak is not None and before is not None and peak <= before:
        peak = usage["current"]
    key = (day, sample.uid, names.unit or names.name or sample.ident[:12])
    database.execute("INSERT OR IGNORE INTO daily VALUES (?, ?, ?, NULL, NULL, 0)", key)
    database.execute(
        "UPDATE daily SET samples = samples + 1,"
        " working_set_max = nullif(max(coalesce(working_set_max, -1), coalesce(?, -1)), -1),"
        " peak = nullif(max(coalesce(peak, -1), coalesce(?, -1)), -1) WHERE day = ? AND uid = ? AND workload = ?",
        (usage["working_set"], peak) + key)


def load_state(database: sqlite3.Connection) -> Optional[HistoryState]:
    """Return the state of the last run, None before the first.

    :raises HistoryDamaged: something of it is missing or of another type.
    """
    meta = dict(database.execute("SELECT key, value FROM meta"))
    if "until" not in meta:
        return None
    values = {field: meta.get(field) for field in HistoryState._fields}
    for field, value in values.items():
        if not (isinstance(value, str) if field == "boot" else isinstance(value, int) and 0 <= value <= MAX_TIME):
            raise HistoryDamaged("its state is damaged: %s is %.40r" % (field, value))
    return HistoryState(**values)  # type: ignore[arg-type]


def set_meta(database: sqlite3.Connection, **values: Any) -> None:
    """Put values into the table meta."""
    database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", sorted(values.items()))


def get_meta(database: sqlite3.Connection, key: str) -> Any:
    """Return a value of the table meta, None when there is none."""
    row = database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return row[0] if row else None


def load_places(database: sqlite3.Connection) -> Places:
    """Return up to where the journal was read.

    :raises HistoryDamaged: that is no such thing.
    """
    text = get_meta(database, "apart") or "{}"
    try:
        apart = {int(uid): cursor for uid, cursor in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError):
        raise HistoryDamaged("its places in the journal are damaged: %.40r" % text)
    return Places(get_meta(database, "resume"), get_meta(database, "cursor"), apart)


def store_places(database: sqlite3.Connection, places: Places) -> None:
    """Note up to where the journal was read."""
    set_meta(database, resume=places.resume, cursor=places.cursor, apart=json.dumps(places.apart))


def unread_before(database: sqlite3.Connection) -> Dict[int, int]:
    """Return {uid: time before which records that the user's own manager and Podman wrote may be missing, in microseconds}."""
    return _times_by_uid(database, _UNREAD_BEFORE)


def note_unread(database: sqlite3.Connection, uids: Iterable[int], at: int) -> None:
    """Note that not all was read up to a time (microseconds) of what users wrote into the journal."""
    set_meta(database, **{_UNREAD_BEFORE + str(uid): at for uid in uids})


def dropped_before(database: sqlite3.Connection) -> Dict[int, int]:
    """Return {uid: time before which records of kills in the user's containers may have been dropped, in microseconds}."""
    return _times_by_uid(database, _DROPPED_BEFORE)


def _times_by_uid(database: sqlite3.Connection, prefix: str) -> Dict[int, int]:
    return {int(key[len(prefix):]): value for key, value in database.execute(
        "SELECT key, value FROM meta WHERE key LIKE ?", (prefix + "%",))}


def note_dropped(database: sqlite3.Connection, uid: int, newest: int) -> None:
    """Note that a user's records of kills up to a time (microseconds) were dropped. They are not added again."""
    set_meta(database, **{_DROPPED_BEFORE + str(uid): max(newest + 1, dropped_before(database).get(uid, 0))})


def add_note(database: sqlite3.Connection, at: int, text: str) -> None:
    """Note a problem of the history itself that a reader has to know; the newest are kept."""
    database.execute("INSERT INTO notes VALUES (?, ?)", (at, text[:_MAX_TEXT]))
    database.execute("DELETE FROM notes WHERE rowid <= (SELECT max(rowid) FROM notes) - ?", (_MAX_NOTES,))
