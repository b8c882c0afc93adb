# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of the recorder: read on in the journal, sample the running containers, write history and metrics.

Knows the order. What was read and the place where it ended are written in one transaction: a run that is killed
changes nothing, and the next one reads the same again.
"""

import fcntl
import json
import os
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from typing import Callable, Counter as CounterType, Dict, List, NamedTuple, Optional, Tuple

from .._cgroup.cgroupfs import CgroupFiles
from .._logs.coverage import kernel_coverage
from .._logs.journal import oldest_entry_time, read_ring_buffer
from .._logs.journal_cursor import EMPTY_READING, Journal, Reading
from .._logs.records import Entry
from .._system.command import CommandError
from .._system.host import Host
from .._system.prometheus import render_metrics, write_textfile
from .._system.times import SECOND
from .._system.users import user_name
from .database import HISTORY_FILE, HistoryDamaged, HistoryError, is_damage, open_history, set_aside
from .metrics import METRICS_FILE, Run, RunningContainer, metric_families
from .record import ContainerNames
from .retention import count_kills, history_size, prune_by_age, prune_by_size
from .sampler import Sample, read_stored_names, sample_containers
from .state import HistoryState, Observation, describe_loss, is_proven, next_state
from .writer import (
    FirstNew,
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
    set_names,
)

_MAX_READING = 30  # seconds of reading in one run; the next one goes on
_DAY = 86400 * SECOND


class Options(NamedTuple):
    """The recorder's settings."""

    state_dir: str
    textfile_dir: str  # "": no metrics
    retention_days: int
    retention_bytes: int  # of the history
    version: str  # of the collection


class AlreadyRunning(Exception):
    """Another run is not finished."""


def main(settings: str) -> int:
    """Run once, as the service does every minute, and return the exit code.

    0: done, also when some source could not be read (the facts say so); 1: nothing could be written.

    :param settings: path of a JSON file with the Options.
    """
    with open(settings, encoding="utf-8") as handle:
        options = Options(**json.load(handle))
    try:
        record(options)
    except AlreadyRunning as exc:
        sys.stderr.write("%s\n" % exc)
    except (HistoryError, OSError) as exc:
        sys.stderr.write("the recorder could not write: %s\n" % exc)
        return 1
    return 0


def record(options: Options, now: Optional[Callable[[], int]] = None, journal: Optional[Journal] = None,
           host: Optional[Host] = None, files: Optional[CgroupFiles] = None) -> List[str]:
    """Record what happened since the run before; return what could not be read.

    :param now: returns microseconds since the epoch; journal, host, files: in place of this host's. For tests.
    :raises AlreadyRunning: another run is not finished.
    :raises HistoryError: the history can't be written, nothing has changed.
    """
    now = now or (lambda: int(time.time() * SECOND))
    journal, host, files = journal or Journal(), host or Host(), files or CgroupFiles()
    with open(os.path.join(options.state_dir, "lock"), "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise AlreadyRunning("another run of the recorder is not finished")
        try:
            return _record(options, now, journal, host, files)
        except (sqlite3.Error, HistoryDamaged) as exc:
            if not (isinstance(exc, HistoryDamaged) or is_damage(exc)):
                raise HistoryError("%s: %s" % (os.path.join(options.state_dir, HISTORY_FILE), exc))
            note = "the history before this was damaged (%s); it was set aside as %s" % (exc, set_aside(options.state_dir, now()))
        try:
            return _record(options, now, journal, host, files, note)
        except (sqlite3.Error, HistoryDamaged) as exc:
            raise HistoryError("%s: %s" % (os.path.join(options.state_dir, HISTORY_FILE), exc))


def _record(options: Options, now: Callable[[], int], journal: Journal, host: Host, files: CgroupFiles,
            note: Optional[str] = None) -> List[str]:
    with closing(open_history(options.state_dir)) as database:
        return _Recording(options, database, now, journal, host, files).execute(note)


class _Recording:
    """One run on an open history."""

    def __init__(self, options: Options, database: sqlite3.Connection, now: Callable[[], int], journal: Journal, host: Host,
                 files: CgroupFiles) -> None:
        self._options = options
        self._database = database
        self._now = now
        self._journal = journal
        self._host = host
        self._files = files
        self._boot = host.boot_id() or ""
        self._problems: List[str] = []
        self._remarks: List[str] = []  # which make nothing incomplete: any user can cause them

    def execute(self, note: Optional[str]) -> List[str]:
        """Do the run, noting a problem of the history that its readers have to know; return what could not be read."""
        began = time.monotonic()
        database = self._database
        cursor = get_meta(database, "resume")
        rebooted = bool(cursor) and (get_meta(database, "boot") or self._boot) != self._boot
        continued = None
        while True:
            counted, at = self._host.oom_kills_since_boot(), self._now()
            database.execute("BEGIN IMMEDIATE")
            reading, first = self._read(cursor, at)
            continued = reading.continued if continued is None else continued
            cursor = reading.cursor or cursor
            if reading.ended or reading.problem or time.monotonic() - began > _MAX_READING:
                break
            rebuild_kills(database, first)
            self._forget_recorded()
            database.execute("COMMIT")
        if rebooted:
            # A clock that was set back while the host was down: entries of this boot sort before the cursor.
            more, also = self._read(None, at, this_boot=True)
            cursor = more.cursor or cursor
            _merge(first, also)
        complete = reading.ended and not self._problems
        self._read_ring_buffer(first, counted)
        containers = self._write(first, Observation(
            now=at, boot=self._boot, counted=counted, recorded=self._count_recorded(first), continued=continued,
            complete=complete, kernel_since=None, journal_head=None), note)
        # From the end of the run before on, once more: an entry that another file of the journal got at the same time
        # may have been missed. Where that end is gone, there is nothing to go back to.
        resume = (get_meta(database, "cursor") if continued else None) or cursor
        set_meta(database, resume=resume, cursor=cursor, problem="; ".join(self._problems + self._remarks),
                 **({"success_at": at} if complete else {}))
        database.execute("COMMIT")
        if prune_by_size(database, self._options.retention_bytes, self._boot):
            self._forget_recorded()
        self._write_metrics(containers, time.monotonic() - began)
        return self._problems

    def _read(self, cursor: Optional[str], at: int, this_boot: bool = False) -> Tuple[Reading, FirstNew]:
        """Read on from the cursor into the open transaction; return (reading, the boots' first new kernel messages)."""
        first: FirstNew = {}
        occurrences: CounterType = Counter()

        def handle(entries: List[Entry]) -> None:
            _merge(first, add_entries(self._database, entries, occurrences))

        begin = at - self._options.retention_days * _DAY
        try:
            reading = self._journal.read(handle, cursor, None if cursor or this_boot else begin, this_boot)
            if cursor and reading.problem and reading.cursor is None:
                # a cursor that this journal does not understand
                occurrences.clear()
                reading = self._journal.read(handle, None, begin)
        except CommandError as exc:
            self._problems.append(str(exc))
            return EMPTY_READING._replace(problem=str(exc)), first
        if reading.problem:
            self._problems.append(reading.problem)
        if reading.bad_entries:
            self._remarks.append("%d entries of the journal that no service writes were left out" % reading.bad_entries)
        return reading, first

    def _read_ring_buffer(self, first: FirstNew, counted: Optional[int]) -> None:
        """Where the journal has fewer kills than the kernel counted, look into the kernel's own buffer, which has them first."""
        if counted is not None and counted > self._count_recorded(first):
            _merge(first, add_messages(self._database, read_ring_buffer(self._boot).messages))

    def _count_recorded(self, first: FirstNew) -> int:
        """The killed processes of this boot that are recorded; counted again only when there is something new."""
        database = self._database
        if self._boot in first or get_meta(database, "recorded_boot") != self._boot:
            set_meta(database, recorded_boot=self._boot, recorded=count_killed_processes(database, self._boot))
        return get_meta(database, "recorded")

    def _forget_recorded(self) -> None:
        set_meta(self._database, recorded_boot="")

    def _write(self, first: FirstNew, observation: Observation, note: Optional[str]) -> List[RunningContainer]:
        """Write what follows from what was read, and what runs now; return the running containers."""
        database, now = self._database, observation.now
        rebuild_kills(database, first)
        rebuild_oomd_kills(database)
        before = load_state(database)
        observation = self._ask_the_logs(before, observation)
        note = note or describe_loss(before, observation)
        if note:
            add_note(database, now, note)
        set_meta(database, **next_state(before, observation)._asdict())
        today = time.strftime("%Y-%m-%d", time.gmtime(now // SECOND))
        if prune_by_age(database, today, self._options.retention_days, self._boot):
            self._forget_recorded()
        samples = sample_containers(self._files)
        names = self._update_names(samples, now)
        containers = []
        for sample in samples:
            name, image, unit = called = names[(sample.ident, sample.uid)]
            add_sample(database, today, now, sample, called)
            containers.append(RunningContainer(
                name=name or sample.ident[:12], user=user_name(sample.uid), unit=unit or "", image=image, sample=sample))
        return containers

    def _ask_the_logs(self, state: Optional[HistoryState], observation: Observation) -> Observation:
        """Fill in what only the logs can tell, where it is needed: it costs a look at all files of the journal."""
        if not observation.continued:
            observation = observation._replace(journal_head=oldest_entry_time(None))
        if is_proven(state, observation):
            return observation
        coverage = kernel_coverage(
            observation.now - self._options.retention_days * _DAY, self._host.booted_at(), oldest_entry_time(None),
            read_ring_buffer(self._boot).since, observation.counted, observation.recorded)
        return observation._replace(kernel_since=coverage.since)

    def _update_names(self, samples: List[Sample], at: int) -> Dict[Tuple[str, int], ContainerNames]:
        """Return the names of all sampled containers; those not known are looked up in the storages, once."""
        names = load_names(self._database, [sample.ident for sample in samples])
        unknown = {(sample.ident, sample.uid) for sample in samples} - set(names)
        stored = read_stored_names() if unknown else {}
        for sample in samples:
            key = (sample.ident, sample.uid)
            called = names.get(key) or stored.get(key) or ContainerNames(None, None, None)
            if key in unknown or (sample.unit and not called.unit):
                called = called._replace(unit=called.unit or sample.unit)
                set_names(self._database, sample.ident, sample.uid, at, called)
            names[key] = called
        return names

    def _write_metrics(self, containers: List[RunningContainer], duration: float) -> None:
        folder = self._options.textfile_dir
        if not folder or not os.path.isdir(folder):
            return
        kills = {(user_name(uid), name, unit, scope): counted
                 for (uid, name, unit, scope), counted in count_kills(self._database).items()}
        success = get_meta(self._database, "success_at")
        state = load_state(self._database)
        run = Run(version=self._options.version, succeeded_at=success / SECOND if success else 0, duration=round(duration, 3),
                  errors=len(self._problems), complete_since=state.kernel_since / SECOND if state else 0,
                  history_bytes=history_size(self._database))
        try:
            write_textfile(os.path.join(folder, METRICS_FILE), render_metrics(metric_families(containers, kills, run)))
        except OSError as exc:
            self._problems.append("%s: %s" % (folder, exc.strerror))


def _merge(first: FirstNew, more: FirstNew) -> None:
    for boot, mono in more.items():
        first[boot] = min(mono, first.get(boot, mono))
