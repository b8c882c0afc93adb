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

from .._cgroup.paths import find_container_id, oomd_victim, owner_uid
from .._logs.kernel_lines import OOM_MESSAGE
from .._logs.kernel_oom import KernelMessage, cause_and_scope, identify_messages, parse_kernel_log
from .._logs.records import (
    Entry,
    PodmanEvent,
    field_text,
    parse_kernel_messages,
    parse_oomd_kills,
    parse_podman_events,
    parse_unit_ooms,
    storable_text,
)
from .._system.times import SECOND
from .record import ContainerNames
from .state import HistoryState

if TYPE_CHECKING:
    from .sampler import Sample

# {id of a boot: microseconds of its clock}: a boot's first new message of the kernel
FirstNew = Dict[str, int]

_SCOPES = {"container_limit": "container", "ancestor_limit": "ancestor", "host_oom": "host"}
_ADD_KILL = "INSERT OR IGNORE INTO kills (boot, mono, ident, uid, scope, at) VALUES (?, ?, ?, ?, ?, ?)"
_OOMD_BOOT = "oomd"  # in place of a boot's id in kills by systemd-oomd
_REPORT = 60 * SECOND  # lines of one kernel report are milliseconds apart
_SAME_KILL = 5 * SECOND  # systemd-oomd's message and the manager's record of it
_LONG_AGO = -(1 << 62)


def add_entries(database: sqlite3.Connection, entries: List[Entry], occurrences: Counter) -> FirstNew:
    """Add what journal entries say; return the boots' first new kernel messages.

    :param occurrences: for identify_messages(), one for each reading of the journal.
    """
    kernel = [entry for entry in entries if field_text(entry.get("_TRANSPORT")) == "kernel"]
    first = add_messages(database, parse_kernel_messages(kernel), occurrences)
    database.executemany("INSERT OR IGNORE INTO unit_ooms VALUES (?, ?, ?)", parse_unit_ooms(entries))
    database.executemany(
        "INSERT OR IGNORE INTO oomd_kills (at, cgroup, unit, uid, text) VALUES (?, ?, ?, ?, ?)", parse_oomd_kills(entries))
    for event in parse_podman_events(entries):
        _add_event(database, event)
    return first


def add_messages(database: sqlite3.Connection, messages: Iterable[KernelMessage],
                 occurrences: Optional[Counter] = None) -> FirstNew:
    """Add the kernel's messages of OOM kills; return the boots' first new ones."""
    first: FirstNew = {}
    for identity, message in identify_messages(messages, occurrences):
        if OOM_MESSAGE.search(message.text) and database.execute(
                "INSERT OR IGNORE INTO messages (boot, mono, text, nth, at) VALUES (?, ?, ?, ?, ?)",
                identity + (message.at,)).rowcount > 0:
            boot = message.boot or ""
            first[boot] = min(message.mono, first.get(boot, message.mono))
    return first


def _add_event(database: sqlite3.Connection, event: PodmanEvent) -> None:
    """Any user can write such an entry into the journal, for containers of their own uid: no field of it is trusted."""
    unit = storable_text(event.labels.get("PODMAN_SYSTEMD_UNIT"))
    code = event.exit_code if event.exit_code is not None and abs(event.exit_code) < 1 << 31 else None
    added = database.execute(
        "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (event.ident, event.uid, event.at, event.kind, event.name, event.image, code,
         json.dumps({"PODMAN_SYSTEMD_UNIT": unit} if unit else {}), event.command)).rowcount
    if added > 0:
        set_names(database, event.ident, event.uid, event.at, ContainerNames(event.name, event.image, unit))


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
        messages = [KernelMessage(*row) for row in database.execute(
            "SELECT at, boot, mono, text FROM messages WHERE boot = ? AND mono >= ? ORDER BY mono, rowid", (boot, begin))]
        monos: Dict[int, int] = {}
        for message in messages:
            monos.setdefault(message.at, message.mono)
        database.execute("DELETE FROM kills WHERE boot = ? AND mono >= ?", (boot, begin))
        for kill in parse_kernel_log(messages).kills:
            ident = find_container_id(kill.task_memcg, known)
            if ident:
                scope = _SCOPES[cause_and_scope(kill, ident)[0]]
                database.execute(_ADD_KILL, (boot, monos[kill.at], ident, owner_uid(kill.task_memcg), scope, kill.at))


def rebuild_oomd_kills(database: sqlite3.Connection) -> None:
    """Make systemd-oomd's rows of kills again: one for several records of the same kill."""
    database.execute("DELETE FROM kills WHERE boot = ?", (_OOMD_BOOT,))
    last: Dict[Optional[str], int] = {}
    for at, cgroup, unit, uid in database.execute("SELECT at, cgroup, unit, uid FROM oomd_kills ORDER BY at").fetchall():
        ident, owner = oomd_victim(cgroup, unit, uid)
        if ident and at - last.get(ident, _LONG_AGO) > _SAME_KILL:
            database.execute(_ADD_KILL, (_OOMD_BOOT, at, ident, owner, "oomd", at))
        last[ident] = at


def count_killed_processes(database: sqlite3.Connection, boot: str) -> int:
    """Return how many killed processes of a boot are recorded, as /proc/vmstat counts them (KernelLog.killed_per_boot)."""
    return database.execute("SELECT count(*) FROM messages WHERE boot = ? AND text LIKE '%Killed process % (%) %total-vm:%'",
                            (boot,)).fetchone()[0]


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
    """Return the state of the last run, None before the first."""
    meta = dict(database.execute("SELECT key, value FROM meta"))
    return HistoryState(**{field: meta[field] for field in HistoryState._fields}) if "until" in meta else None


def set_meta(database: sqlite3.Connection, **values: Any) -> None:
    """Put values into the table meta."""
    database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", sorted(values.items()))


def get_meta(database: sqlite3.Connection, key: str) -> Any:
    """Return a value of the table meta, None when there is none."""
    row = database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return row[0] if row else None


def add_note(database: sqlite3.Connection, at: int, text: str) -> None:
    """Note a problem of the history itself that a reader has to know."""
    database.execute("INSERT INTO notes VALUES (?, ?)", (at, text))
