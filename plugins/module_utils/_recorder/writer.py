# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.
"""Put into the recorder's history what was read: rows that are there already stay as they are.

Knows the tables; every function is part of the caller's transaction. Reading the same entry twice changes nothing,
so nothing is counted twice however often the recorder is killed.
"""

import json

from .._cgroup.paths import find_container_id, oomd_victim, owner_uid
from .._logs.kernel_oom import OOM_MESSAGE, KernelMessage, cause_and_scope, identify_messages, parse_kernel_log
from .._logs.records import (
    field_text,
    parse_kernel_messages,
    parse_oomd_kills,
    parse_podman_events,
    parse_unit_ooms,
    storable_text,
)
from .._system.times import SECOND
from .state import State

_SCOPES = {"container_limit": "container", "ancestor_limit": "ancestor", "host_oom": "host"}
_REPORT = 60 * SECOND  # lines of one kernel report are milliseconds apart
_SAME_KILL = 5 * SECOND  # systemd-oomd's message and the manager's record of it
_FAR = 1 << 62


def add_entries(database, found, said):
    """Put in what journal entries tell; return {boot: mono of its first new kernel message}.

    :param said: Counter for _kernel_oom.identify_messages(), one for each reading of the journal.
    """
    kernel = [entry for entry in found if field_text(entry.get("_TRANSPORT")) == "kernel"]
    first = add_messages(database, parse_kernel_messages(kernel), said)
    database.executemany("INSERT OR IGNORE INTO unit_ooms VALUES (?, ?, ?)", parse_unit_ooms(found))
    database.executemany(
        "INSERT OR IGNORE INTO oomd_kills (at, cgroup, unit, uid, text) VALUES (?, ?, ?, ?, ?)", parse_oomd_kills(found))
    for event in parse_podman_events(found):
        _event(database, event)
    return first


def add_messages(database, found, said=None):
    """Put in the kernel's Messages that matter; return {boot: mono of the first that is new}."""
    first = {}
    for identity, message in identify_messages(found, said):
        if OOM_MESSAGE.search(message.text) and database.execute(
                "INSERT OR IGNORE INTO messages (boot, mono, text, nth, at) VALUES (?, ?, ?, ?, ?)",
                identity + (message.at,)).rowcount > 0:
            first[message.boot] = min(message.mono, first.get(message.boot, _FAR))
    return first


def _event(database, event):
    """Everybody can write such an entry into the journal, for containers of his own uid: nothing in it is relied on."""
    unit = storable_text(event.labels.get("PODMAN_SYSTEMD_UNIT"))
    code = event.exit_code if event.exit_code is not None and abs(event.exit_code) < 1 << 31 else None
    added = database.execute(
        "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (event.ident, event.uid, event.at, event.kind, event.name, event.image, code,
         json.dumps({"PODMAN_SYSTEMD_UNIT": unit} if unit else {}), event.command)).rowcount
    if added > 0:
        set_name(database, event.ident, event.uid, event.name, event.image, unit, event.at)


def set_name(database, ident, uid, called, image, unit, at):
    """Note what a container is called; None takes nothing away that is known."""
    database.execute("INSERT OR IGNORE INTO containers (ident, uid, seen) VALUES (?, ?, ?)", (ident, uid, at))
    database.execute(
        "UPDATE containers SET name = coalesce(?, name), image = coalesce(?, image), unit = coalesce(?, unit),"
        " seen = max(seen, ?) WHERE ident = ? AND uid = ?", (called, image, unit, at, ident, uid))


def rebuild_kills(database, first):
    """Make the rows of `kills` anew for what the new messages may have changed.

    :param first: {boot: mono of its first new message}.
    """
    known = {row[0] for row in database.execute("SELECT ident FROM containers")} if first else ()
    for boot, mono in first.items():
        begin = mono - _REPORT
        found = [KernelMessage(*row) for row in database.execute(
            "SELECT at, boot, mono, text FROM messages WHERE boot = ? AND mono >= ? ORDER BY mono, rowid", (boot, begin))]
        monos = {}
        for message in found:
            monos.setdefault(message.at, message.mono)
        database.execute("DELETE FROM kills WHERE boot = ? AND mono >= ?", (boot, begin))
        for kill in parse_kernel_log(found).kills:
            ident = find_container_id(kill.task_memcg, known)
            if ident:
                scope = _SCOPES[cause_and_scope(kill, ident)[0]]
                _kill(database, boot, monos[kill.at], ident, owner_uid(kill.task_memcg), scope, kill.at)


def rebuild_oomd_kills(database):
    """Make the rows of `kills` anew that are systemd-oomd's: one for several records of the same kill."""
    database.execute("DELETE FROM kills WHERE boot = 'oomd'")
    last = {}
    for at, cgroup, unit, uid in database.execute("SELECT at, cgroup, unit, uid FROM oomd_kills ORDER BY at"):
        ident, owner = oomd_victim(cgroup, unit, uid)
        if ident and at - last.get(ident, -_FAR) > _SAME_KILL:
            _kill(database, "oomd", at, ident, owner, "oomd", at)
        last[ident] = at


def _kill(database, boot, mono, ident, uid, scope, at):
    database.execute("INSERT OR IGNORE INTO kills (boot, mono, ident, uid, scope, at) VALUES (?, ?, ?, ?, ?, ?)",
                     (boot, mono, ident, uid, scope, at))


def count_killed_processes(database, boot):
    """Return how many killed processes of a boot are recorded, as /proc/vmstat counts them (_kernel_oom.KernelLog.killed_per_boot)."""
    return database.execute("SELECT count(*) FROM messages WHERE boot = ? AND text LIKE '%Killed process % (%) %total-vm:%'",
                            (boot,)).fetchone()[0]


def add_sample(database, day, now, each, called):
    """Note what a running container uses.

    :param each: _recorder_cgroups.Sample.
    :param called: (name, unit) it is called by.
    """
    peak, usage = each.usage["peak"], each.usage
    row = database.execute("SELECT peak FROM containers WHERE ident = ? AND uid = ?", (each.ident, each.uid)).fetchone()
    database.execute("UPDATE containers SET memory_limit = ?, peak = ?, seen = ? WHERE ident = ? AND uid = ?",
                     (each.limits["limit"], peak, now, each.ident, each.uid))
    # memory.peak is of the whole run: it is today's when it has grown since the last look, and else the
    # most that is known of today is what was in use at one of the looks.
    before = row[0] if row else None
    if peak is not None and before is not None and peak <= before:
        peak = usage["current"]
    workload = called[1] or called[0] or each.ident[:12]
    key = (day, each.uid, workload)
    database.execute("INSERT OR IGNORE INTO daily VALUES (?, ?, ?, NULL, NULL, 0)", key)
    database.execute(
        "UPDATE daily SET samples = samples + 1, working_set_max = nullif(max(coalesce(working_set_max, -1), ?), -1),"
        " peak = nullif(max(coalesce(peak, -1), ?), -1) WHERE day = ? AND uid = ? AND workload = ?",
        (_known(usage["working_set"]), _known(peak)) + key)


def _known(size):
    return -1 if size is None else size


def load_names(database, idents):
    """Return {(ident, uid): (name, image, unit)} of those of the idents that were met before."""
    found = {}
    for ident in idents:
        for uid, called, image, unit in database.execute("SELECT uid, name, image, unit FROM containers WHERE ident = ?", (ident,)):
            found[(ident, uid)] = (called, image, unit)
    return found


def load_state(database):
    """Return the State of the last run, None before the first."""
    kept = dict(database.execute("SELECT key, value FROM meta"))
    if "until" not in kept:
        return None
    return State(*(kept[key] for key in State._fields))


def set_meta(database, **values):
    """Put values into the table meta."""
    database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", sorted(values.items()))


def get_meta(database, key):
    """Return a value of the table meta, None when there is none."""
    row = database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return row[0] if row else None


def add_note(database, at, text):
    """Write down what a reader has to know of the history itself."""
    database.execute("INSERT INTO notes VALUES (?, ?)", (at, text))
