# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""One look at one host: ask every source once, side by side, and put the facts together.

Knows the order and the shape of the facts; reads and decides nothing itself.
"""

from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

from .._cgroup.cgroupfs import CgroupFiles
from .._logs import coverage as _coverage, journal as _journal, kernel_oom as _kernel_oom, records as _records
from .._podman import listing as _listing
from .._recorder import source as _recorder
from .._system import times as _times, users as _users
from .._system.host import Host
from . import containers as _containers, evidence as _assemble, verdict as _verdict

SCHEMA = "podman_fleet.memory/facts/v1"

# users, containers: lists of str; since: microseconds; executable: str; timeout: seconds
# for each command; state_dir: path.
Options = namedtuple("Options", "users containers since executable timeout state_dir")

_WORKERS = 4
_SIGNALS = (_verdict.SIGKILL_EXIT, _verdict.SIGTERM_EXIT)


def collect_facts(options, now):
    """Return the facts of this host (schema podman_fleet.memory/facts/v1).

    :param options: Options.
    :param now: microseconds since the epoch.
    :raises _users.UserError: when nobody of `users` can be looked at.
    """
    users, problems = _users.find_users(options.users)
    return _Look(options, now, users, problems).facts()


class _Look(object):
    def __init__(self, options, now, users, problems):
        self._options = options
        self._now = now
        self._users = users
        self._host = Host()
        self._files = CgroupFiles()
        self._sources = []
        self._errors = [dict(source="podman", **problem) for problem in problems]
        for problem in problems:
            self._source("podman", "unavailable", problem["message"], user=problem["user"])

    def _source(self, name, status, detail=None, user=None, since=None):
        self._sources.append({"name": name, "user": user, "status": status,
                              "covers_since": _times.to_iso(since), "detail": detail})

    def facts(self):
        answers, kernel, units = self._ask()
        listed = {each.ident for answer in answers for each in answer.listed}
        index, systemd = self._index(kernel, units, answers, listed)
        starts = {}
        for answer in answers:
            starts.update(_containers.next_starts(answer, self._options.timeout))
        containers = [self._container(answer, each, index, systemd, starts.get(each.ident))
                      for answer in answers for each in answer.containers]
        removed = self._removed(answers, index, listed, systemd)
        for word in self._unmatched(answers, removed):
            self._errors.append({"source": "podman", "user": None,
                                 "message": "containers: no container %r of the users looked at" % word})
        self._cgroup_source()
        self._sources.append(self._record.source)
        return {
            "schema": SCHEMA,
            "host": self._host_facts(answers),
            "sources": self._sources,
            "containers": containers,
            "removed": removed,
            "errors": self._errors,
        }

    def _ask(self):
        """Ask Podman of each user, the kernel and the journal, side by side."""
        options = self._options
        self._record = _recorder.read_recorder(options.state_dir, options.since, self._now)
        # before the log is read, so that a kill in between can't look like a record that is lost
        self._counted = self._host.oom_kills_since_boot()
        with ThreadPoolExecutor(_WORKERS) as pool:
            kernel = pool.submit(_journal.read_kernel_log, options.since, options.timeout)
            units = pool.submit(_journal.read_unit_records, options.since, options.timeout)
            users = [pool.submit(_listing.query_containers, user, options.containers, options.executable, options.timeout)
                     for user in self._users]
            # `podman info` takes as long as inspecting a hundred containers
            able = _listing.first_queryable_user(self._users, options.executable)
            podman = pool.submit(_listing.podman_info, able, options.executable, options.timeout) if able else None
            answers = [each.result() for each in users]
        self._podman = podman.result() if podman else None
        for answer in answers:
            self._sources.extend(answer.sources)
            self._errors.extend(answer.errors)
        return answers, kernel.result(), units.result()

    def _index(self, kernel, units, answers, listed):
        """Return (_assemble.RecordsByContainer, {uid: from when on the systemd journal is whole})."""
        log, coverage = self._kernel_log(kernel)
        record = self._record
        ooms = _recorder.merge_records(_records.parse_unit_ooms(units.entries), record.unit_ooms)
        oomd = _recorder.merge_records(_records.parse_oomd_kills(units.entries), record.oomd)
        systemd = self._systemd(units)
        records = _assemble.HostRecords(log.kills, log.unattributed, ooms, oomd, [], coverage.since, self._host.oomd_active())
        index = _assemble.RecordsByContainer(records, listed)
        wanted = set(index.killed()) | {
            each.ident for answer in answers for each in answer.containers
            if each.facts["state"]["exit_code"] in _SIGNALS and each.stopped_by_user is None}
        events = []
        if wanted:
            events = _recorder.merge_records(
                self._events(_journal.read_podman_events(self._options.since, sorted(wanted), self._options.timeout)),
                self._recorded_events(sorted(wanted)))
        if coverage.status == "unavailable" and index.services:
            # a service's record has no id: the death that Podman wrote down then has it
            events += self._events(_journal.read_podman_deaths(self._options.since, self._options.timeout))
        return _assemble.RecordsByContainer(_assemble.attribute_service_kills(records._replace(events=events)), listed), systemd

    def _events(self, answer):
        if answer.problem:
            self._errors.append({"source": "systemd", "user": None, "message": answer.problem})
        return _records.parse_podman_events(answer.entries)

    def _recorded_events(self, idents):
        if self._record.state is None:
            return []
        found, problem = _recorder.recorded_events(self._options.state_dir, idents)
        if problem:
            self._errors.append({"source": "recorder", "user": None, "message": problem})
        return found

    def _kernel_log(self, answer):
        """Return (_kernel_oom.KernelLog, its Coverage) of journal, ring buffer and the recorder's history together."""
        since, boot = self._options.since, self._host.boot_id()
        ring = _journal.read_ring_buffer(boot)
        log = _kernel_oom.parse_kernel_log(_records.parse_kernel_messages(answer.entries),
                                [message for message in ring.messages if message.at >= since], self._record.messages)
        journal = None if answer.problem else _journal.oldest_entry_time(None)
        coverage = _coverage.kernel_coverage(since, self._host.booted_at(), journal, ring.since,
                                    self._counted, log.killed_per_boot.get(boot, 0))
        since = _recorder.complete_since(coverage.since, self._record, boot, self._counted, log.killed_per_boot.get(boot, 0))
        if since != coverage.since:
            coverage = coverage._replace(since=since, detail="%s; with the recorder's history it is whole from %s on" % (
                coverage.detail, _times.to_iso(since)))
        for problem in (answer.problem, ring.problem if coverage.status != "ok" else None):
            if problem and coverage.status != "ok":
                coverage = coverage._replace(detail="%s (%s)" % (coverage.detail, problem))
        if answer.bad:
            self._errors.append({"source": "kernel_log", "user": None,
                                 "message": "%d journal line(s) could not be read" % answer.bad})
        self._source("kernel_log", coverage.status, coverage.detail, since=coverage.since)
        return log, coverage

    def _systemd(self, answer):
        """Return {uid: since} and report the source for each user."""
        whole = {}
        system = _journal.oldest_entry_time(None)
        for user in self._users:
            uid = user.identity.uid
            # a user's records are in files of his own where the journal is persistent
            begin = system if uid == 0 else (_journal.oldest_entry_time(uid) or system)
            problem = answer.problem or ("the journal can't be read" if begin is None else None)
            whole[uid] = self._with_record(None if problem else max(begin, self._options.since))
            status = "ok" if not problem else "partial" if answer.entries else "unavailable"
            self._source("systemd", status, problem, user=user.identity.name, since=whole[uid])
        return whole

    def _with_record(self, since):
        """From when on the journal is whole, where the recorder read it before it lost its beginning."""
        state = self._record.state
        if state is None or state.behind or since is None or since > state.until:
            return since
        return min(since, state.journal_since)

    def _cgroup_source(self):
        hierarchy = self._files.hierarchy
        if hierarchy.problem:
            self._source("cgroup", "unavailable", hierarchy.problem)
        elif hierarchy.version == 1:
            self._source("cgroup", "partial", "cgroup v1 has no memory.events and no memory.oom.group")
        else:
            self._source("cgroup", "ok")

    def _container(self, answer, container, index, systemd, next_start):
        """Return one container's facts."""
        uid = answer.user.identity.uid
        memory, live = _containers.live(container, self._files, self._host)
        evidence = _assemble.container_evidence(container, uid, index, live, systemd[uid])
        facts = dict(container.facts)
        facts["state"] = dict(facts["state"], stopped_by_user=evidence.stopped_by_user)
        declared = facts.pop("declared")
        daily = _recorder.daily_memory(self._record, uid, facts["manager"]["unit"], facts["name"])
        facts["memory"] = dict(declared=declared, next_start=next_start, daily=daily, **memory)
        facts["oom"] = _verdict.decide(container.ident, evidence)
        return facts

    def _removed(self, answers, index, listed, systemd):
        """Return the killed containers that Podman does not know, of the users that are looked at."""
        asked = {answer.user.identity.uid: answer for answer in answers}
        removed = []
        for ident, owner in sorted(index.killed().items()):
            answer = asked.get(owner)
            if answer is not None and ident not in listed:
                entry = _containers.removed(ident, answer, index, systemd, self._record.named.get((ident, owner)))
                # the history reaches further back than what was asked for
                if self._is_wanted(entry) and entry["oom"]["last_at"] >= _times.to_iso(self._options.since):
                    removed.append(entry)
        return removed

    def _is_wanted(self, entry):
        words = self._options.containers
        return not words or any(_containers.is_meant(entry, word) for word in words)

    def _unmatched(self, answers, removed):
        """The words of `containers` that no user's container and no removed one matches."""
        return [word for word in self._options.containers
                if all(word in answer.unmatched for answer in answers)
                and not any(_containers.is_meant(entry, word) for entry in removed)]

    def _host_facts(self, answers):
        facts = self._host.facts(self._now)
        facts["cgroup_version"] = self._files.hierarchy.version
        facts["controllers"] = self._files.hierarchy.controllers
        facts["podman"] = self._podman or _listing.podman_versions(
            answers, self._options.executable, self._options.timeout, self._errors)
        facts["oomd_active"] = self._host.oomd_active()
        return facts
