# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask every source of a host that is asked once: Podman of each user, the kernel's log, systemd's records, the recorder."""

from concurrent.futures import ThreadPoolExecutor
from typing import Dict, List, NamedTuple, Optional, Sequence

from .._logs.journal import JournalEntries, oldest_entry_time, read_kernel_log, read_unit_records
from .._podman.listing import PodmanAnswer
from .._recorder.record import Record
from .._recorder.source import read_recorder
from .._users.owners import Owner
from .journals import Period, read_unit_records_of
from .users import UserAnswer, UserProcesses

_WORKERS = 4  # sources that are asked side by side


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
        """For the journals of users."""
        return Period(self.since, self.timeout, self.users_timeout)


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


def ask_sources(options: Options, owners: Sequence[Owner], now: int, counted: Optional[int]) -> Answers:
    """Return all answers, asked for side by side.

    :param now: microseconds since the epoch.
    :param counted: see Answers.
    """
    history = read_recorder(options.state_dir, options.since, now)
    request = {"words": options.containers, "executable": options.executable, "timeout": options.timeout}
    with UserProcesses(owners, request, options.users_timeout, _WORKERS) as processes:
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
