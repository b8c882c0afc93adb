# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.
"""Read the recorder's history for the facts. Loaded by _recorder where there is one."""

import json

from .._logs.kernel_oom import KernelMessage
from .._logs.records import OomdKill, PodmanEvent, UnitOom
from .._system.times import SECOND, to_iso
from .database import HistoryError, query_history
from .record import Named, Record, empty_record, source_entry
from .writer import get_meta, load_state

# The timer's minute, a run that had much to read, and some patience.
_LATE = 300 * SECOND


def read_history(state_dir, since, now):
    """See _recorder.read(); None when there is no history."""
    try:
        return query_history(state_dir, lambda database: _record(database, since, now))
    except HistoryError as exc:
        return empty_record(source_entry("unavailable", str(exc)))


def read_events(state_dir, idents):
    """See _recorder.events()."""
    try:
        return query_history(state_dir, lambda database: [
            PodmanEvent(at, kind, ident, name, image, code, json.loads(labels), uid, command)
            for each in idents
            for ident, uid, at, kind, name, image, code, labels, command in database.execute(
                "SELECT ident, uid, at, kind, name, image, exit_code, labels, command FROM events WHERE ident = ?", (each,))
        ]) or [], None
    except HistoryError as exc:
        return [], str(exc)


def _record(database, since, now):
    state = load_state(database)
    daily = {}
    for day, uid, workload, working_set, peak, samples in database.execute(
            "SELECT day, uid, workload, working_set_max, peak, samples FROM daily ORDER BY day"):
        daily.setdefault((uid, workload), []).append(
            {"day": day, "working_set_max": working_set, "peak": peak, "samples": samples})
    return Record(
        _told(database, state, since, now), state,
        [KernelMessage(*row) for row in database.execute("SELECT at, boot, mono, text FROM messages ORDER BY boot, mono, rowid")],
        [UnitOom(*row) for row in database.execute("SELECT at, unit, uid FROM unit_ooms")],
        [OomdKill(*row) for row in database.execute("SELECT at, cgroup, unit, uid, text FROM oomd_kills")],
        {(ident, uid): Named(*rest) for ident, uid, *rest in database.execute(
            "SELECT ident, uid, name, image, unit, memory_limit FROM containers")},
        daily)


def _told(database, state, since, now):
    """The entry for `sources`."""
    if state is None:
        return source_entry("partial", "its first run has not ended yet")
    problems = [text for _at, text in database.execute("SELECT at, text FROM notes WHERE at >= ? ORDER BY at", (since,))][-3:]
    if now - state.until > _LATE:
        problems.append("its last run was at %s: systemctl status podman-memory-recorder.timer" % to_iso(state.until))
    problems += [each for each in [get_meta(database, "problem")] if each]
    return source_entry("partial" if problems else "ok", "; ".join(problems) or "last run at %s" % to_iso(state.until),
                  state.kernel_since)
