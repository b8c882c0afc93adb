# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.
"""One run of the recorder: read on in the journal, look at the running containers, write history and metrics.

Knows the order. What was read and the place where it ended are written in one transaction: a run that is killed has
not happened, and the next one reads the same again.
"""

import fcntl
import os
import sqlite3
import time
from collections import Counter, namedtuple
from contextlib import closing

from .._cgroup.cgroupfs import CgroupFiles
from .._logs.coverage import kernel_coverage
from .._logs.journal import oldest_entry_time, read_ring_buffer
from .._logs.journal_cursor import EMPTY_READING, Journal
from .._system.command import CommandError
from .._system.host import Host
from .._system.times import SECOND
from .._system.users import user_name
from .database import HISTORY_FILE, HistoryDamaged, HistoryError, is_damage, open_history, set_aside
from .metrics import METRICS_FILE, metric_families
from .prometheus import render, write
from .retention import count_kills, history_size, prune_by_age, prune_by_size
from .sampler import read_stored_names, sample_containers
from .state import Observation, describe_loss, is_proven, next_state
from .writer import (
    add_entries,
    add_messages,
    add_note,
    add_sample,
    count_killed_processes,
    get_meta,
    load_names,
    load_state,
    rebuild_kills,
    rebuild_oomd_kills,
    set_meta,
    set_name,
)

# textfile_dir: "" for no metrics; retention_bytes: of the history; version: of the collection.
Options = namedtuple("Options", "state_dir textfile_dir retention_days retention_bytes version")

_LONGEST = 30  # seconds of reading in one run; the next one goes on
_DAY = 86400 * SECOND


class AlreadyRunning(Exception):
    """Another run is at it."""


def record(options, now=None, journal=None, host=None, files=None):
    """Do all that is to be done in this minute; return [what could not be read].

    :param options: Options.
    :param now: function that gives microseconds since the epoch; journal, host, files: in place of this host's.
    :raises Busy: another run is not finished.
    :raises _history.HistoryError: the history can't be written, nothing has changed.
    """
    now = now or (lambda: int(time.time() * SECOND))
    with open(os.path.join(options.state_dir, "lock"), "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise AlreadyRunning("another run of the recorder is not finished")
        made = _Run(options, now, journal or Journal(options.state_dir), host or Host(), files or CgroupFiles())
        note = None
        for attempt in range(2):
            try:
                with closing(open_history(options.state_dir)) as database:
                    return made.on(database, note)
            except (sqlite3.Error, HistoryDamaged) as exc:
                if attempt or not (isinstance(exc, HistoryDamaged) or is_damage(exc)):
                    raise HistoryError("%s: %s" % (os.path.join(options.state_dir, HISTORY_FILE), exc))
                aside = set_aside(options.state_dir, now())
                note = "the history before this was damaged (%s); it was set aside as %s" % (exc, aside)


class _Run(object):
    def __init__(self, options, now, journal, host, files):
        self._options = options
        self._now = now
        self._journal = journal
        self._host = host
        self._files = files
        self._boot = host.boot_id() or ""
        self._problems = []

    def on(self, database, note):
        """The run on an open history."""
        began = time.monotonic()
        self._database = database
        start = cursor = get_meta(database, "resume")
        again = bool(start) and (get_meta(database, "boot") or self._boot) != self._boot
        continued = None
        while True:
            counted, at = self._host.oom_kills_since_boot(), self._now()
            database.execute("BEGIN IMMEDIATE")
            reading, first = self._read(cursor, at)
            continued = reading.continued if continued is None else continued
            cursor = reading.cursor or cursor
            if reading.ended or reading.problem or time.monotonic() - began > _LONGEST:
                break
            rebuild_kills(database, first)
            self._forget_seen()
            database.execute("COMMIT")
        if again:
            # A clock that was set back while the host was down: entries of this boot sort before the cursor.
            more, also = self._read(None, at, this_boot=True)
            cursor = more.cursor or cursor
            first.update({boot: min(mono, first.get(boot, mono)) for boot, mono in also.items()})
        complete = reading.ended and not self._problems
        first = self._ring(first, counted)
        running = self._write(first, Observation(
            at, self._boot, counted, self._seen(first), continued, complete, None, None), note)
        # From the end of the run before on, once more: an entry that another file of the journal got at the same time
        # may have been missed. Where that end is gone, there is nothing to go back to.
        resume = (get_meta(database, "cursor") if continued else None) or cursor
        set_meta(database, resume=resume, cursor=cursor,
                            problem="; ".join(self._problems), **({"success_at": at} if complete else {}))
        database.execute("COMMIT")
        if prune_by_size(database, self._options.retention_bytes, self._boot):
            self._forget_seen()
        self._metrics(running, time.monotonic() - began)
        return self._problems

    def _read(self, cursor, at, this_boot=False):
        """Read on from the cursor into the open transaction; return (Reading, {boot: mono of the first new message})."""
        first = {}
        said = Counter()

        def handle(found):
            for boot, mono in add_entries(self._database, found, said).items():
                first[boot] = min(mono, first.get(boot, mono))

        since = None if cursor or this_boot else at - self._options.retention_days * _DAY
        try:
            reading = self._journal.read(handle, cursor, since, this_boot)
            if cursor and reading.problem and reading.cursor is None:
                # a cursor that this journal does not understand
                said.clear()
                reading = self._journal.read(handle, None, at - self._options.retention_days * _DAY)
        except CommandError as exc:
            self._problems.append(str(exc))
            return EMPTY_READING._replace(problem=str(exc)), first
        if reading.problem:
            self._problems.append(reading.problem)
        return reading, first

    def _ring(self, first, counted):
        """Where the journal has fewer kills than were counted, look into the kernel's own buffer: it is the first to know."""
        if counted is not None and counted > self._seen(first):
            ring = read_ring_buffer(self._boot)
            for boot, mono in add_messages(self._database, ring.messages).items():
                first[boot] = min(mono, first.get(boot, mono))
        return first

    def _seen(self, first):
        """The killed processes of this boot that are recorded; counted again only when there is something new."""
        kept = get_meta
        if self._boot in first or kept(self._database, "seen_boot") != self._boot:
            set_meta(self._database, seen_boot=self._boot,
                                seen=count_killed_processes(self._database, self._boot))
        return kept(self._database, "seen")

    def _forget_seen(self):
        set_meta(self._database, seen_boot="")

    def _write(self, first, seen, note):
        """Write what follows from what was read, and what runs now; return [(labels, Sample, image)]."""
        database = self._database
        rebuild_kills(database, first)
        rebuild_oomd_kills(database)
        state = load_state(database)
        if not seen.continued:
            seen = seen._replace(journal_head=oldest_entry_time(None))
        if not is_proven(state, seen):
            seen = seen._replace(kernel=self._coverage(seen))
        note = note or describe_loss(state, seen)
        if note:
            add_note(database, seen.now, note)
        state = next_state(state, seen)
        set_meta(database, **state._asdict())
        today = time.strftime("%Y-%m-%d", time.gmtime(seen.now // SECOND))
        if prune_by_age(database, today, self._options.retention_days, self._boot):
            self._forget_seen()
        found = sample_containers(self._files)
        called = self._called(found, seen.now)
        running = []
        for each in found:
            name, image, unit = called.get((each.ident, each.uid), (None, None, None))
            add_sample(database, today, seen.now, each, (name, unit))
            running.append(({"id": each.ident[:12], "name": name or each.ident[:12], "unit": unit or "",
                             "user": user_name(each.uid)}, each, image))
        return running

    def _coverage(self, seen):
        ring = read_ring_buffer(self._boot)
        return kernel_coverage(seen.now - self._options.retention_days * _DAY, self._host.booted_at(),
                                oldest_entry_time(None), ring.since, seen.counted, seen.seen).since

    def _called(self, found, at):
        """Return {(id, uid): (name, image, unit)} of the samples; who is not known is looked up in the storages, once."""
        called = load_names(self._database, [each.ident for each in found])
        unknown = [each for each in found if (each.ident, each.uid) not in called]
        stored = read_stored_names() if unknown else {}
        for each in found:
            name, image, unit = called.get((each.ident, each.uid), stored.get((each.ident, each.uid), (None, None)) + (None,))
            if each in unknown or (each.unit and not unit):
                unit = unit or each.unit
                set_name(self._database, each.ident, each.uid, name, image, unit, at)
            called[(each.ident, each.uid)] = (name, image, unit)
        return called

    def _metrics(self, running, duration):
        """Write the textfile, where its directory is there."""
        folder = self._options.textfile_dir
        if not folder or not os.path.isdir(folder):
            return
        database = self._database
        counts = {(user_name(uid), name, unit, scope): found
                  for (uid, name, unit, scope), found in count_kills(database).items()}
        success = get_meta(database, "success_at")
        families = metric_families(running, counts, {
            "version": self._options.version, "duration": round(duration, 3), "errors": len(self._problems),
            "at": success / SECOND if success else 0, "bytes": history_size(database),
            "complete_since": load_state(database).kernel_since / SECOND})
        try:
            write(os.path.join(folder, METRICS_FILE), render(families))
        except OSError as exc:
            self._problems.append("%s: %s" % (folder, exc.strerror))
