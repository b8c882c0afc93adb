# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask every source of a host that is asked once: Podman of each user, the kernel's log, systemd's records, the recorder."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set

from .._logs.journal import JournalEntries, oldest_entry_time, read_unit_records
from .._logs.kernel_reports import read_kernel_log
from .._logs.records import parse_oomd_kills, parse_unit_ooms
from .._podman.listing import PodmanAnswer, unanswered
from .._recorder.record import Record
from .._recorder.source import merge_records, read_recorder
from .._system.command import Identity
from .._system.users import User
from .._users.owners import Owner, find_owners_by_uid
from .attribution import ContainerKey, HostRecords
from .journals import Period, read_unit_records_of
from .users import UserAnswer, UserProcesses

_WORKERS = 4  # sources that are asked side by side
# Of the time for all users: what the users' processes may take, and then each of what is asked for later, one after the other: other
# users, their journals, and who wrote what into the journal. Somebody who uses up all of one must leave the others' whole.
_FIRST, _LATER = 0.5, 0.1


class Options(NamedTuple):
    """The options of the module oom_facts."""

    users: List[str]
    containers: List[str]  # ids or names, none for all
    since: int  # microseconds since the epoch
    executable: str
    timeout: int  # seconds for each command
    users_timeout: int  # seconds for all users together
    state_dir: str  # of the recorder's history

    @property
    def period(self) -> Period:
        """For the journals of users, each time that they are read."""
        return Period(self.since, self.timeout, self.users_timeout * _LATER)


class Answers(NamedTuple):
    """The answers of the sources that are asked first, side by side."""

    users: List[UserAnswer]
    kernel_log: JournalEntries
    unit_records: JournalEntries  # of the system's systemd manager
    user_unit_records: Dict[int, JournalEntries]  # of those of the users that are looked at, by uid
    history: Record  # the recorder's
    counted: Optional[int]  # processes that the kernel OOM-killed since the boot, by its own count
    journal_since: Optional[int]  # time of the system journal's oldest entry; None: unreadable

    @property
    def podman(self) -> List[PodmanAnswer]:
        """What Podman says, of each user."""
        return [user.podman for user in self.users]

    @property
    def uids(self) -> List[int]:
        """Of the users."""
        return [answer.user.identity.uid for answer in self.podman]

    @property
    def described(self) -> Set[ContainerKey]:
        """The containers that Podman describes."""
        return {(container.ident, answer.user.identity.uid) for answer in self.podman for container in answer.containers}

    @property
    def kernel_journal_since(self) -> Optional[int]:
        """From when on the journal was read for the kernel's messages; None: not to its end."""
        if self.kernel_log.problem:
            return None
        return self.journal_since and max(self.journal_since, self.kernel_log.dropped.before.get(0, 0))


def ask_sources(options: Options, owners: Sequence[Owner], now: int, counted: Optional[int]) -> Answers:
    """Return all answers, asked for side by side.

    :param now: microseconds since the epoch.
    :param counted: see Answers.
    """
    history = read_recorder(options.state_dir, options.since, now)
    with UserProcesses(owners, _request(options), options.users_timeout * _FIRST, _WORKERS) as processes:
        with ThreadPoolExecutor(_WORKERS) as pool:
            kernel_log = pool.submit(read_kernel_log, options.since, options.timeout)
            unit_records = pool.submit(read_unit_records, options.since, options.timeout)
            users = processes.ask(pool)
            uids = [owner.identity.uid for owner in processes.asked if owner.identity.uid != 0]
            user_units = pool.submit(read_unit_records_of, uids, options.period)
    return Answers(
        users=[future.result() for future in users], kernel_log=kernel_log.result(), unit_records=unit_records.result(),
        user_unit_records=user_units.result(), history=history, counted=counted,
        journal_since=oldest_entry_time(None))


def ask_more_users(answers: Answers, options: Options, uids: Iterable[int]) -> Answers:
    """Return the answers with those of more users, of whom records tell. Who has no name on this host is one who gave none."""
    owners, problems = find_owners_by_uid(uids)
    with UserProcesses(owners, _request(options), options.users_timeout * _LATER, _WORKERS) as processes:
        with ThreadPoolExecutor(_WORKERS) as pool:
            users = [future.result() for future in processes.ask(pool)]
    for problem in problems:
        nobody = User(Identity(problem["user"], int(problem["user"]), int(problem["user"]), "/"), None, False)
        users.append(UserAnswer(unanswered(nobody, options.containers, problem["message"]), None, {}, {}))
    records = read_unit_records_of([user.podman.user.identity.uid for user in users], options.period)
    return answers._replace(users=answers.users + users, user_unit_records={**answers.user_unit_records, **records})


def add_unit_records(records: HostRecords, answers: Answers) -> HostRecords:
    """Return the records with those of systemd managers and of systemd-oomd."""
    entries = list(answers.unit_records.entries)
    for unit_records in answers.user_unit_records.values():
        entries += unit_records.entries
    return records._replace(unit_ooms=merge_records(parse_unit_ooms(entries), answers.history.unit_ooms),
                            oomd_kills=merge_records(parse_oomd_kills(entries), answers.history.oomd))


def _request(options: Options) -> Dict[str, Any]:
    return {"words": options.containers, "executable": options.executable, "timeout": options.timeout}
