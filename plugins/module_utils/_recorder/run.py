# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of the recorder: read on in the journal, sample the running containers, write history and metrics.

Knows the order. What was read and the place where it ended are written in one transaction: a run that is killed
changes nothing, and the next one reads the same again.
"""

import json
import os
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from typing import Callable, Counter as CounterType, Dict, List, NamedTuple, Optional, Set, Tuple

from .._cgroup.cgroupfs import CgroupFiles
from .._logs.coverage import kernel_coverage
from .._logs.journal import oldest_entry_time, read_ring_buffer
from .._logs.journal_cursor import Journal
from .._logs.journal_follower import JournalFollower
from .._logs.records import Entry
from .._system.disks import with_disk
from .._system.host import Host
from .._system.prometheus import render_metrics, write_textfile
from .._system.times import SECOND
from .._system.users import user_name
from .._users.accounts import Accounts
from .database import (
    HISTORY_FILE,
    AlreadyRunning,
    HistoryDamaged,
    HistoryError,
    is_damage,
    locked_history,
    open_history,
    set_aside,
)
from .metrics import METRICS_FILE, LeftOut, Run, RunningContainer, metric_families
from .record import NAMELESS, ContainerNames
from .retention import count_kills, dropped_rows, history_size, prune_by_age, prune_by_size
from .sampler import Sample, Sampling, sample_containers
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
    load_places,
    load_state,
    note_unread,
    rebuild_kills,
    set_meta,
    set_names,
    store_places,
)

# Seconds of reading in one run; the next one goes on. With what sampling, names and dropping rows may take, a run ends
# within the minute of the timer.
_MAX_READING = 20
_DAY = 86400 * SECOND
_MAX_TOLD = 3  # users that the problem of a run names


class Options(NamedTuple):
    """The recorder's settings."""

    state_dir: str
    textfile_dir: str  # "": no metrics
    retention_days: int
    retention_bytes: int  # of the history
    version: str  # of the collection


def main(settings: str) -> int:
    """Run once, as the service does every minute, and return the exit code.

    0: done, also when some source could not be read (the facts say so); 1: nothing could be written. What went wrong is in lines
    of the standard error.

    :param settings: path of a JSON file with the Options.
    """
    with open(settings, encoding="utf-8") as handle:
        options = Options(**json.load(handle))
    try:
        for problem in record(options):
            sys.stderr.write("%s\n" % problem)
    except AlreadyRunning as exc:
        sys.stderr.write("%s\n" % exc)
    except (HistoryError, OSError) as exc:
        sys.stderr.write("the recorder could not write: %s\n" % (
            exc if isinstance(exc, HistoryError) else with_disk(str(exc), options.state_dir)))
        return 1
    return 0


def record(options: Options, now: Optional[Callable[[], int]] = None, journal: Optional[Journal] = None,
           host: Optional[Host] = None, files: Optional[CgroupFiles] = None) -> List[str]:
    """Record what happened since the run before; return what could not be read.

    :param now: returns microseconds since the epoch; journal, host, files: in place of this host's. For tests.
    :raises AlreadyRunning: another run is not finished.
    :raises HistoryError: the history can't be written, or others than root can change its directory; nothing has changed.
    """
    now = now or (lambda: int(time.time() * SECOND))
    journal, host, files = journal or Journal(), host or Host(), files or CgroupFiles()
    with locked_history(options.state_dir):
        try:
            return _record(options, now, journal, host, files)
        except (sqlite3.Error, HistoryDamaged) as exc:
            if not (isinstance(exc, HistoryDamaged) or is_damage(exc)):
                raise _unwritable(options, exc)
            note = "the history before this was damaged (%s); it was set aside as %s" % (exc, set_aside(options.state_dir, now()))
        try:
            return _record(options, now, journal, host, files, note)
        except (sqlite3.Error, HistoryDamaged) as exc:
            raise _unwritable(options, exc)


def _unwritable(options: Options, exc: Exception) -> HistoryError:
    return HistoryError(with_disk("%s: %s" % (os.path.join(options.state_dir, HISTORY_FILE), exc), options.state_dir))


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
        self._left_out: Dict[int, int] = {}  # as Sampling.left_out
        self._unread: Set[int] = set()  # as JournalFollower.lagging
        self._accounts = Accounts(files.hierarchy.memory_root + "/user.slice")
        # Of the part that is open: the kernel's count and the time before it was read, and what is new.
        self._counted: Optional[int] = None
        self._at = 0
        self._first: FirstNew = {}
        self._occurrences: CounterType = Counter()

    def execute(self, note: Optional[str]) -> List[str]:
        """Do the run, noting a problem of the history that its readers have to know; return what could not be read."""
        began = time.monotonic()
        database = self._database
        places = load_places(database)
        rebooted = bool(places.resume) and (get_meta(database, "boot") or self._boot) != self._boot
        follower = JournalFollower(self._journal, self._add, self._begin_part, self._accounts.is_user)
        places = follower.follow(places, self._now() - self._options.retention_days * _DAY, _MAX_READING, rebooted)
        self._problems += follower.problems
        complete = follower.ended and not self._problems
        self._read_ring_buffer()
        containers = self._write(Observation(
            now=self._at, boot=self._boot, counted=self._counted, recorded=self._count_recorded(), continued=follower.continued,
            complete=complete, kernel_since=None, journal_head=None), note)
        self._unread = follower.lagging
        self._remarks += follower.describe_users(user_name)
        note_unread(database, follower.lagging, self._at)
        store_places(database, places)
        set_meta(database, problem="; ".join(self._problems + self._remarks), **({"success_at": self._at} if complete else {}))
        database.execute("COMMIT")
        self._prune_by_size()
        self._write_metrics(containers, time.monotonic() - began)
        return self._problems

    def _begin_part(self, with_trusted: bool) -> None:
        """Begin a transaction, and end the one before, of which everything was read."""
        database = self._database
        if database.in_transaction:
            rebuild_kills(database, self._first)
            self._forget_recorded()
            database.execute("COMMIT")
            self._prune_by_size()
        if with_trusted:
            self._counted, self._at = self._host.oom_kills_since_boot(), self._now()
        self._first, self._occurrences = {}, Counter()
        database.execute("BEGIN IMMEDIATE")

    def _add(self, entries: List[Entry]) -> None:
        _merge(self._first, add_entries(self._database, entries, self._occurrences))

    def _read_ring_buffer(self) -> None:
        """Where kills are missing that were not before, look into the kernel's own buffer, which has them first."""
        state = load_state(self._database)
        missing = state.missing if state is not None and state.boot == self._boot else 0
        if self._counted is not None and self._counted > self._count_recorded() + missing:
            _merge(self._first, add_messages(self._database, read_ring_buffer(self._boot).messages))

    def _count_recorded(self) -> int:
        """The killed processes of this boot that are recorded; counted again only when there is something new."""
        database = self._database
        if self._boot in self._first or get_meta(database, "recorded_boot") != self._boot:
            set_meta(database, recorded_boot=self._boot, recorded=count_killed_processes(database, self._boot))
        return get_meta(database, "recorded")

    def _forget_recorded(self) -> None:
        set_meta(self._database, recorded_boot="")

    def _write(self, observation: Observation, note: Optional[str]) -> List[RunningContainer]:
        """Write what follows from what was read, and what runs now; return the running containers."""
        database, now = self._database, observation.now
        rebuild_kills(database, self._first)
        before = load_state(database)
        observation = self._ask_the_logs(before, observation)
        note = note or describe_loss(before, observation)
        if note:
            add_note(database, now, note)
        set_meta(database, **next_state(before, observation)._asdict())
        today = time.strftime("%Y-%m-%d", time.gmtime(now // SECOND))
        if prune_by_age(database, today, self._options.retention_days, self._boot):
            self._forget_recorded()
        sampling = self._sample()
        names = self._update_names(sampling.samples, now)
        containers = []
        for sample in sampling.samples:
            name, image, unit = called = names[(sample.ident, sample.uid)]
            add_sample(database, today, now, sample, called)
            containers.append(RunningContainer(name=name or sample.ident[:12], unit=unit or "", image=image, sample=sample))
        return containers

    def _sample(self) -> Sampling:
        sampling = sample_containers(self._files)
        self._left_out = sampling.left_out
        for uid, count in sorted(sampling.left_out.items(), key=lambda item: -item[1])[:_MAX_TOLD]:
            self._remarks.append("%s has too many cgroups: %d or more were not looked at" % (user_name(uid), count))
        return sampling

    def _prune_by_size(self) -> None:
        if prune_by_size(self._database, self._options.retention_bytes, self._boot):
            self._forget_recorded()

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
        """Return the names of all sampled containers; those without one are looked up in their owners' storages."""
        database = self._database
        names = load_names(database, [sample.ident for sample in samples])
        wanted: Dict[int, List[str]] = {}
        for sample in samples:
            if names.get((sample.ident, sample.uid), NAMELESS).name is None:
                wanted.setdefault(sample.uid, []).append(sample.ident)
        stored = self._ask_for_names(wanted, at)
        for sample in samples:
            key = (sample.ident, sample.uid)
            before, found = names.get(key, NAMELESS), stored.get(key, NAMELESS)
            called = ContainerNames(before.name or found.name, before.image or found.image, before.unit or sample.unit)
            if called != names.get(key):
                set_names(database, sample.ident, sample.uid, at, called)
            names[key] = called
        return names

    def _ask_for_names(self, wanted: Dict[int, List[str]], at: int) -> Dict[Tuple[str, int], ContainerNames]:
        """Return the names that the storages of the owners have for these ids by uid."""
        if not wanted:
            return {}
        # costs a tenth of a run to import, and most runs know all names
        from .stored_names import ask_for_names, load_asked, store_asked

        stored = ask_for_names(wanted, load_asked(get_meta(self._database, "names_asked")), at)
        set_meta(self._database, names_asked=store_asked(stored.asked))
        self._remarks += ["names of %s's containers: %s" % (user_name(uid), asked.problem)
                          for uid, asked in sorted(stored.asked.items()) if asked.problem][:_MAX_TOLD]
        return stored.names

    def _write_metrics(self, containers: List[RunningContainer], duration: float) -> None:
        folder = self._options.textfile_dir
        if not folder or not os.path.isdir(folder):
            return
        success = get_meta(self._database, "success_at")
        state = load_state(self._database)
        run = Run(version=self._options.version, succeeded_at=success / SECOND if success else 0, duration=round(duration, 3),
                  errors=len(self._problems), complete_since=state.kernel_since / SECOND if state else 0,
                  history_bytes=history_size(self._database))
        left_out = LeftOut(self._left_out, dropped_rows(self._database), self._unread)
        families = metric_families(containers, count_kills(self._database), run, left_out, user_name)
        try:
            write_textfile(os.path.join(folder, METRICS_FILE), render_metrics(families))
        except OSError as exc:
            self._problems.append(with_disk("%s: %s" % (folder, exc.strerror), folder))


def _merge(first: FirstNew, more: FirstNew) -> None:
    for boot, mono in more.items():
        first[boot] = min(mono, first.get(boot, mono))
