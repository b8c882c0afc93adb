# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines of the kernel's record of an OOM kill, each in its exact form from its beginning to its end.

Pure. Linux 4.18 to 7.2: ``mm/oom_kill.c`` (dump_oom_summary(), __oom_kill_process(), oom_kill_process()), ``mm/memcontrol.c``
(mem_cgroup_print_oom_context(), mem_cgroup_print_oom_group()), ``kernel/cgroup/cpuset.c`` (cpuset_print_current_mems_allowed());
before 5.0 mem_cgroup_print_oom_info() in place of the summary.

Users choose parts of these lines: the name of a process (15 bytes, any), the names of cgroups below their own (no slash, no
newline) and of their cpuset. They also get text into the middle of other messages of the kernel. They choose neither the
beginning of a line nor of a path, nor the numbers at its end: that is what is relied on here. Each line is read in a time that
is proportional to its length.
"""

import re
from typing import List, NamedTuple, Optional, Tuple

# For journalctl --grep: every line that may be one of those below, a part of one, or made to look like one.
OOM_PATTERN = (r"oom-kill:constraint=|Kill(?:ed)? process \d+ \(|memory\.oom\.group set|is already exiting"
               r"| killed as a result of limit of /|^/|^,task")
OOM_WORDS = re.compile(OOM_PATTERN)
# Of these, those that begin as the kernel's do.
OOM_MESSAGE = re.compile(r"^(?:oom-kill:constraint=|(?:(?:Memory cgroup o|O)ut of memory[^:]{0,30}: )?(?:Kill(?:ed)? process |OOM victim )"
                         r"|Tasks? in /|/|,task)")

_MAX_LINE = 16384  # characters: two paths of 4,096 bytes are the longest that the kernel prints
_MAX_TASK = 15  # characters: TASK_COMM_LEN, 16 bytes with the NUL at the end
_WHY = r"(?:(?P<memcg>Memory cgroup out of memory)|Out of memory(?: \(oom_kill_allocating_task\))?): "
# Before 5.1 without a reason (it is in the line "Kill process … or sacrifice child" before), before 5.4 without UID, pgtables
# and oom_score_adj, which distributions have added one by one.
_KILLED = re.compile(
    r"(?:" + _WHY + r")?Killed process (?P<pid>[0-9]{1,10}) \((?P<task>.{0,15})\),?(?: UID (?P<early>[0-9]{1,10}),)? total-vm:[0-9]{1,20}kB, "
    r"anon-rss:(?P<anon>[0-9]{1,20})kB, file-rss:(?P<file>[0-9]{1,20})kB(?:, shmem-rss:(?P<shmem>[0-9]{1,20})kB)?"
    r"(?:, UID:(?P<uid>[0-9]{1,10}))?(?: pgtables:[0-9]{1,20}kB)?(?: oom_score_adj:-?[0-9]{1,5})?\Z", re.DOTALL)
# Before 5.1. The one that is killed may be a child of the one that is chosen (oom_kill_process(), "sacrifice child").
_CHOSEN = re.compile(_WHY + r"Kill process (?P<pid>[0-9]{1,10}) \((?P<task>.{0,15})\) score -?[0-9]{1,10} or sacrifice child\Z",
                     re.DOTALL)
_EXITING = re.compile(
    _WHY + r"OOM victim (?P<pid>[0-9]{1,10}) \(.{0,15}\) is already exiting\. Skip killing the task\Z", re.DOTALL)
_GROUP = re.compile(r"Tasks in (?P<memcg>/[^\n]*) are going to be killed due to memory\.oom\.group set\Z")
# Before 5.0, in place of the summary, and for the limit of a cgroup alone.
_OLD_SUMMARY = "Task in "
_OLD_LIMIT = " killed as a result of limit of "
_PATH = re.compile(r"/(?:[^/\n]+/)*[^/\n]*\Z")

_SUMMARY = re.compile(r"oom-kill:constraint=(?P<constraint>[A-Z_]{1,64}),nodemask=(?:\(null\)|(?P<nodes>[0-9,-]*))"
                      r"(?P<rest>,(?:cpuset|oom_memcg|global_oom).*)\Z", re.DOTALL)
_CPUSET = ",cpuset="
_MEMS = ",mems_allowed="
_MEMS_LIST = re.compile(r"[0-9,-]*(?=,[a-z])")
_LIMIT = ",oom_memcg="
_HOST = ",global_oom,task_memcg="
_VICTIM = ",task_memcg="
_TASK = ",task="
_PID = ",pid="
# with a width of 5 in the patch from which distributions took it
_END = re.compile(r",pid= {0,4}(?P<pid>[0-9]{1,10}),uid= {0,4}(?P<uid>-?[0-9]{1,10})\Z")
_SUMMARY_BEGINS = "oom-kill:constraint=CONSTRAINT_"


class Summary(NamedTuple):
    """The line "oom-kill:…"."""

    constraint: str  # CONSTRAINT_MEMCG, CONSTRAINT_NONE …
    oom_memcg: Optional[str]  # the cgroup whose limit was hit, None: the whole host
    task_memcg: str  # the cgroup of the victim
    task: str  # its name
    pid: int
    uid: int
    cpuset: str  # the cpuset of the process that asked for memory, the last part of its path; "": the kernel has none
    mems: str  # its NUMA nodes, as "0-1,3"
    nodes: str  # the nodes of that process's memory policy, "": it has none


class KilledLine(NamedTuple):
    """The line "Killed process …"."""

    pid: int
    task: str
    rss: int  # bytes: anonymous + file + shared
    memcg: Optional[bool]  # it was the limit of some cgroup, not the memory of the host; None: the line does not tell
    uid: Optional[int]  # the real uid, in the host's user namespace; None: the line does not tell


def parse_killed(text: str) -> Optional[KilledLine]:
    """Return what the line "Killed process …" says, None for any other text."""
    match = _KILLED.match(text)
    if not match:
        return None
    rss = sum(int(match.group(name) or 0) for name in ("anon", "file", "shmem")) * 1024
    reason = text.startswith(("Memory", "Out"))
    uid = match.group("uid") or match.group("early")
    return KilledLine(pid=int(match.group("pid")), task=match.group("task"), rss=rss,
                      memcg=bool(match.group("memcg")) if reason else None, uid=None if uid is None else int(uid))


class ChosenLine(NamedTuple):
    """The line "Kill process … or sacrifice child" of kernels before 5.1."""

    pid: int
    task: str
    memcg: bool  # it was the limit of some cgroup, not the memory of the host


def parse_chosen(text: str) -> Optional[ChosenLine]:
    """Return what the line "Kill process … or sacrifice child" says, None for any other text."""
    match = _CHOSEN.match(text)
    return ChosenLine(int(match.group("pid")), match.group("task"), bool(match.group("memcg"))) if match else None


def old_summary_readings(text: str) -> List[Tuple[str, str]]:
    """Return each (cgroup whose limit was hit, cgroup of the chosen process) that a line "Task in … killed as a result of limit of
    …" can mean; none for any other text."""
    if len(text) > _MAX_LINE or not text.startswith(_OLD_SUMMARY + "/"):
        return []
    paths, readings = text[len(_OLD_SUMMARY):], []
    for start in _places(_OLD_LIMIT + "/", paths, 0):
        victim, limit = paths[:start], paths[start + len(_OLD_LIMIT):]
        if is_below(victim, limit) and _PATH.match(victim) and _PATH.match(limit):
            readings.append((limit, victim))
    return readings


def parse_exiting(text: str) -> Optional[int]:
    """Return the pid in the line "OOM victim … is already exiting", None for any other text."""
    match = _EXITING.match(text)
    return int(match.group("pid")) if match else None


def parse_group(text: str) -> Optional[str]:
    """Return the cgroup in the line "Tasks in … are going to be killed …", None for any other text."""
    match = _GROUP.match(text)
    return match.group("memcg") if match else None


def summary_readings(text: str) -> List[Summary]:
    """Return each way to read a line "oom-kill:…" as the kernel can have written it; none for any other text.

    Names of cgroups and processes can hold the words between the fields, so there may be several. The victim's cgroup is the one
    whose limit was hit or lies below it: readings in which it doesn't are none.
    """
    if len(text) > _MAX_LINE:
        return []
    match, end = _SUMMARY.match(text), _END.match(text, max(text.rfind(_PID), 0))
    place = _paths(match.group("rest")) if match else None
    if not match or not end or place is None:
        return []
    paths = place.paths[:len(place.paths) - (len(text) - end.start())]
    readings = []
    for start in _places(_TASK, paths, len(paths) - _MAX_TASK - len(_TASK)):
        task = paths[start + len(_TASK):]
        for limit, victim in [(None, paths[:start])] if place.is_host else _splits(paths[:start]):
            if _PATH.match(victim) and (limit is None or _PATH.match(limit)):
                readings.append(Summary(constraint=match.group("constraint"), oom_memcg=limit, task_memcg=victim, task=task,
                                        pid=int(end.group("pid")), uid=int(end.group("uid")), cpuset=place.cpuset,
                                        mems=place.mems, nodes=match.group("nodes") or ""))
    return readings


def summary_beginning(text: str) -> Optional[str]:
    """Return the beginning of the path in a line "oom-kill:…" whose end is missing; "" when it ends before, None for other text."""
    if not text.startswith(_SUMMARY_BEGINS):
        return None
    match = _SUMMARY.match(text)
    place = _paths(match.group("rest")) if match else None
    return place.paths.partition(_VICTIM + "/")[0] if place else ""


def is_continued_by(text: str, more: str) -> bool:
    """Whether a line may be the rest of a line "oom-kill:…" that was too long for one record of the kernel's buffer.

    The kernel prints it piece by piece (pr_cont()): what no longer fits begins a record of its own.
    """
    if more.startswith(_VICTIM) or more.startswith(_TASK):
        return True
    return more.startswith("/") and text.endswith((_LIMIT, _VICTIM))


def dry_nodes(summary: Summary) -> Optional[str]:
    """Return the nodes that had no memory left, and whose they are: those of a cpuset or of a process's memory policy (mm/oom_kill.c, constrained_alloc())."""
    if summary.constraint == "CONSTRAINT_CPUSET":
        return "NUMA node %s (cpuset %s)" % (summary.mems, summary.cpuset)
    if summary.constraint == "CONSTRAINT_MEMORY_POLICY":
        return "NUMA node %s (memory policy of the process)" % (summary.nodes or summary.mems)
    return None


class _Place(NamedTuple):
    """What stands behind the nodemask."""

    is_host: bool  # no cgroup's limit was hit
    paths: str  # the text from the first path on
    cpuset: str
    mems: str


def _paths(rest: str) -> Optional[_Place]:
    """Read what is behind the nodemask, as far as it can be read in one way.

    The name of a cpuset has no slash, except that of the root: so the first slash begins a path, and what stands before it is the
    kernel's.
    """
    cpuset = nodes = ""
    if rest.startswith(_CPUSET):
        begin = len(_CPUSET) + 1 if rest.startswith(_CPUSET + "/") else len(_CPUSET)
        slash = rest.find("/", begin)
        mems = rest.rfind(_MEMS, begin, slash if slash >= 0 else len(rest))
        if mems < 0:
            return None
        listed = _MEMS_LIST.match(rest, mems + len(_MEMS))
        if not listed:
            return None
        cpuset, nodes = rest[len(_CPUSET):mems], listed.group()
        rest = rest[listed.end():]
    for is_host, words in ((True, _HOST), (False, _LIMIT)):
        if rest.startswith(words + "/"):
            return _Place(is_host, rest[len(words):], cpuset, nodes)
    return None


def _splits(paths: str) -> List[Tuple[str, str]]:
    """Each (cgroup whose limit was hit, cgroup of the victim) that the two paths can be."""
    splits = []
    for start in _places(_VICTIM + "/", paths, 0):
        limit, victim = paths[:start], paths[start + len(_VICTIM):]
        if is_below(victim, limit):
            splits.append((limit, victim))
    return splits


def is_below(path: str, above: str) -> bool:
    """Whether a cgroup is another one or lies below it."""
    return path == above or path.startswith(above.rstrip("/") + "/")


def _places(words: str, text: str, begin: int) -> List[int]:
    """Where the words stand in a text, from a place on."""
    places, place = [], text.find(words, max(begin, 0))
    while place >= 0:
        places.append(place)
        place = text.find(words, place + 1)
    return places
