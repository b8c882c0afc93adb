# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Read the systemd journal and the kernel's ring buffer: only what is needed, each once.

Knows how to ask and how far back the answers reach; not what the entries mean.
"""

import errno
import os
import re
import struct
import time
from collections import namedtuple

from .._system.command import CommandError, run_command
from .._system.times import SECOND
from . import kernel_oom as _kernel_oom, records as _records

# entries: dicts; bad: lines that were no entry; problem: why there is nothing or not all, or None.
Answer = namedtuple("Answer", "entries bad problem")

# messages: [_kernel_oom.KernelMessage]; since: microseconds from which on the buffer is whole.
RingBuffer = namedtuple("RingBuffer", "messages since problem")

_DIRECTORIES = ("/var/log/journal", "/run/log/journal")
# https://systemd.io/JOURNAL_FILE_FORMAT/: signature, …, n_entries at 152, head_entry_realtime at 184
_SIGNATURE = b"LPKSHHRH"
_N_ENTRIES = 152
_HEAD_REALTIME = 184

# The kernel escapes what is not printable in a record; journald undoes that, and so do we.
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")

_COMMON = ["journalctl", "--no-pager", "--quiet", "--output=json"]
_KERNEL_FIELDS = "MESSAGE,_BOOT_ID,_SOURCE_MONOTONIC_TIMESTAMP"
_UNIT_FIELDS = "MESSAGE,MESSAGE_ID,UNIT,USER_UNIT,_UID,_PID,_COMM,_SYSTEMD_UNIT,_SYSTEMD_USER_UNIT"
_EVENT_FIELDS = ("PODMAN_EVENT,PODMAN_ID,PODMAN_NAME,PODMAN_IMAGE,PODMAN_EXIT_CODE,"
                 "PODMAN_TIME,PODMAN_LABELS,_UID,_CMDLINE")
# An entry of the kernel is rarely over 200 bytes as JSON with these fields: 100,000 of them.
_MAX_ANSWER = 64 * 1024 * 1024


def oldest_entry_time(uid, directories=_DIRECTORIES):
    """Return the microseconds of the oldest readable entry, or None when none is readable.

    :param uid: None: the system's journal (kernel, system manager, root); a uid: the
        journal of that user, which is in files of its own when the journal is persistent.
    """
    prefix = "system" if uid is None else "user-%d" % uid
    name = re.compile(r"^%s(@.*)?\.journal~?$" % re.escape(prefix))
    heads = []
    for directory in directories:
        for folder, _folders, files in os.walk(directory):
            heads += [_head(os.path.join(folder, each)) for each in files if name.match(each)]
    heads = [head for head in heads if head]
    return min(heads) if heads else None


def _head(path):
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


def read_kernel_log(since, timeout):
    """Ask for the kernel's OOM messages.

    :param since: microseconds since the epoch.
    """
    argv = _asking(since, _KERNEL_FIELDS) + ["_TRANSPORT=kernel"]
    found = _ask(argv + ["--case-sensitive=true", "--grep=" + _kernel_oom.OOM_PATTERN], timeout)
    if found.problem and "pattern matching" in found.problem:
        # journalctl built without PCRE2: then everything of the kernel's, sifted here
        found = _ask(argv, timeout)
    return found


def read_unit_records(since, timeout):
    """Ask for what the systemd managers and systemd-oomd say of OOM kills."""
    return _ask(_asking(since, _UNIT_FIELDS) + [
        "MESSAGE_ID=" + _records.UNIT_OUT_OF_MEMORY, "+",
        "MESSAGE_ID=" + _records.UNIT_OOMD_KILL, "+",
        "_SYSTEMD_UNIT=" + _records.OOMD_UNIT], timeout)


def read_podman_events(since, idents, timeout):
    """Ask for Podman's events of the containers with these ids, an index look-up for each."""
    kinds = ["PODMAN_EVENT=%s" % kind for kind in _records.PODMAN_EVENT_KINDS]
    return _ask(_asking(since, _EVENT_FIELDS) + kinds + ["PODMAN_ID=%s" % ident for ident in idents], timeout)


def read_podman_deaths(since, timeout):
    """Ask for the death of every container that Podman wrote down."""
    return _ask(_asking(since, _EVENT_FIELDS) + ["PODMAN_EVENT=died"], timeout)


def _asking(since, fields):
    return _COMMON + ["--output-fields=" + fields, "--since=@%d" % (since // SECOND)]


def _ask(argv, timeout):
    """Run journalctl. What it says beside its answer means that the answer may lack something:
    "Journal file … is truncated, ignoring file" comes when a file is just being written, so it is
    asked once more. `--grep` without a match exits with 1 and says nothing.
    """
    for _attempt in range(2):
        try:
            result = run_command(argv, timeout, max_output=_MAX_ANSWER)
        except CommandError as exc:
            return Answer([], 0, str(exc))
        if result.rc in (0, 1) and not result.err:
            break
    found, bad = _records.parse_entries(result.out)
    problem = result.err or None
    if result.rc not in (0, 1) and not problem:
        problem = "journalctl: exit code %d" % result.rc
    return Answer(found, bad, problem)


def read_ring_buffer(boot, path="/dev/kmsg"):
    """Read the kernel's ring buffer (Documentation/ABI/testing/dev-kmsg).

    :param boot: this boot's id, 32 hex digits.
    :returns: RingBuffer; `since` is 0 when nothing has been overwritten since the boot.
    """
    offset = int(time.time() * SECOND) - int(time.clock_gettime(time.CLOCK_MONOTONIC) * SECOND)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as exc:
        return RingBuffer([], None, "%s: %s" % (path, exc.strerror))
    messages, since = [], None
    try:
        while True:
            try:
                record = os.read(descriptor, 16384)
            except OSError as exc:
                if exc.errno == errno.EPIPE:  # overwritten while it was read: goes on behind it
                    since = None
                    continue
                if exc.errno == errno.EAGAIN:  # the end
                    break
                return RingBuffer(messages, since, "%s: %s" % (path, exc.strerror))
            if not record:
                break
            number, message = _record(record, boot, offset)
            if since is None:
                since = 0 if number == 0 else message.at
            messages.append(message)
    finally:
        os.close(descriptor)
    return RingBuffer(messages, since, None)


def _record(record, boot, offset):
    """Return (sequence number, Message) of one record: "prio,seq,usec,flags;text\\n KEY=value…"."""
    head, _semicolon, rest = record.partition(b";")
    fields = head.split(b",")
    mono = int(fields[2])
    line = _ESCAPED.sub(lambda match: bytes(bytearray([int(match.group(1), 16)])), rest.partition(b"\n")[0])
    return int(fields[1]), _kernel_oom.KernelMessage(mono + offset, boot, mono, line.decode("utf-8", "replace"))
