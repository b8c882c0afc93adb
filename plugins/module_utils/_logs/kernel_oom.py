# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel's own record of OOM kills: messages in, kills out.

Pure. kernel_lines.py knows the form of the lines; this file knows what several of them say together. What only looks like
them, or can be read in ways that disagree, is no kill: it is told as a DoubtfulRecord.
"""

from collections import Counter
from typing import Counter as CounterType, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from .._cgroup.paths import find_container_id, nested_cgroup, own_cgroup
from .kernel_groups import find_groups
from .kernel_lines import (
    OOM_WORDS,
    ChosenLine,
    KilledLine,
    Summary,
    dry_nodes,
    is_below,
    is_continued_by,
    old_summary_readings,
    parse_chosen,
    parse_exiting,
    parse_group,
    parse_killed,
    summary_beginning,
    summary_readings,
)
from .rate_limit import RecentSummaries


class KernelMessage(NamedTuple):
    """A line of the kernel's log; boot and mono are the same in the journal and in the ring buffer."""

    at: int  # microseconds since the epoch
    boot: Optional[str]  # boot id, 32 hex digits; None: unknown
    mono: int  # microseconds of the kernel's own clock
    text: str


_MAX_TEXT = 300  # characters of a doubtful record

# boot, mono, text, and which of several equal messages it is
MessageIdentity = Tuple[Optional[str], int, str, int]


class Victim(NamedTuple):
    """A process that was killed."""

    pid: int
    task: str  # the process's name
    at: int  # microseconds
    rss: Optional[int]  # bytes: anonymous + file + shared; None: not in the message
    uid: Optional[int] = None  # its real uid, in the host's user namespace; None: not in the message


class Kill(NamedTuple):
    """An OOM kill with the place where it happened."""

    at: int  # microseconds
    boot: Optional[str]
    constraint: str  # CONSTRAINT_MEMCG, CONSTRAINT_NONE …
    oom_memcg: Optional[str]  # the cgroup whose limit was hit, None: no cgroup's
    task_memcg: str  # the cgroup of the first victim
    victims: List[Victim]
    group: bool  # memory.oom.group killed the rest of the cgroup too
    uid: Optional[int] = None  # of the first victim; None: unknown
    nodes: Optional[str] = None  # the NUMA nodes that ran dry, as "0-1,3" and whose they are; None: not some nodes alone


class UnattributedKill(NamedTuple):
    """A "Killed process" without the line that names the cgroup.

    The kernel's rate limit (10 reports in 5 seconds, oom_kill_process()) suppressed that line, or it is ambiguous.
    """

    at: int  # microseconds
    boot: Optional[str]
    victim: Victim
    memcg: Optional[bool]  # it was the limit of some cgroup, not the memory of the host; None: the line does not tell
    place: Optional[str] = None  # the cgroup is this one or below it, or its path begins so; None: it can be any
    group: bool = False  # the place is a whole path: that of the cgroup in which memory.oom.group killed all


class DoubtfulRecord(NamedTuple):
    """A record that looks like one of an OOM kill, and proves none."""

    at: int  # microseconds
    kind: str  # of DOUBTS
    place: Optional[str]  # the path of a cgroup that it proves, from its beginning; None: it proves none
    text: str  # its beginning


DOUBTS = {
    "forged": "a message of the kernel's holds the words of an OOM kill but is none, as a user can bring about",
    "ambiguous": "the names of cgroups or of a process make the kernel's record of an OOM kill ambiguous",
    "incomplete": "a line of the kernel's record of an OOM kill is not complete",
    "foreign id": "a user's cgroup or unit has the name of a container of root's",
    "same id": "a user's cgroup or unit has the name of a container that another user lists",
    "foreign uid": "a process of root's was killed in a user's container",
}


class KernelLog(NamedTuple):
    """What the kernel's messages say, oldest first."""

    kills: List[Kill]
    unattributed: List[UnattributedKill]
    # {boot: number of processes killed}, to compare with /proc/vmstat's oom_kill, which __oom_kill_process() raises
    # once for each "Killed process"
    killed_per_boot: Dict[Optional[str], int]
    doubtful: List[DoubtfulRecord] = []


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
    messages = sorted(unique.values(), key=lambda message: (boots[message.boot], message.mono))
    groups = find_groups([(message.boot, message.text) for message in messages])
    parser = _Parser()
    for number, message in enumerate(messages):
        parser.feed(message, groups.get(number))
    parser.close()
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


class _Lost(NamedTuple):
    """A report without its summary, or with a part of it."""

    boot: Optional[str]
    pid: int  # of its first victim
    place: Optional[str]  # see UnattributedKill
    group: bool = False  # memory.oom.group kills all in that place


class _Parser:
    """One pass over the messages: a summary line opens a kill, the lines behind it fill it.

    The kernel holds oom_lock from the summary to the last line, so reports don't interleave.
    """

    def __init__(self) -> None:
        self.log = KernelLog(kills=[], unattributed=[], killed_per_boot={}, doubtful=[])
        self._readings: List[Summary] = []  # of the open kill's summary
        self._kill: Optional[Kill] = None  # the open one, by the first of the readings
        self._group: Optional[str] = None  # where memory.oom.group kills all, of the open kill
        self._recent = RecentSummaries()
        self._lost: Optional[_Lost] = None  # the open report, where its summary is missing
        self._cut: Optional[KernelMessage] = None  # a summary whose end may be in the next records
        # Before 5.1: what stands in place of the summary, and the process that was chosen, whose child may be killed.
        self._old_summary: Optional[KernelMessage] = None
        self._chosen: Optional[ChosenLine] = None

    def feed(self, message: KernelMessage, group: Optional[str] = None) -> None:
        """Take the next message.

        :param group: for a line "Killed process" the cgroup in which memory.oom.group is proven to have killed the process.
        """
        if not OOM_WORDS.search(message.text):  # a host's ring buffer is mostly of other things
            return
        if self._cut and message.boot == self._cut.boot and is_continued_by(self._cut.text, message.text):
            message = self._cut._replace(text=self._cut.text + message.text)
        elif message.text.startswith(("/", ",")):
            return  # a part of nothing
        if self._open(message) or self._open_old(message):
            return
        killed = parse_killed(message.text)
        if killed:
            self._add_victim(message, killed, group)
        elif not self._continue_kill(message.text):
            self._doubt("forged", message)

    def _open(self, message: KernelMessage) -> bool:
        """Begin a kill if the message is a summary; return whether it is, though its end may be missing."""
        readings = summary_readings(message.text)
        if not readings and summary_beginning(message.text) is None:
            return False
        if self._cut and not message.text.startswith(self._cut.text):
            self._drop_cut()
        self.close_kill()
        self._lost = None
        self._cut = None if readings else message
        self._old_summary = self._chosen = None
        self._recent.add(message.boot, message.mono)
        if readings:
            first, self._readings = readings[0], readings
            self._kill = Kill(
                at=message.at, boot=message.boot, constraint=first.constraint, oom_memcg=first.oom_memcg,
                task_memcg=first.task_memcg, victims=[], group=False, uid=first.uid, nodes=dry_nodes(first))
        return True

    def _open_old(self, message: KernelMessage) -> bool:
        """Take a line of kernels before 5.1 that says which process is chosen, or whose limit it was; return whether it is one."""
        chosen = parse_chosen(message.text)
        if not chosen and not old_summary_readings(message.text):
            return False
        if not chosen or not self._kill or self._readings[0].pid != chosen.pid:
            self.close_kill()
            self._lost = None
        if not chosen:
            self._old_summary = message
            self._recent.add(message.boot, message.mono)
            return True
        old, self._old_summary, self._chosen = self._old_summary, None, chosen
        if not self._kill and old and old.boot == message.boot and chosen.memcg:
            self._readings = [
                Summary(constraint="CONSTRAINT_MEMCG", oom_memcg=limit, task_memcg=victim, task=chosen.task, pid=chosen.pid, uid=-1,
                        cpuset="", mems="", nodes="")
                for limit, victim in old_summary_readings(old.text)]
            self._kill = Kill(at=message.at, boot=message.boot, constraint="CONSTRAINT_MEMCG", oom_memcg=self._readings[0].oom_memcg,
                              task_memcg=self._readings[0].task_memcg, victims=[], group=False)
        return True

    def _continue_kill(self, text: str) -> bool:
        """Take a line that says more of the open kill; return whether it is one that the kernel writes."""
        group, exiting = parse_group(text), parse_exiting(text)
        if group is not None and self._kill and is_below(self._kill.task_memcg, group):
            self._kill, self._group = self._kill._replace(group=True), group
        if exiting is not None and self._kill and exiting == self._readings[0].pid:
            self._kill = None  # the victim exited by itself before the signal
        return group is not None or exiting is not None

    def _add_victim(self, message: KernelMessage, killed: KilledLine, group: Optional[str]) -> None:
        self.log.killed_per_boot[message.boot] = self.log.killed_per_boot.get(message.boot, 0) + 1
        victim = Victim(killed.pid, killed.task, message.at, killed.rss, uid=killed.uid)
        chosen, self._chosen = self._chosen, None
        kill = self._kill
        if kill and chosen and not kill.victims and killed.pid != chosen.pid:  # a child, in the chosen one's place
            named = [reading for reading in self._readings if reading.task == chosen.task] or self._readings
            self._readings = [reading._replace(pid=killed.pid, task=killed.task) for reading in named]
            kill = self._kill = kill._replace(uid=None)
        if kill and message.boot == kill.boot and (
                killed.pid == self._readings[0].pid or (kill.group and group in (None, self._group))):
            # With memory.oom.group the first victim is listed once more among the others.
            if victim.pid not in [other.pid for other in kill.victims]:
                kill.victims.append(victim)
                if killed.pid != self._readings[0].pid and not group and self._recent.may_lack_one(message.boot, message.mono):
                    self.log.unattributed.append(UnattributedKill(message.at, message.boot, victim, killed.memcg))
            return
        self.close_kill()
        if group and self._lost and (self._lost.boot, self._lost.place) == (message.boot, group):
            if killed.pid == self._lost.pid:
                return  # once more
        elif group:
            self._drop_cut()
            self._lost = _Lost(message.boot, killed.pid, group, group=True)
        self.log.unattributed.append(UnattributedKill(
            at=message.at, boot=message.boot, victim=victim, memcg=chosen.memcg if chosen else killed.memcg,
            place=self._find_place(message, killed.pid, group), group=self._lost.group if self._lost else False))

    def _find_place(self, message: KernelMessage, pid: int, group: Optional[str]) -> Optional[str]:
        """The place of a victim without a summary."""
        lost = self._lost
        if group:
            return group
        if lost and lost.boot == message.boot and not self._cut and (
                pid == lost.pid or (lost.group and not self._recent.may_lack_one(message.boot, message.mono))):
            return lost.place
        place = self._drop_cut() if self._cut and self._cut.boot == message.boot else None
        self._lost = _Lost(message.boot, pid, place)
        return place

    def close(self) -> None:
        """Take what is open as complete."""
        self.close_kill()
        self._drop_cut()

    def close_kill(self) -> None:
        """Take the open kill, if there is one, as complete."""
        kill, self._kill, self._group = self._kill, None, None
        if not kill:
            return
        readings = self._agreeing(kill)
        first = (readings or self._readings)[0]
        kill = kill._replace(oom_memcg=first.oom_memcg, task_memcg=first.task_memcg,
                             victims=kill.victims or [Victim(first.pid, first.task, kill.at, None)])
        if readings:
            self.log.kills.append(kill)
            return
        # in all readings it is somewhere below the place where the shortest one has its limit
        place = min((reading.oom_memcg or reading.task_memcg for reading in self._readings), key=len)
        self._doubt("ambiguous", KernelMessage(kill.at, kill.boot, 0, place), place)
        self.log.unattributed.extend(
            UnattributedKill(at=victim.at, boot=kill.boot, victim=victim, memcg=kill.oom_memcg is not None, place=place)
            for victim in kill.victims)

    def _agreeing(self, kill: Kill) -> List[Summary]:
        """The readings of the kill's summary that its other lines leave, [] when these disagree on the container or the limit.

        The name of the first victim stands once more, and without anything to be mistaken for, in the line "Killed process".
        """
        readings = self._readings
        names = [victim.task for victim in kill.victims if victim.pid == readings[0].pid]
        if len(readings) > 1 and names:
            readings = [reading for reading in readings if reading.task == names[0]]
        return readings if len({_meaning(reading) for reading in readings}) == 1 else []

    def _drop_cut(self) -> Optional[str]:
        """Give up the summary whose end is missing, if there is one; return the beginning of its path, None for none."""
        cut, self._cut = self._cut, None
        if not cut:
            return None
        place = summary_beginning(cut.text) or None
        self._doubt("incomplete", cut, place)
        return place

    def _doubt(self, kind: str, message: KernelMessage, place: Optional[str] = None) -> None:
        self.log.doubtful.append(DoubtfulRecord(message.at, kind, place, message.text[:_MAX_TEXT]))


def _meaning(reading: Summary) -> Tuple[Optional[str], ...]:
    """What a reading says of a container: which one, whose limit."""
    ident = find_container_id(reading.task_memcg)
    if ident is None or reading.oom_memcg is None:
        return ident, reading.oom_memcg and ""
    nested = nested_cgroup(reading.oom_memcg, ident)
    return ident, nested or own_cgroup(reading.oom_memcg, ident) or reading.oom_memcg


def cause_and_scope(kill: Kill, ident: str) -> Tuple[str, str]:
    """Return whose limit a kill in the container hit: (cause, scope) of the facts' `oom`.

    :param ident: the container's id, 64 hex digits.
    """
    if kill.nodes is not None:
        return "cpuset_oom", kill.nodes
    if kill.oom_memcg is None:
        return "host_oom", "host"
    if nested_cgroup(kill.oom_memcg, ident):
        return "nested_limit", kill.oom_memcg
    if own_cgroup(kill.oom_memcg, ident):
        return "container_limit", kill.oom_memcg
    return "ancestor_limit", kill.oom_memcg
