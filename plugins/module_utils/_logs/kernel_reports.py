# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the kernel's messages of OOM kills in the journal, and keep a bounded part of them.

A container that is killed every two seconds makes 40,000 reports a day. What is left out are the oldest ones about the user of whom
there are most, always whole reports, and their killed processes are counted: the kernel's own count is compared with those that are
known. Decides nothing about a kill; that is kernel_oom.py.
"""

from collections import deque
from typing import Deque, Dict, List, Optional, Sequence, Tuple

from .._cgroup.paths import delegated_uid
from .journal import MAX_SYSTEM, MAX_USER, NEVER_USED, SOMEBODY, DroppedReports, JournalEntries, Reader, run_journalctl
from .journalctl import journalctl_argv
from .kernel_lines import (
    OOM_MESSAGE,
    OOM_PATTERN,
    OOM_WORDS,
    is_below,
    parse_exiting,
    parse_group,
    parse_killed,
    summary_beginning,
    summary_readings,
)
from .kernel_oom import KernelMessage
from .rate_limit import RecentSummaries
from .records import KERNEL_FIELDS, KERNEL_MATCHES, Entry, parse_kernel_messages

ROOT = 0  # or of nobody in particular
_ALONE = {ROOT, SOMEBODY}  # owners with room of their own
MAX_USERS = 16 * 1024 * 1024  # bytes of JSON of all users' reports, of which one has about 1,200


def read_kernel_log(since: int, timeout: float) -> JournalEntries:
    """Read the kernel's messages of OOM kills.

    :param since: microseconds since the epoch.
    """
    readers: List[KernelReports] = []

    def new_reader() -> KernelReports:
        readers.append(KernelReports())
        return readers[-1]

    argv = journalctl_argv(KERNEL_FIELDS, since) + KERNEL_MATCHES
    answer = run_journalctl(argv + ["--case-sensitive=true", "--grep=" + OOM_PATTERN], timeout, new_reader)
    if answer.problem and "pattern matching" in answer.problem:
        # journalctl was built without PCRE2: read all of the kernel's messages
        answer = run_journalctl(argv, timeout, new_reader)
    return answer._replace(dropped=readers[-1].dropped)


class _Report:
    """What is kept or dropped together: a summary and the lines that are certain to be of the same kill, or a line alone."""

    def __init__(self, owner: int, message: KernelMessage, pid: Optional[int] = None, cgroups: Sequence[str] = ()) -> None:
        self.owner = owner
        self.first = message
        self.last = message
        self.pid = pid  # of the first victim, None where that is not known
        self.cgroups = cgroups  # where the victim may have been; none where that is not known
        self.group = False  # memory.oom.group kills others too
        self.killed = 0
        self.entries: List[Tuple[int, Entry]] = []  # with their number in the order of reading
        self.size = 0  # bytes
        self.dropped = False


class KernelReports(Reader):
    """The entries of the kernel's transport that are about OOM kills."""

    def __init__(self) -> None:
        super().__init__()
        self.dropped = DroppedReports(killed={}, spans={}, before={})
        self._reports: Dict[int, Deque[_Report]] = {}  # by owner, SOMEBODY for what only holds the words
        self._sizes: Dict[int, int] = {}  # bytes, by owner
        self._users_size = 0  # of all users together
        self._open: Optional[_Report] = None  # of the last summary
        self._recent = RecentSummaries()
        self._number = 0

    def keep(self, entry: Entry, size: int) -> None:
        (message,) = parse_kernel_messages([entry])
        if not OOM_WORDS.search(message.text):
            return
        report = self._find_report(message)
        killed = OOM_MESSAGE.search(message.text) is not None and parse_killed(message.text) is not None
        report.last = message
        report.killed += killed
        if report.dropped:
            self._count_dropped(report, 1, int(killed))
            return
        for name in NEVER_USED:
            entry.pop(name, None)
        report.entries.append((self._number, entry))
        report.size += size
        self._number += 1
        self._grow(report.owner, size)
        self._shrink(report.owner)

    def entries(self) -> List[Entry]:
        return [entry for _number, entry in sorted(
            (item for reports in self._reports.values() for report in reports for item in report.entries), key=lambda item: item[0])]

    def _find_report(self, message: KernelMessage) -> _Report:
        """Return the report that a message belongs to, a new one for what is certain to belong to none."""
        text, report = message.text, self._open
        if not OOM_MESSAGE.search(text):
            return self._add(_Report(SOMEBODY, message))
        if summary_beginning(text) is not None:
            self._recent.add(message.boot, message.mono)
            self._open = self._add(_summary_report(message))
            return self._open
        if report and report.first.boot == message.boot and self._belongs(message, report):
            return report
        return self._add(_Report(ROOT, message))

    def _belongs(self, message: KernelMessage, report: _Report) -> bool:
        """Whether a line behind a summary is certain to be of the same kill. It sets whether all of the cgroup are killed."""
        killed, group = parse_killed(message.text), parse_group(message.text)
        if killed:
            return killed.pid == report.pid or (report.group and not self._recent.may_lack_one(message.boot, message.mono))
        if group is not None:
            report.group = bool(report.cgroups) and all(is_below(path, group) for path in report.cgroups)
            return report.group
        return report.pid is not None and parse_exiting(message.text) == report.pid

    def _add(self, report: _Report) -> _Report:
        self._reports.setdefault(report.owner, deque()).append(report)
        return report

    def _shrink(self, owner: int) -> None:
        while self._is_over(owner):
            largest = owner if owner in _ALONE else max(set(self._sizes) - _ALONE, key=lambda uid: self._sizes[uid])
            report = self._reports[largest].popleft()
            report.dropped = True
            self._grow(largest, -report.size)
            self._count_dropped(report, len(report.entries), report.killed)
            report.entries = []

    def _is_over(self, owner: int) -> bool:
        if owner == ROOT:
            return self._sizes[ROOT] > MAX_SYSTEM
        return self._sizes[SOMEBODY] > MAX_USER if owner == SOMEBODY else self._users_size > MAX_USERS

    def _grow(self, owner: int, size: int) -> None:
        self._sizes[owner] = self._sizes.get(owner, 0) + size
        self._users_size += 0 if owner in _ALONE else size

    def _count_dropped(self, report: _Report, entries: int, killed: int) -> None:
        owner, dropped = report.owner, self.dropped
        self.left_out[owner] = self.left_out.get(owner, 0) + entries
        if owner == SOMEBODY:
            return
        dropped.before[owner] = max(report.last.at + 1, dropped.before.get(owner, 0))
        if owner == ROOT:  # of what is not known who it is about: the log begins behind it
            return
        boot, clock = report.first.boot, report.last.mono
        first, last = dropped.spans.get(boot, (report.first.mono, clock))
        dropped.spans[boot] = min(first, report.first.mono), max(last, clock)
        dropped.killed[boot] = dropped.killed.get(boot, 0) + killed


def _summary_report(message: KernelMessage) -> _Report:
    """The report that a summary begins: a user's where all that it can mean is in the part of the tree that is this user's."""
    readings = summary_readings(message.text)
    owners = {delegated_uid(reading.task_memcg) for reading in readings}
    owner = owners.pop() if len(owners) == 1 else None
    return _Report(owner or ROOT, message, pid=readings[0].pid if readings else None,
                   cgroups=[reading.task_memcg for reading in readings])
