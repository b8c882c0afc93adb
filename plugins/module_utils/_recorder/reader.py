# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the recorder's history for the facts. Imported by source.py where there is one."""

import json
import sqlite3
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Tuple

from .._logs.kernel_oom import KernelMessage
from .._logs.records import OomdKill, PodmanEvent, UnitOom
from .._system.times import SECOND, to_iso
from .database import HistoryError, query_history
from .quota import fair_shares
from .record import MAX_TIME, KnownContainer, Record, empty_record, source_entry
from .state import HistoryState
from .writer import dropped_before, get_meta, load_state, unread_before

# The timer's minute, a run that had much to read, and a margin.
_LATE = 300 * SECOND
_MAX_NOTES = 3
_MAX_DETAIL = 2000  # characters
# Rows of each table that are read, divided fairly among the owners: 64 MiB hold fewer messages.
_MAX_ROWS = 200000
_MAX_EVENTS = 1000  # of one container

Check = Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_time(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value <= MAX_TIME


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and value >= 0


def _is_number_or_none(value: Any) -> bool:
    return value is None or _is_number(value)


def _is_code(value: Any) -> bool:
    return value is None or isinstance(value, int)


class _Table(NamedTuple):
    """Columns of a table that are read."""

    name: str
    columns: Tuple[str, ...]
    checks: Tuple[Check, ...]  # of the columns
    age: str = "at"  # column
    order: str = "at"


_MESSAGES = _Table("messages", ("at", "boot", "mono", "text", "uid"),
                   (_is_time, _is_text_or_none, _is_number, _is_text, _is_number_or_none), order="boot, mono, rowid")
_UNIT_OOMS = _Table("unit_ooms", ("at", "unit", "uid"), (_is_time, _is_text, _is_number))
_OOMD_KILLS = _Table("oomd_kills", ("at", "cgroup", "unit", "uid", "text"),
                     (_is_time, _is_text_or_none, _is_text_or_none, _is_number, _is_text))
_CONTAINERS = _Table("containers", ("ident", "name", "image", "unit", "memory_limit", "uid", "seen"),
                     (_is_text, _is_text_or_none, _is_text_or_none, _is_text_or_none, _is_number_or_none, _is_number, _is_number),
                     age="seen", order="seen")
_DAILY = _Table("daily", ("day", "workload", "working_set_max", "peak", "samples", "uid"),
                (_is_text, _is_text, _is_number_or_none, _is_number_or_none, _is_number, _is_number), age="day", order="day")
_EVENTS = _Table("events", ("at", "kind", "ident", "name", "image", "exit_code", "labels", "uid", "command"),
                 (_is_time, _is_text, _is_text, _is_text_or_none, _is_text_or_none, _is_code, _is_text, _is_number, _is_text_or_none))


def read_history(state_dir: str, since: int, now: int) -> Optional[Record]:
    """Return the Record of the history, None when there is none; see source.read_recorder()."""
    try:
        return query_history(state_dir, lambda database: _read_record(database, since, now))
    except HistoryError as exc:
        return empty_record(source_entry("unavailable", str(exc)))


def read_events(state_dir: str, idents: Iterable[str]) -> Tuple[List[PodmanEvent], Optional[str]]:
    """Return (events of these containers, what went wrong or None)."""
    try:
        return query_history(state_dir, lambda database: _read_events(database, idents)) or [], None
    except HistoryError as exc:
        return [], str(exc)


def _read_events(database: sqlite3.Connection, idents: Iterable[str]) -> List[PodmanEvent]:
    rows = [row for ident in idents for row in _checked(_EVENTS, database.execute(
        "SELECT %s FROM events WHERE ident = ? ORDER BY at DESC LIMIT ?" % ", ".join(_EVENTS.columns), (ident, _MAX_EVENTS)))]
    return [event._replace(labels=_labels(event.labels)) for event in (PodmanEvent(*row) for row in rows)]


def _labels(text: Any) -> Dict[str, Any]:
    try:
        labels = json.loads(text)
    except (ValueError, RecursionError):
        labels = None
    if not isinstance(labels, dict):
        raise HistoryError("a row of its table events has labels that are no JSON object")
    return labels


def _checked(table: _Table, rows: Iterable[Tuple[Any, ...]]) -> Iterable[Tuple[Any, ...]]:
    """The rows; SQLite stores any type in any column, and one of the wrong type is damage.

    :raises HistoryError: there is one.
    """
    for row in rows:
        for column, check, value in zip(table.columns, table.checks, row):
            if not check(value):
                raise HistoryError("a row of its table %s has %s %.40r" % (table.name, column, value))
        yield row


def _newest(database: sqlite3.Connection, table: _Table) -> Tuple[List[Tuple[Any, ...]], Dict[Optional[int], Any]]:
    """Return (the newest rows of each owner, {uid: age of the newest row that is left out, of those who have too many})."""
    counts = dict(database.execute("SELECT uid, count(*) FROM %s GROUP BY uid" % table.name))
    shares = fair_shares(counts, _MAX_ROWS)
    cut = {uid: database.execute("SELECT %s FROM %s WHERE uid IS ? ORDER BY %s DESC LIMIT 1 OFFSET ?" % (
        table.age, table.name, table.age), (uid, shares[uid])).fetchone()[0] for uid in counts if shares[uid] < counts[uid]}
    rows = _checked(table, database.execute("SELECT %s FROM %s ORDER BY %s" % (", ".join(table.columns), table.name, table.order)))
    if not cut:
        return list(rows), cut
    age, uid = table.columns.index(table.age), table.columns.index("uid")
    return [row for row in rows if row[uid] not in cut or row[age] > cut[row[uid]]], cut


def _read_record(database: sqlite3.Connection, since: int, now: int) -> Record:
    state, dropped = load_state(database), dropped_before(database)
    messages, cut_messages = _newest(database, _MESSAGES)
    unit_ooms, cut_unit_ooms = _newest(database, _UNIT_OOMS)
    oomd_kills, cut_oomd_kills = _newest(database, _OOMD_KILLS)
    for cut in (cut_messages, cut_unit_ooms, cut_oomd_kills):
        for uid, newest in cut.items():
            if uid is not None:
                dropped[uid] = max(newest + 1, dropped.get(uid, 0))
            elif state is not None:  # may be about anybody's container
                state = state._replace(kernel_since=max(newest + 1, state.kernel_since))
    daily: Dict[Tuple[int, str], List[Dict[str, Any]]] = {}
    for day, workload, working_set, peak, samples, uid in _newest(database, _DAILY)[0]:
        daily.setdefault((uid, workload), []).append(
            {"day": day, "working_set_max": working_set, "peak": peak, "samples": samples})
    return Record(
        source=_describe_source(database, state, since, now), state=state, dropped=dropped, unread=unread_before(database),
        messages=[KernelMessage(*row[:4]) for row in messages], unit_ooms=[UnitOom(*row) for row in unit_ooms],
        oomd=[OomdKill(*row) for row in oomd_kills], daily=daily,
        containers={(row[0], row[5]): KnownContainer(*row[1:5]) for row in _newest(database, _CONTAINERS)[0]})


def _describe_source(database: sqlite3.Connection, state: Optional[HistoryState], since: int, now: int) -> Dict[str, Any]:
    if state is None:
        return source_entry("partial", "its first run has not ended yet")
    last_run = to_iso(state.until)
    problems = [text for text, in database.execute("SELECT text FROM notes WHERE at >= ? ORDER BY at", (since,))][-_MAX_NOTES:]
    if now - state.until > _LATE:
        problems.append("its last run was at %s: systemctl status podman-memory-recorder.timer" % last_run)
    problem = get_meta(database, "problem")
    problems += [problem] if problem else []
    if not all(isinstance(text, str) for text in problems):
        raise HistoryError("its tables meta and notes have something else than text")
    detail = "; ".join(problems)[:_MAX_DETAIL]
    return source_entry("partial" if problems else "ok", detail or "last run at %s" % last_run, state.kernel_since)
