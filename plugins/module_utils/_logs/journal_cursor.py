# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the journal from where the last reading ended.

Knows journalctl and its cursors; not what the entries mean, nor where the cursor is kept.
"""

import re
from typing import Callable, List, NamedTuple, Optional, Sequence

from .journalctl import journalctl_argv, read_lines
from .kernel_lines import OOM_PATTERN
from .records import (
    EVENT_FIELDS,
    EVENT_MATCHES,
    KERNEL_FIELDS,
    KERNEL_MATCHES,
    SYSTEM_UNIT_MATCHES,
    UNIT_FIELDS,
    UNIT_MATCHES,
    USER_UNIT_MATCHES,
    Entry,
    parse_entry,
)

TRUSTED = 0  # in place of a uid: the kernel, the system's manager, systemd-oomd, and root's Podman
# each an index look-up for journald
_MATCHES = KERNEL_MATCHES + ["+"] + UNIT_MATCHES + ["+"] + EVENT_MATCHES
_TRUSTED_MATCHES = KERNEL_MATCHES + ["+"] + SYSTEM_UNIT_MATCHES + ["+"] + EVENT_MATCHES + ["_UID=0"]
_FIELDS = sorted({"_TRANSPORT"}.union(KERNEL_FIELDS, UNIT_FIELDS, EVENT_FIELDS))
# Entries that are handled at once; a minute rarely has more.
_CHUNK = 500
_CHUNK_BYTES = 4 * 1024 * 1024  # of lines; one of a user's may have MAX_LINE
_MAX_PROBLEM = 2000  # characters of journalctl's message
_LOOK = 3  # seconds for a look at the journal's end or at its index
_MAX_WRITERS = 200000  # uids: a user may write as each of a range of 65,536

_CURSOR = re.compile(br'"__CURSOR"\s*:\s*"([^"]+)"')
_KERNEL = re.compile(br'"_TRANSPORT"\s*:\s*"kernel"')
# in a line of JSON; a message that is not UTF-8 is a list of numbers, which is decoded before it is looked at
_OOM = re.compile(OOM_PATTERN.replace("^", r'"MESSAGE"\s*:\s*"').encode("ascii") + br'|"MESSAGE"\s*:\s*\[')


class Reading(NamedTuple):
    """How far one reading got."""

    cursor: Optional[str]  # of the last entry that was read, None when there was none
    continued: bool  # the first entry was that of the cursor asked for
    ended: bool  # there are no more entries
    problem: Optional[str]  # why something may be missing: journalctl's message, a line of the kernel's that is no entry
    bad_entries: int = 0  # number of others' entries that nobody honest writes; they were left out


EMPTY_READING = Reading(cursor=None, continued=False, ended=False, problem=None)


class Journal:
    """The journal of this host.

    :param options: more of journalctl's options (another journal: --directory=…).
    """

    def __init__(self, options: Sequence[str] = ()) -> None:
        self._options = list(options)

    def read(self, handle: Callable[[List[Entry]], None], cursor: Optional[str] = None, since: Optional[int] = None,
             this_boot: bool = False, seconds: float = 20, entries: int = 20000, writer: Optional[int] = None) -> Reading:
        """Read entries, oldest first, and pass them to `handle` in lists.

        :param cursor: from this entry on, including it.
        :param since: microseconds since the epoch, from where on without a cursor.
        :param this_boot: only entries of this boot.
        :param seconds, entries: limits of one reading.
        :param writer: uid of the user whose entries alone are read, or TRUSTED; None: everybody's.
        :raises CommandError: journalctl can't be started.
        """
        # With --cursor the entry itself comes first if it is still there. --after-cursor would not show that, and
        # versions differ in whether it drops an entry when it isn't.
        # Of a user alone no field is printed that is too long for journalctl's memory: the reading goes on behind it.
        argv = journalctl_argv(_FIELDS, None if cursor else since, long_fields=not writer) + self._options
        argv += (["--cursor=" + cursor] if cursor else []) + (["--boot"] if this_boot else []) + _matches(writer)
        reader = _EntryReader(handle, entries)
        ending = read_lines(argv, reader.take, seconds, reader.pass_by)
        reader.flush()
        ended = not ending.late and not reader.full
        problem = ending.err[-_MAX_PROBLEM:] or None
        if ended and ending.exit_code and not problem:
            problem = "journalctl: exit code %d" % ending.exit_code
        if reader.bad_lines:
            problem = "%d journal line(s) could not be read" % reader.bad_lines
        return Reading(cursor=reader.last, continued=bool(cursor) and reader.first == cursor, ended=ended, problem=problem,
                       bad_entries=reader.bad_entries + ending.long_lines)

    def find_newest(self) -> Optional[str]:
        """Return the cursor of the newest entry that read() would find, None when there is none.

        :raises CommandError: journalctl can't be started.
        """
        return self._look(["--lines=1"])

    def has(self, cursor: str) -> bool:
        """Whether the entry with a cursor is there.

        :raises CommandError: journalctl can't be started.
        """
        return self._look(["--cursor=" + cursor]) == cursor

    def _look(self, options: Sequence[str]) -> Optional[str]:
        """The cursor of the first entry that journalctl prints; nothing else of it is printed."""
        reader = _EntryReader(lambda _entries: None, 1)
        read_lines(journalctl_argv(["_BOOT_ID"]) + self._options + list(options) + _MATCHES, reader.take, _LOOK)
        return reader.first

    def writers(self) -> List[int]:
        """Return the uids of all who wrote into the journal, by its index.

        :raises CommandError: journalctl can't be started.
        """
        uids: List[int] = []

        def take(line: bytes) -> bool:
            uids.extend([int(line)] if line.isdigit() else [])
            return len(uids) < _MAX_WRITERS

        read_lines(["journalctl", "--no-pager", "--quiet"] + self._options + ["--field=_UID"], take, _LOOK)
        return sorted(uids)


def _matches(writer: Optional[int]) -> List[str]:
    if writer is None:
        return _MATCHES
    if writer == TRUSTED:
        return _TRUSTED_MATCHES
    of_user = ["_UID=%d" % writer]
    return USER_UNIT_MATCHES + of_user + ["+"] + EVENT_MATCHES + of_user


class _EntryReader:
    """Parses journalctl's lines; of the kernel's only those of an OOM kill.

    A line that can't be read is passed by, its cursor too: what any user can write must not stop the reading.
    """

    def __init__(self, handle: Callable[[List[Entry]], None], max_entries: int) -> None:
        self._handle = handle
        self._left = max_entries
        self._chunk: List[Entry] = []
        self._chunk_bytes = 0
        self.first: Optional[str] = None  # cursors
        self.last: Optional[str] = None
        self.bad_lines = 0  # of the kernel's, or of nobody's
        self.bad_entries = 0  # of others

    @property
    def full(self) -> bool:
        """Whether the limit of entries was reached."""
        return self._left <= 0

    def take(self, line: bytes) -> bool:
        """Read a line; return whether there may be more."""
        if not self._note_cursor(line):
            self.bad_lines += bool(line.strip())
        elif not (_KERNEL.search(line) and not _OOM.search(line)):
            self._parse(line)
        self._left -= 1
        if len(self._chunk) >= _CHUNK or self._chunk_bytes >= _CHUNK_BYTES:
            self.flush()
        return not self.full

    def pass_by(self, piece: bytes) -> bool:
        """Note the cursor of a line that is too long: more of them than there is time for must not be read again each time."""
        self._note_cursor(piece)
        return not self.full

    def _note_cursor(self, text: bytes) -> bool:
        """Whether there is a cursor in it. Nobody else's text looks like one: there its quotes have backslashes."""
        match = _CURSOR.search(text)
        if match:
            self.last = match.group(1).decode("ascii", "replace")
            self.first = self.first or self.last
        return match is not None

    def _parse(self, line: bytes) -> None:
        entry = parse_entry(line)
        if entry is not None:
            self._chunk.append(entry)
            self._chunk_bytes += len(line)
        elif _KERNEL.search(line):
            self.bad_lines += 1
        else:
            self.bad_entries += 1

    def flush(self) -> None:
        """Pass on what was read."""
        self._handle(self._chunk)
        self._chunk, self._chunk_bytes = [], 0
