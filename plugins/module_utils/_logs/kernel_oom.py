# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""The kernel's own record of OOM kills: messages in, kills out.

Pure. The format is that of ``mm/oom_kill.c`` since Linux 5.0 (dump_oom_summary(),
mem_cgroup_print_oom_context(), __oom_kill_process()), the same on 6.1, 6.12 and 7.2.
"""

import re
from collections import Counter, namedtuple

from .._cgroup.paths import own_cgroup

# at: microseconds since the epoch; boot: boot id (32 hex digits); mono: microseconds of the
# kernel's own clock, with `boot` the identity of a message in journal and ring buffer alike.
KernelMessage = namedtuple("KernelMessage", "at boot mono text")

# A process that was killed. rss: bytes (anonymous + file + shared), None when not said.
Victim = namedtuple("Victim", "pid task at rss")

# oom_memcg: the cgroup whose limit was hit, None for the whole host.
# task_memcg: the cgroup of the first victim. group: memory.oom.group took the rest along.
Kill = namedtuple("Kill", "at boot constraint oom_memcg task_memcg victims group")

# A "Killed process" without the line that says where: the kernel's rate limit
# (10 reports in 5 seconds, oom_kill_process()) swallowed it. memcg: some cgroup's limit.
UnattributedKill = namedtuple("UnattributedKill", "at boot victim memcg")

# kills, unattributed: in order; counted: {boot: number of processes killed}, to compare with
# /proc/vmstat's oom_kill, which __oom_kill_process() raises once per such line.
KernelLog = namedtuple("KernelLog", "kills unattributed killed_per_boot")

# What journalctl --grep has to find: every message that parse_kernel_log() looks at.
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


def parse_kernel_log(*sources):
    """Return the Log of one or more lists of Message, each a source of its own.

    A message that two sources have (journal and ring buffer) counts once; the first one's
    time stands, so give the journal's first: the ring buffer's clock drifts.
    """
    unique = {}
    began = {}
    for source in sources:
        for identity, message in identify_messages(source):
            unique.setdefault(identity, message)
            began[message.boot] = min(message.at, began.get(message.boot, message.at))
    reader = _Reader()
    for message in sorted(unique.values(), key=lambda each: (began[each.boot], each.mono)):
        reader.read(message)
    reader.finish()
    return KernelLog(reader.kills, reader.unattributed, reader.counted)


def identify_messages(messages, said=None):
    """Yield ((boot, mono, text, nth), message) for the messages of one source: the same identity in each source.

    :param said: Counter, kept by the caller where the source comes in parts.

    nth tells apart what was said more than once at one time: a group kill names its first victim twice in the
    same words, and where the kernel's clock is as coarse as its tick (4 ms on Debian) at the same time too.
    """
    said = Counter() if said is None else said
    for message in messages:
        same = (message.boot, message.mono, message.text)
        yield same + (said[same],), message
        said[same] += 1


class _Reader(object):
    """One pass over the messages: a summary line opens a kill, the lines behind it fill it.

    The kernel holds oom_lock from the summary to the last line, so reports don't interleave.
    """

    def __init__(self):
        self.kills = []
        self.unattributed = []
        self.counted = {}
        self._open = None  # the summary's match and message
        self._victims = []
        self._group = False

    def read(self, message):
        if not OOM_MESSAGE.search(message.text):  # a host's ring buffer is mostly of other things
            return
        match = _SUMMARY.search(message.text)
        if match:
            self.finish()
            self._open = (match, message)
            return
        match = _KILLED.search(message.text)
        if match:
            self._killed(match, message)
            return
        match = _GROUP.search(message.text)
        if match:
            self._group = True
            return
        match = _EXITING.search(message.text)
        if match and self._open and match.group("pid") == self._open[0].group("pid"):
            self._open = None  # it ended by itself before the signal

    def _killed(self, match, message):
        victim = Victim(int(match.group("pid")), match.group("task"), message.at, _rss(message.text))
        self.counted[message.boot] = self.counted.get(message.boot, 0) + 1
        if self._open and message.boot == self._open[1].boot and (
                self._group or victim.pid == int(self._open[0].group("pid"))):
            # With memory.oom.group the first victim is listed once more among the others.
            if victim.pid not in [each.pid for each in self._victims]:
                self._victims.append(victim)
            return
        self.finish()
        memcg = "Memory cgroup out of memory" in match.group("why")
        self.unattributed.append(UnattributedKill(message.at, message.boot, victim, memcg))

    def finish(self):
        """Close the kill that is open, if any."""
        if self._open:
            match, message = self._open
            victims = self._victims or [Victim(int(match.group("pid")), match.group("task"), message.at, None)]
            self.kills.append(Kill(
                message.at, message.boot, match.group("constraint"), match.group("oom_memcg"),
                match.group("task_memcg"), victims, self._group))
        self._open = None
        self._victims = []
        self._group = False


def _rss(text):
    sizes = _RSS.findall(text)
    return sum(int(size) for size in sizes) * 1024 if sizes else None


def cause_and_scope(kill, ident):
    """Return (cause, scope) of a Kill for the container: whose limit was hit."""
    if kill.oom_memcg is None:
        return "host_oom", "host"
    if own_cgroup(kill.oom_memcg, ident):
        return "container_limit", kill.oom_memcg
    return "ancestor_limit", kill.oom_memcg
