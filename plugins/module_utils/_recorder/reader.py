# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the recorder's history for the facts. Imported by source.py where there is one."""

import json
import sqlite3
from typing import Any, Dict, Iterable, List, Optional, Tuple

from .._logs.kernel_oom import KernelMessage
from .._logs.records import OomdKill, PodmanEvent, UnitOom
from .._system.times import SECOND, to_iso
from .database import HistoryError, query_history
from .record import KnownContainer, Record, empty_record, source_entry
from .state import HistoryState
from .writer import get_meta, load_state

# The timer's minute, a run that had much to read, and a margin.
_LATE = 300 * SECOND
_MAX_NOTES = 3


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
    query = "SELECT at, kind, ident, name, image, exit_code, labels, uid, command FROM events WHERE ident = ?"
    events = [PodmanEvent(*row) for ident in idents for row in database.execute(query, (ident,))]
    return [event._replace(labels=json.loads(event.labels)) for event in events]  # type: ignore[arg-type]


def _read_record(database: sqlite3.Connection, since: int, now: int) -> Record:
    state = load_state(database)
    daily: Dict[Tuple[int, str], List[Dict[str, Any]]] = {}
    for day, uid, workload, working_set, peak, samples in database.execute(
            "SELECT day, uid, workload, working_set_max, peak, samples FROM daily ORDER BY day"):
        daily.setdefault((uid, workload), []).append(
            {"day": day, "working_set_max": working_set, "peak": peak, "samples": samples})
    return Record(
        source=_describe_source(database, state, since, now), state=state,
        messages=[KernelMessage(*row) for row in database.execute(
            "SELECT at, boot, mono, text FROM messages ORDER BY boot, mono, rowid")],
        unit_ooms=[UnitOom(*row) for row in database.execute("SELECT at, unit, uid FROM unit_ooms")],
        oomd=[OomdKill(*row) for row in database.execute("SELECT at, cgroup, unit, uid, text FROM oomd_kills")],
        containers={(ident, uid): KnownContainer(*row) for ident, uid, *row in database.execute(
            "SELECT ident, uid, name, image, unit, memory_limit FROM containers")},
        daily=daily)


def _describe_source(database: sqlite3.Connection, state: Optional[HistoryState], since: int, now: int) -> Dict[str, Any]:
    if state is None:
        return source_entry("partial", "its first run has not ended yet")
    last_run = to_iso(state.until)
    problems = [text for text, in database.execute("SELECT text FROM notes WHERE at >= ? ORDER BY at", (since,))][-_MAX_NOTES:]
    if now - state.until > _LATE:
        problems.append("its last run was at %s: systemctl status podman-memory-recorder.timer" % last_run)
    problem = get_meta(database, "problem")
    problems += [problem] if problem else []
    return source_entry("partial" if problems else "ok", "; ".join(problems) or "last run at %s" % last_run, state.kernel_since)
