# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel's own record of OOM kills: messages in, kills out.

Pure. The format is that of ``mm/oom_kill.c`` since Linux 5.0 (dump_oom_summary(),
mem_cgroup_print_oom_context(), __oom_kill_process()), the same on 6.1, 6.12 and 7.2.
"""

import re
from collections import Counter
from typing import Counter as CounterType, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from .._cgroup.paths import own_cgroup


class KernelMessage(NamedTuple):
    """A line of the kernel's log; boot and mono are the same in the journal and in the ring buffer."""

    at: int  # microseconds since the epoch
    boot: Optional[str]  # boot id, 32 hex digits; None: unknown
    mono: int  # microseconds of the kernel's own clock
    text: str


# boot, mono, text, and which of several equal messages it is
MessageIdentity = Tuple[Optional[str], int, str, int]


class Victim(NamedTuple):
    """A process that was killed."""

    pid: int
    task: str  # the process's name
    at: int  # microseconds
    rss: Optional[int]  # bytes: anonymous + file + shared; None: not in the message


class Kill(NamedTuple):
    """An OOM kill with the place where it happened."""

    at: int  # microseconds
    boot: Optional[str]
    constraint: str  # CONSTRAINT_MEMCG, CONSTRAINT_NONE …
    oom_memcg: Optional[str]  # the cgroup whose limit was hit, None: the whole host
    task_memcg: str  # the cgroup of the first victim
    victims: List[Victim]
    group: bool  # memory.oom.group killed the rest of the cgroup too


class UnattributedKill(NamedTuple):
    """A "Killed process" without the line that names the cgroup.

    The kernel's rate limit (10 reports in 5 seconds, oom_kill_process()) suppressed that line.
    """

    at: int  # microseconds
    boot: Optional[str]
    victim: Victim
    memcg: bool  # it was the limit of some cgroup, not the memory of the host


class KernelLog(NamedTuple):
    """What the kernel's messages say, oldest first."""

    kills: List[Kill]
    unattributed: List[UnattributedKill]
    # {boot: number of processes killed}, to compare with /proc/vmstat's oom_kill, which __oom_kill_process() raises
    # once for each "Killed process"
    killed_per_boot: Dict[Optional[str], int]


# For journalctl --grep: every message that parse_kernel_log() looks at.
OOM_PATTERN = r"oom-kill:constraint=|Killed process \d+ \(|memory\.oom\.group set|is already exiting"
OOM_MESSAGE = re.compile(OOM_PATTERN)

_SUMMARY = re.compile(
    r"oom-kill:constraint=(?P<constraint>\w+),.*?"
    r"(?:,global_oom|,oom_memcg=(?P<oom_memcg>.*?)),task_memcg=(?P<task_memcg>.*?),"
    r"task=(?P<task>.*),pid=(?P<pid>\d+),uid=\d+$"
)
_KILLED = re.compile(r"(?P<why>.*)\bKilled process (?P<pid>\d+) \((?P<task>.*)\),? .*?total-vm:")
_RSS = re.compile(r"(?:anon|file|shmem)-rss:(\d+)kB")
_GROUP = re.compile(r"Tasks in (?P<memcg>.*) are going to be killed due to memory\.oom\.group set")
_EXITING = re.compile(r"OOM victim (?P<pid>\d+) \(.*\) is already exiting")


def parse_kernel_log(*sources: Iterable[KernelMessage]) -> KernelLog:
    """Return the KernelLog of one or more sources.

    A message that two sources have (journal and ring buffer) counts once; the first one's
    time is used, so pass the journal first: the ring buffer's clock drifts.
    """
    unique: Dict[MessageIdentity, KernelMessage] = {}
    boots: Dict[Optional[str], int] = {}  # time of each boot's first message
    for source in sources:
        for identity, message in identify_messages(source):
            unique.setdefault(identity, message)
            boots[message.boot] = min(message.at, boots.get(message.boot, message.at))
    parser = _Parser()
    for message in sorted(unique.values(), key=lambda message: (boots[message.boot], message.mono)):
        parser.feed(message)
    parser.close_kill()
    return parser.log


def identify_messages(messages: Iterable[KernelMessage], occurrences: Optional[CounterType] = None,
                      ) -> Iterator[Tuple[MessageIdentity, KernelMessage]]:
    """Yield (identity, message) for the messages of one source: the same identity in each source.

    :param occurrences: Counter that the caller passes with each part of a source that comes in parts.

    The identity's number distinguishes equal messages of the same time: a group kill names its first victim twice
    in the same words, at the same time too where the kernel's clock is as coarse as its tick (4 ms on Debian).
    """
    occurrences = Counter() if occurrences is None else occurrences
    for message in messages:
        same = (message.boot, message.mono, message.text)
        yield same + (occurrences[same],), message
        occurrences[same] += 1


class _Parser:
    """One pass over the messages: a summary line opens a kill, the lines behind it fill it.

    The kernel holds oom_lock from the summary to the last line, so reports don't interleave.
    """

    def __init__(self) -> None:
        self.log = KernelLog(kills=[], unattributed=[], killed_per_boot={})
        self._kill: Optional[Kill] = None  # the open one
        self._first: Optional[Victim] = None  # its first victim, from the summary

    def feed(self, message: KernelMessage) -> None:
        if not OOM_MESSAGE.search(message.text):  # a host's ring buffer is mostly of other things
            return
        match = _SUMMARY.search(message.text)
        if match:
            self.close_kill()
            self._first = Victim(int(match.group("pid")), match.group("task"), message.at, None)
            self._kill = Kill(
                at=message.at, boot=message.boot, constraint=match.group("constraint"), oom_memcg=match.group("oom_memcg"),
                task_memcg=match.group("task_memcg"), victims=[], group=False)
            return
        match = _KILLED.search(message.text)
        if match:
            self._add_victim(message, Victim(int(match.group("pid")), match.group("task"), message.at, _rss(message.text)),
                             "Memory cgroup out of memory" in match.group("why"))
        elif self._kill and self._first:
            match = _EXITING.search(message.text)
            if _GROUP.search(message.text):
                self._kill = self._kill._replace(group=True)
            elif match and int(match.group("pid")) == self._first.pid:
                self._kill = None  # the victim exited by itself before the signal

    def _add_victim(self, message: KernelMessage, victim: Victim, memcg: bool) -> None:
        self.log.killed_per_boot[message.boot] = self.log.killed_per_boot.get(message.boot, 0) + 1
        kill = self._kill
        if kill and self._first and message.boot == kill.boot and (kill.group or victim.pid == self._first.pid):
            # With memory.oom.group the first victim is listed once more among the others.
            if victim.pid not in [other.pid for other in kill.victims]:
                kill.victims.append(victim)
            return
        self.close_kill()
        self.log.unattributed.append(UnattributedKill(message.at, message.boot, victim, memcg))

    def close_kill(self) -> None:
        """Take the open kill, if there is one, as complete."""
        if self._kill and self._first:
            self.log.kills.append(self._kill._replace(victims=self._kill.victims or [self._first]))
        self._kill = None


def _rss(text: str) -> Optional[int]:
    sizes = _RSS.findall(text)
    return sum(int(size) for size in sizes) * 1024 if sizes else None


def cause_and_scope(kill: Kill, ident: str) -> Tuple[str, str]:
    """Return whose limit a kill in the container hit: (cause, scope) of the facts' `oom`.

    :param ident: the container's id, 64 hex digits.
    """
    if kill.oom_memcg is None:
        return "host_oom", "host"
    if own_cgroup(kill.oom_memcg, ident):
        return "container_limit", kill.oom_memcg
    return "ancestor_limit", kill.oom_memcg
