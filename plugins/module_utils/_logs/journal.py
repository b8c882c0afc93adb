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
from typing import Iterable, List, NamedTuple, Optional, Sequence, Tuple

from .._system.command import CommandError, run_command
from .._system.times import SECOND
from .kernel_oom import OOM_PATTERN, KernelMessage
from .records import EVENT_FIELDS, EVENT_MATCHES, KERNEL_FIELDS, KERNEL_MATCHES, UNIT_FIELDS, UNIT_MATCHES, Entry, parse_entries

_DIRECTORIES = ("/var/log/journal", "/run/log/journal")
# https://systemd.io/JOURNAL_FILE_FORMAT/: signature, …, n_entries at 152, head_entry_realtime at 184
_SIGNATURE = b"LPKSHHRH"
_N_ENTRIES = 152
_HEAD_REALTIME = 184

# The kernel escapes what is not printable in a record; journald undoes that, and so do we.
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")

# An entry of the kernel is rarely over 200 bytes as JSON with these fields: 100,000 of them.
_MAX_OUTPUT = 64 * 1024 * 1024


class JournalEntries(NamedTuple):
    """journalctl's answer."""

    entries: List[Entry]
    bad_lines: int  # number of lines that were no entry
    problem: Optional[str]  # why there is nothing, or not everything


class RingBuffer(NamedTuple):
    """The kernel's own buffer of messages."""

    messages: List[KernelMessage]
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


def read_kernel_log(since: int, timeout: float) -> JournalEntries:
    """Read the kernel's OOM messages.

    :param since: microseconds since the epoch, here and in the functions below.
    """
    argv = journalctl_argv(KERNEL_FIELDS, since) + KERNEL_MATCHES
    answer = _run_journalctl(argv + ["--case-sensitive=true", "--grep=" + OOM_PATTERN], timeout)
    if answer.problem and "pattern matching" in answer.problem:
        # journalctl was built without PCRE2: read all of the kernel's messages, the parser picks those of OOM kills
        answer = _run_journalctl(argv, timeout)
    return answer


def read_unit_records(since: int, timeout: float) -> JournalEntries:
    """Read what the systemd managers and systemd-oomd recorded of OOM kills."""
    return _run_journalctl(journalctl_argv(UNIT_FIELDS, since) + UNIT_MATCHES, timeout)


def read_podman_events(since: int, idents: Iterable[str], timeout: float) -> JournalEntries:
    """Read Podman's events of the containers with these ids, an index look-up for each."""
    matches = EVENT_MATCHES + ["PODMAN_ID=" + ident for ident in idents]
    return _run_journalctl(journalctl_argv(EVENT_FIELDS, since) + matches, timeout)


def read_podman_deaths(since: int, timeout: float) -> JournalEntries:
    """Read the death of every container that Podman recorded."""
    return _run_journalctl(journalctl_argv(EVENT_FIELDS, since) + ["PODMAN_EVENT=died"], timeout)


def journalctl_argv(fields: Iterable[str], since: Optional[int] = None) -> List[str]:
    """Return the command that prints entries as JSON with these fields; matches and other options go behind it."""
    argv = ["journalctl", "--no-pager", "--quiet", "--output=json", "--output-fields=" + ",".join(fields)]
    return argv if since is None else argv + ["--since=@%d" % (since // SECOND)]


def _run_journalctl(argv: List[str], timeout: float) -> JournalEntries:
    """Run journalctl. A message beside its answer means that the answer may be incomplete:
    "Journal file … is truncated, ignoring file" comes when a file is just being written, so it is
    run once more. `--grep` without a match exits with 1 and prints nothing.
    """
    for _attempt in range(2):
        try:
            result = run_command(argv, timeout, max_output=_MAX_OUTPUT)
        except CommandError as exc:
            return JournalEntries([], 0, str(exc))
        if result.rc in (0, 1) and not result.err:
            break
    entries, bad_lines = parse_entries(result.out)
    problem = result.err or None
    if result.rc not in (0, 1) and not problem:
        problem = "journalctl: exit code %d" % result.rc
    return JournalEntries(entries, bad_lines, problem)


def read_ring_buffer(boot: Optional[str], path: str = "/dev/kmsg") -> RingBuffer:
    """Read the kernel's ring buffer (Documentation/ABI/testing/dev-kmsg).

    :param boot: this boot's id, 32 hex digits.
    """
    offset = int(time.time() * SECOND) - int(time.clock_gettime(time.CLOCK_MONOTONIC) * SECOND)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as exc:
        return RingBuffer([], None, "%s: %s" % (path, exc.strerror))
    messages: List[KernelMessage] = []
    since: Optional[int] = None
    try:
        while True:
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
