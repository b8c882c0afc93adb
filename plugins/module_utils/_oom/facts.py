# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything about one host: ask every source once, side by side, and put the facts together.

Knows the order and the shape of the facts; reads and decides nothing itself.
"""

import os
from typing import Any, Dict, List, Optional, Set, Tuple

from .._cgroup.cgroupfs import CgroupFiles
from .._door.door import clean_facts
from .._door.facts import FACTS_SCHEMA
from .._logs.coverage import Coverage, kernel_coverage
from .._logs.journal import oldest_entry_time, read_ring_buffer
from .._logs.journald_settings import missing_kernel_lines
from .._logs.kernel_oom import KernelLog, parse_kernel_log
from .._logs.oomd import oomd_silence
from .._logs.records import PodmanEvent, parse_kernel_messages
from .._podman.cli import matches_word
from .._podman.listing import PodmanAnswer, podman_version, unanswered
from .._recorder.record import Record
from .._recorder.source import daily_memory, merge_records, recorded_events
from .._system.command import Identity
from .._system.host import Host
from .._system.host_files import Files
from .._system.times import to_iso
from .._system.users import User, user_name
from .._users.owners import Owner, ProcessOwners, find_owners
from .attribution import HostRecords, RecordsByContainer, attribute_service_kills
from .containers import add_scope_limit, live_memory, manager_facts, removed_container_facts
from .evidence import SIGKILL_EXIT, SIGTERM_EXIT, container_evidence
from .journals import describe_left_out, read_deaths_of, read_events_of
from .limits import newest_of_each, share_out_facts
from .ownership import are_all_wanted, describe_doubts, find_ownership, uids_in_records
from .sources import Answers, Options, add_unit_records, ask_more_users, ask_sources
from .unplaced import find_unplaced, owners_of_unplaced
from .users import UserAnswer
from .verdict import decide


def collect_facts(options: Options, now: int) -> Dict[str, Any]:
    """Return the facts of this host (schema podman_fleet.memory/facts/v1).

    :param now: microseconds since the epoch.
    :raises UserError: none of `users` can be looked at.
    """
    owners, problems = find_owners(options.users)
    collector = _Collector(options, now, owners)
    for problem in problems:
        collector.add_error("podman", problem["message"], problem["user"])
        collector.add_source("podman", "unavailable", problem["message"], user=problem["user"])
    return clean_facts(collector.collect(), now)


class _Collector:
    """One look at the host; collect() lists the steps."""

    def __init__(self, options: Options, now: int, owners: List[Owner]) -> None:
        self._options = options
        self._now = now
        self._owners = owners
        self._host = Host()
        self._files = CgroupFiles()
        self._sources: List[Dict[str, Any]] = []
        self._errors: List[Dict[str, Any]] = []

    def add_source(self, name: str, status: str, detail: Optional[str] = None, user: Optional[str] = None,
                   since: Optional[int] = None) -> None:
        self._sources.append({"name": name, "user": user, "status": status, "covers_since": to_iso(since), "detail": detail})

    def add_error(self, source: str, message: str, user: Optional[str] = None) -> None:
        self._errors.append({"source": source, "user": user, "message": message})

    def collect(self) -> Dict[str, Any]:
        # before the log is read, so that a kill in between can't look like a record that is lost
        counted = self._host.oom_kills_since_boot()
        answers = ask_sources(self._options, self._owners, self._now, counted)
        log, coverage, dropped = self._merge_kernel_logs(answers)
        records = HostRecords(
            kills=log.kills, unattributed=log.unattributed, unit_ooms=[], oomd_kills=[], events=[], kernel_since=coverage.since,
            oomd_active=self._host.oomd_active(), unstored=missing_kernel_lines(Files()), dropped=dropped)
        records = add_unit_records(records, answers)
        ownership = find_ownership(records, answers.podman, self._options.period)
        unasked = self._find_unasked(RecordsByContainer(records, ownership), answers)
        if unasked:
            answers = ask_more_users(answers, self._options, unasked)
            records = add_unit_records(records, answers)
            ownership = find_ownership(records, answers.podman, self._options.period)
        self._report_users(answers)
        systemd_since = self._find_systemd_coverage(answers)
        index = self._add_events(RecordsByContainer(records, ownership), answers, coverage)
        self._errors += describe_doubts(log.doubtful + index.doubtful, self._options.since)
        containers = self._container_facts(answers, index, systemd_since)
        removed = self._removed_facts(answers, index, systemd_since)
        for word in self._unmatched_words(answers.podman, removed):
            self.add_error("podman", "containers: no container %r of the users looked at" % word)
        self._add_cgroup_source()
        self._sources.append(answers.history.source)
        return share_out_facts({
            "schema": FACTS_SCHEMA,
            "host": self._host_facts(answers, records.oomd_active),
            "sources": self._sources,
            "containers": containers,
            "removed": removed,
            "errors": self._errors,
        })

    def _find_unasked(self, index: RecordsByContainer, answers: Answers) -> Set[int]:
        """The uids of users of whom records tell, but who were not found."""
        if not are_all_wanted(self._options.users):
            return set()
        return uids_in_records(index, answers.history.containers) - {owner.identity.uid for owner in self._owners}

    def _report_users(self, answers: Answers) -> None:
        """Tell what users' Podman did not answer, and what of the journal was left out."""
        self._sources = [source for answer in answers.podman for source in answer.sources] + self._sources
        self._errors += [error for answer in answers.podman for error in answer.errors]
        self._errors += describe_left_out("systemd", answers.unit_records)
        for uid, unit_records in answers.user_unit_records.items():
            self._errors += describe_left_out("systemd", unit_records, uid)

    def _merge_kernel_logs(self, answers: Answers) -> Tuple[KernelLog, Coverage, Dict[int, int]]:
        """Return the KernelLog of journal, ring buffer and the recorder's history together, its Coverage, HostRecords.dropped."""
        since, boot = self._options.since, self._host.boot_id()
        ring, left_out = read_ring_buffer(boot), answers.kernel_log.dropped
        log = parse_kernel_log(
            parse_kernel_messages(answers.kernel_log.entries),
            left_out.without_repeated(message for message in ring.messages if message.at >= since),
            left_out.without_repeated(answers.history.messages))
        logged = log.killed_per_boot.get(boot, 0) + left_out.killed.get(boot, 0)
        coverage = kernel_coverage(
            since, self._host.booted_at(), answers.kernel_journal_since, ring.since, answers.counted, logged)
        if coverage.status == "unavailable" and answers.kernel_log.entries:
            coverage = coverage._replace(status="partial", detail="read in part; " + coverage.detail)
        # what the history dropped of a user's does not count where the log alone is complete
        dropped = {uid: before if coverage.since is None else min(before, coverage.since)
                   for uid, before in answers.history.dropped.items()}
        dropped.update((uid, max(before, dropped.get(uid, 0))) for uid, before in left_out.before.items() if uid)
        state = answers.history.state
        extended = state.extend_coverage(coverage.since, boot, answers.counted, logged) if state else coverage.since
        if extended != coverage.since:
            coverage = coverage._replace(
                since=extended, detail="%s; with the recorder's history it is complete from %s on" % (
                    coverage.detail, to_iso(extended)))
        for problem in (answers.kernel_log.problem, ring.problem):
            if problem and coverage.status != "ok":
                coverage = coverage._replace(detail="%s (%s)" % (coverage.detail, problem))
        self._errors += describe_left_out("kernel_log", answers.kernel_log)
        self.add_source("kernel_log", coverage.status, coverage.detail, since=coverage.since)
        return log, coverage, dropped

    def _find_systemd_coverage(self, answers: Answers) -> Dict[int, Optional[int]]:
        """Return {uid: from when on the journal holds the records of the user's systemd}."""
        coverage: Dict[int, Optional[int]] = {}
        silence = oomd_silence(self._options.timeout) if self._host.oomd_active() else None
        for user in (answer.user for answer in answers.podman):
            uid, since = user.identity.uid, answers.journal_since
            if uid != 0:  # a user's records are in files of their own where the journal is persistent
                since = oldest_entry_time(uid) or since
            records = answers.user_unit_records[uid] if uid else answers.unit_records
            problem = records.problem or ("the journal can't be read" if since is None else None)
            if uid in records.left_out:
                problem = problem or "too many records: the %d oldest were left out" % records.left_out[uid]
            if problem:
                since = records.since if since is not None else None
            since = None if since is None else answers.history.extend_users_coverage(max(since, self._options.since), uid)
            if silence is not None:
                problem, since = problem or silence, None
            status = "ok" if not problem else "unavailable" if since is None and not records.entries else "partial"
            self.add_source("systemd", status, problem, user=user.identity.name, since=since)
            coverage[uid] = since
        return coverage

    def _add_events(self, index: RecordsByContainer, answers: Answers, coverage: Coverage) -> RecordsByContainer:
        """Return the index with Podman's events of those containers whose verdict depends on them."""
        asked = set(newest_of_each(index.killed_containers())[0]) | {
            (container.ident, answer.user.identity.uid) for answer in answers.podman for container in answer.containers
            if container.facts["state"]["exit_code"] in (SIGKILL_EXIT, SIGTERM_EXIT) and container.stopped_by_user is None}
        deaths, errors = read_deaths_of(owners_of_unplaced(index, answers.uids), self._options.period)
        self._errors += errors
        asked.update(find_unplaced(index, deaths, answers.described))
        events: List[PodmanEvent] = []
        if asked:
            events, errors = read_events_of(asked, self._options.period)
            self._errors += errors
            events = merge_records(events, self._recorded_events(sorted({ident for ident, _uid in asked}), answers.history))
        if coverage.status == "unavailable" and index.has_service_ooms():
            # a service's record has no id: the death that Podman recorded at that time has it
            deaths, errors = read_deaths_of(answers.uids, self._options.period)
            self._errors += errors
            events += deaths
        return RecordsByContainer(attribute_service_kills(index.records._replace(events=events)), index.ownership)

    def _recorded_events(self, idents: List[str], history: Record) -> List[PodmanEvent]:
        if history.state is None:
            return []
        events, problem = recorded_events(self._options.state_dir, idents)
        if problem:
            self.add_error("recorder", problem)
        return events

    def _container_facts(self, answers: Answers, index: RecordsByContainer, systemd_since: Dict[int, Optional[int]],
                         ) -> List[Dict[str, Any]]:
        facts = []
        processes = ProcessOwners()
        for answer, _info, next_starts, main_pids in answers.users:
            uid = answer.user.identity.uid
            for container in answer.containers:
                if container.pid and not processes.may_be(answer.user.identity, container.pid):
                    self.add_error("cgroup", "container %s: its State.Pid %d is no process of %s" % (
                        container.ident[:12], container.pid, answer.user.identity.name), answer.user.identity.name)
                    container = container._replace(pid=None)
                memory, live = live_memory(container, main_pids.get(container.ident), self._files)
                evidence = container_evidence(container, uid, index, live, systemd_since[uid])
                inspected = dict(container.facts)
                declared, state = inspected.pop("declared"), inspected["state"]
                daily = daily_memory(answers.history, uid, inspected["manager"]["unit"], inspected["name"])
                start = next_starts.get(container.ident)
                facts.append(dict(
                    inspected, state=dict(state, stopped_by_user=evidence.stopped_by_user,
                                          ended_meanwhile=bool(container.running and container.pid and live.cgroup is None
                                                               and memory["effective"] is None)),
                    manager=manager_facts(inspected["manager"], start),
                    memory=dict(declared=declared, next_start=start and start["settings"],
                                next_start_problem=start and start["problem"], daily=daily, **memory),
                    oom=add_scope_limit(decide(container.ident, evidence), self._files)))
        return facts

    def _removed_facts(self, answers: Answers, index: RecordsByContainer, systemd_since: Dict[int, Optional[int]],
                       ) -> List[Dict[str, Any]]:
        """The killed containers that their owner's Podman does not know, or lists and does not describe."""
        by_uid = {answer.user.identity.uid: answer for answer in answers.podman}
        words = self._options.containers
        told, known = answers.described, index.killed_containers()
        unplaced = find_unplaced(index, index.records.events, told.union(known))
        killed, left_out = newest_of_each({**known, **unplaced})
        for owner, number in sorted(left_out.items()):
            self.add_error("kernel_log", "too many containers with kills: the %d oldest were left out" % number, user_name(owner))
        facts = []
        for ident, owner in sorted(killed):
            if (ident, owner) in told or not self._is_asked_for(owner, by_uid):
                continue
            removed = removed_container_facts(
                ident, by_uid[owner], index, systemd_since.get(owner), answers.history.containers.get((ident, owner)))
            add_scope_limit(removed["oom"], self._files)
            # the history reaches further back than what was asked for
            latest = removed["oom"]["last_at"] or (removed["oom"]["killed"] is None and removed["died_at"]) or ""
            if latest >= (to_iso(self._options.since) or "") and (
                    not words or any(matches_word(ident, removed["name"], word) for word in words)):
                facts.append(removed)
        return facts

    def _is_asked_for(self, uid: int, by_uid: Dict[int, PodmanAnswer]) -> bool:
        """Whether a user's containers are wanted. One who was not found, but is in the records, is told and noted in by_uid."""
        if uid not in by_uid and are_all_wanted(self._options.users):
            user = User(Identity(user_name(uid), uid, uid, "/"), None, False)
            answer = unanswered(user, self._options.containers, "not looked at, though there are records of OOM kills in "
                                                                "containers of uid %d" % uid)
            self._sources.extend(answer.sources)
            self._errors.extend(answer.errors)
            by_uid[uid] = answer
        return uid in by_uid

    def _unmatched_words(self, answers: List[PodmanAnswer], removed: List[Dict[str, Any]]) -> List[str]:
        """The words of `containers` that no user's container and no removed one matches."""
        return [word for word in self._options.containers
                if all(word in answer.unmatched for answer in answers)
                and not any(matches_word(container["id"], container["name"], word) for container in removed)]

    def _add_cgroup_source(self) -> None:
        hierarchy = self._files.hierarchy
        if hierarchy.problem:
            self.add_source("cgroup", "unavailable", hierarchy.problem)
        elif hierarchy.version == 1:
            self.add_source("cgroup", "partial", "cgroup v1 has no memory.events and no memory.oom.group")
        else:
            self.add_source("cgroup", "ok")

    def _host_facts(self, answers: Answers, oomd_active: bool) -> Dict[str, Any]:
        return dict(
            self._host.facts(self._now), cgroup_version=self._files.hierarchy.version, controllers=self._files.hierarchy.controllers,
            podman=self._podman_facts(answers.users), oomd_active=oomd_active)

    def _podman_facts(self, users: List[UserAnswer]) -> Dict[str, Any]:
        """The facts' `host.podman` by the first user who has containers; the version is never another user's word."""
        told = next((user for user in users if user.info), None)
        facts: Dict[str, Any] = {"version": None, "conmon": None, "runtime": {"name": None, "version": None},
                                 "cgroup_manager": None}
        facts.update((told.info if told else None) or {})
        if told is None or told.podman.user.identity.uid != os.geteuid():
            facts["version"] = podman_version(self._options.executable, self._options.timeout, self._errors)
        return facts
