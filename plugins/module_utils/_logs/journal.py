# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the systemd journal and the kernel's ring buffer: only what is needed, each once.

Knows how to ask and how far back the answers reach; not what the entries mean.
"""

import errno
import os
import re
import struct
import time
from collections import deque
from typing import Callable, Deque, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from .._system.command import CommandError
from .._system.times import SECOND
from .journalctl import journalctl_argv, read_lines
from .kernel_lines import OOM_WORDS
from .kernel_oom import KernelMessage
from .records import OOMD_UNIT, SYSTEM_UNIT_MATCHES, UNIT_FIELDS, Entry, field_text, manager_uid, parse_entry

_DIRECTORIES = ("/var/log/journal", "/run/log/journal")
# https://systemd.io/JOURNAL_FILE_FORMAT/: signature, …, n_entries at 152, head_entry_realtime at 184
_SIGNATURE = b"LPKSHHRH"
_N_ENTRIES = 152
_HEAD_REALTIME = 184

# The kernel escapes what is not printable in a record; journald undoes that, and so do we.
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")

# Bytes of JSON that are kept of root's entries, and of those of each other user: an entry has about 600.
MAX_SYSTEM = 32 * 1024 * 1024
MAX_USER = 4 * 1024 * 1024
SOMEBODY = -1  # in place of a uid: a user, but which one is not known
_RING_SECONDS = 10  # the largest buffer is read in one or two
NEVER_USED = ("__CURSOR", "__SEQNUM", "__SEQNUM_ID")  # which journalctl prints always


class DroppedReports(NamedTuple):
    """The kernel's reports of OOM kills that were read and not kept."""

    killed: Dict[Optional[str], int] = {}  # {boot id: number of killed processes in those of users}
    spans: Dict[Optional[str], Tuple[int, int]] = {}  # {boot id: the kernel's clock at the first and at the last of these}
    before: Dict[int, int] = {}  # {uid of the owner, 0: root or unknown: microseconds before which reports may be missing}

    def without_repeated(self, messages: Iterable[KernelMessage]) -> List[KernelMessage]:
        """Return the messages of another source without those of the times that are counted here already.

        What else the kernel wrote at these times is in the entries that were kept.
        """
        return [message for message in messages if not self._is_counted(message)]

    def _is_counted(self, message: KernelMessage) -> bool:
        first, last = self.spans.get(message.boot, (0, -1))
        return first <= message.mono <= last


class JournalEntries(NamedTuple):
    """journalctl's answer."""

    entries: List[Entry]
    bad_lines: int  # number of lines that were no entry
    problem: Optional[str]  # why there is nothing, or not everything
    left_out: Dict[int, int] = {}  # {uid or SOMEBODY: number} of the oldest entries of those who wrote too many
    since: Optional[int] = None  # microseconds from which on all were read, where time or room did not last for more
    dropped: DroppedReports = DroppedReports()  # of the kernel's, see kernel_reports.py


class RingBuffer(NamedTuple):
    """The kernel's own buffer of messages."""

    messages: List[KernelMessage]  # those with the words of an OOM kill
    since: Optional[int]  # microseconds from which on it is complete, 0: since the boot; None: unknown
    problem: Optional[str]


def oldest_entry_time(uid: Optional[int], directories: Sequence[str] = _DIRECTORIES) -> Optional[int]:
    """Return the microseconds of the oldest readable entry, or None when none is readable.

    :param uid: None: the system's journal (kernel, system manager, root); a uid: the
        journal of that user, which is in files of its own when the journal is persistent.
    """
    prefix = "system" if uid is None else "user-%d" % uid
    name = re.compile(r"^%s(@.*)?\.journal~?$" % re.escape(prefix))
    times = []
    for directory in directories:
        for folder, _folders, files in os.walk(directory):
            times += [_first_entry_time(os.path.join(folder, file)) for file in files if name.match(file)]
    return min((first for first in times if first), default=None)


def _first_entry_time(path: str) -> Optional[int]:
    """The time of a journal file's first entry, None when it is unreadable or empty."""
    try:
        with open(path, "rb") as handle:
            header = handle.read(_HEAD_REALTIME + 8)
    except OSError:
        return None
    if len(header) < _HEAD_REALTIME + 8 or not header.startswith(_SIGNATURE):
        return None
    if not struct.unpack_from("<Q", header, _N_ENTRIES)[0]:
        return None
    return struct.unpack_from("<Q", header, _HEAD_REALTIME)[0]


def read_unit_records(since: int, timeout: float) -> JournalEntries:
    """Read what the system's systemd manager and systemd-oomd recorded of OOM kills. No user can write any of it.

    :param since: microseconds since the epoch.
    """
    return run_journalctl(journalctl_argv(UNIT_FIELDS, since) + SYSTEM_UNIT_MATCHES, timeout, _SystemReader)


class Reader:
    """Takes journalctl's lines and keeps entries. This is what run_journalctl() needs of one."""

    def __init__(self) -> None:
        self.bad_lines = 0  # number of lines that are no entry
        self.left_out: Dict[int, int] = {}  # see JournalEntries
        self.full: Optional[str] = None  # why no more is wanted, though there may be more
        self.since: Optional[int] = None  # of what comes newest first: time of the last entry that was read

    def take(self, line: bytes) -> bool:
        """Read a line; return whether more are wanted."""
        entry = parse_entry(line) if line.strip() else None
        if entry is None:
            self.bad_lines += bool(line.strip())
        else:
            self.keep(entry, len(line))
        return self.full is None

    def pass_by(self, _piece: bytes) -> bool:
        """Pass a part of a line by that is too long; return whether more are wanted."""
        return self.full is None

    def keep(self, entry: Entry, size: int) -> None:
        """Take an entry, which has so many bytes as a line."""
        raise NotImplementedError

    def entries(self) -> List[Entry]:
        """Return the entries that were kept, oldest first."""
        raise NotImplementedError


def run_journalctl(argv: List[str], timeout: float, new_reader: Callable[[], Reader]) -> JournalEntries:
    """Run journalctl. A message beside its answer means that the answer may be incomplete:
    "Journal file … is truncated, ignoring file" comes when a file is just being written, so it is
    run once more. `--grep` without a match exits with 1 and prints nothing.
    """
    for _attempt in range(2):
        reader = new_reader()
        try:
            ending = read_lines(argv, reader.take, timeout, reader.pass_by)
        except CommandError as exc:
            return JournalEntries([], 0, str(exc))
        if ending.late or ((reader.full or ending.exit_code in (0, 1)) and not ending.err):
            break
    problem = ending.err or reader.full
    if ending.late:
        problem = "journalctl did not answer in time, what it printed until then was read"
    elif ending.exit_code not in (0, 1) and not problem:
        problem = "journalctl: exit code %s" % ending.exit_code
    since = reader.since if (ending.late or reader.full) and not ending.err else None
    return JournalEntries(entries=reader.entries(), bad_lines=reader.bad_lines + ending.long_lines, problem=problem,
                          left_out=reader.left_out, since=since)


class _SystemReader(Reader):
    """Keeps what the system's manager and systemd-oomd wrote, the newest of it."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: Deque[Tuple[int, Entry]] = deque()  # with their sizes
        self._size = 0

    def keep(self, entry: Entry, size: int) -> None:
        if field_text(entry.get("_SYSTEMD_UNIT")) != OOMD_UNIT and manager_uid(entry) != 0:
            return
        for name in NEVER_USED:
            entry.pop(name, None)
        self._kept.append((size, entry))
        self._size += size
        while self._size > MAX_SYSTEM:
            self._size -= self._kept.popleft()[0]
            self.left_out[0] = self.left_out.get(0, 0) + 1

    def entries(self) -> List[Entry]:
        return [entry for _size, entry in self._kept]


def read_ring_buffer(boot: Optional[str], path: str = "/dev/kmsg") -> RingBuffer:
    """Read the kernel's ring buffer (Documentation/ABI/testing/dev-kmsg).

    :param boot: this boot's id, 32 hex digits.
    """
    deadline = time.monotonic() + _RING_SECONDS
    offset = int(time.time() * SECOND) - int(time.clock_gettime(time.CLOCK_MONOTONIC) * SECOND)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as exc:
        return RingBuffer([], None, "%s: %s" % (path, exc.strerror))
    messages: List[KernelMessage] = []
    since: Optional[int] = None
    try:
        while True:
            if time.monotonic() > deadline:
                return RingBuffer(messages, None, "%s: more is written to it than can be read" % path)
            try:
                record = os.read(descriptor, 16384)
            except OSError as exc:
                if exc.errno == errno.EPIPE:  # records were overwritten before they were read: goes on with the next
                    since = None
                    continue
                if exc.errno == errno.EAGAIN:  # the end
                    break
                return RingBuffer(messages, since, "%s: %s" % (path, exc.strerror))
            if not record:
                break
            number, message = _parse_record(record, boot, offset)
            if since is None:
                since = 0 if number == 0 else message.at
            if OOM_WORDS.search(message.text):
                messages.append(message)
    finally:
        os.close(descriptor)
    return RingBuffer(messages, since, None)


def _parse_record(record: bytes, boot: Optional[str], offset: int) -> Tuple[int, KernelMessage]:
    """Return (sequence number, KernelMessage) of one record: "prio,seq,usec,flags;text\\n KEY=value…"."""
    head, _semicolon, rest = record.partition(b";")
    fields = head.split(b",")
    mono = int(fields[2])
    line = _ESCAPED.sub(lambda match: bytes([int(match.group(1), 16)]), rest.partition(b"\n")[0])
    return int(fields[1]), KernelMessage(mono + offset, boot, mono, line.decode("utf-8", "replace"))
