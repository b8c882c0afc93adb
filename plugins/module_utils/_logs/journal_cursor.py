# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the journal from where the last reading ended.

Knows journalctl and its cursors; not what the entries mean, nor where the cursor is kept.
"""

import os
import re
import subprocess
import time
from typing import IO, Callable, Iterable, List, NamedTuple, Optional, Sequence, cast

from .._system.command import CommandError, current_identity, find_executable, user_environment
from .journal import journalctl_argv
from .kernel_oom import OOM_PATTERN
from .records import EVENT_FIELDS, EVENT_MATCHES, KERNEL_FIELDS, KERNEL_MATCHES, UNIT_FIELDS, UNIT_MATCHES, Entry, parse_entries

# each an index look-up for journald
_MATCHES = KERNEL_MATCHES + ["+"] + UNIT_MATCHES + ["+"] + EVENT_MATCHES
_FIELDS = sorted({"_TRANSPORT"}.union(KERNEL_FIELDS, UNIT_FIELDS, EVENT_FIELDS))
# Entries that are handled at once; a minute rarely has more.
_CHUNK = 500

_CURSOR = re.compile(br'"__CURSOR"\s*:\s*"([^"]+)"')
_KERNEL = re.compile(br'"_TRANSPORT"\s*:\s*"kernel"')
# a message that is not UTF-8 is a list of numbers, which is decoded before it is looked at
_OOM = re.compile(OOM_PATTERN.encode("ascii") + br'|"MESSAGE"\s*:\s*\[')


class Reading(NamedTuple):
    """How far one reading got."""

    cursor: Optional[str]  # of the last entry that was read, None when there was none
    continued: bool  # the first entry was that of the cursor asked for
    ended: bool  # there are no more entries
    problem: Optional[str]  # journalctl's message beside its answer


EMPTY_READING = Reading(cursor=None, continued=False, ended=False, problem=None)


class Journal:
    """The journal of this host.

    :param scratch: directory for journalctl's standard error.
    :param options: more of journalctl's options (another journal: --directory=…).
    """

    def __init__(self, scratch: str, options: Sequence[str] = ()) -> None:
        self._scratch = scratch
        self._options = list(options)

    def read(self, handle: Callable[[List[Entry]], None], cursor: Optional[str] = None, since: Optional[int] = None,
             this_boot: bool = False, seconds: int = 20, entries: int = 20000) -> Reading:
        """Read entries, oldest first, and pass them to `handle` in lists.

        :param cursor: from this entry on, including it.
        :param since: microseconds since the epoch, from where on without a cursor.
        :param this_boot: only entries of this boot.
        :param seconds, entries: limits of one reading.
        :raises CommandError: journalctl can't be started.
        """
        # With --cursor the entry itself comes first if it is still there. --after-cursor would not show that, and
        # versions differ in whether it drops an entry when it isn't.
        argv = journalctl_argv(_FIELDS, None if cursor else since) + self._options
        argv += (["--cursor=" + cursor] if cursor else []) + (["--boot"] if this_boot else []) + _MATCHES
        reader = _EntryReader(handle, time.monotonic() + seconds, entries)
        with _unlinked_file(os.path.join(self._scratch, "journalctl.%d" % os.getpid())) as stderr:
            exit_code = _run([find_executable(argv[0])] + argv[1:], stderr, reader)
            stderr.seek(0)
            problem = stderr.read(2000).decode("utf-8", "replace").strip() or None
        if reader.ended and exit_code and not problem:
            problem = "journalctl: exit code %d" % exit_code
        if reader.bad_lines:
            problem = "%d journal line(s) could not be read" % reader.bad_lines
        return Reading(cursor=reader.last, continued=bool(cursor) and reader.first == cursor, ended=reader.ended, problem=problem)


def _run(argv: List[str], stderr: IO[bytes], reader: "_EntryReader") -> int:
    """Run journalctl until the reader has enough; return its exit code."""
    try:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, cwd="/",
                                   env=user_environment(current_identity()))
    except OSError as exc:
        raise CommandError("journalctl could not be started: %s" % exc)
    output = cast(IO[bytes], process.stdout)
    try:
        reader.read(output)
    finally:
        output.close()
        if process.poll() is None:
            process.kill()
        process.wait()
    return process.returncode


def _unlinked_file(path: str) -> IO[bytes]:
    """An open file without a name: nothing has to be removed."""
    handle = open(path, "w+b")
    os.unlink(path)
    return handle


class _EntryReader:
    """Parses journalctl's lines; of the kernel's only those of an OOM kill.

    :param deadline: of time.monotonic().
    """

    def __init__(self, handle: Callable[[List[Entry]], None], deadline: float, max_entries: int) -> None:
        self._handle = handle
        self._deadline = deadline
        self._left = max_entries
        self.first: Optional[str] = None  # cursors
        self.last: Optional[str] = None
        self.bad_lines = 0
        self.ended = False

    def read(self, lines: Iterable[bytes]) -> None:
        """Read to the end, or until a limit is reached."""
        chunk: List[Entry] = []
        for line in lines:
            match = _CURSOR.search(line)
            if not match:
                self.bad_lines += bool(line.strip())
                continue
            if not (_KERNEL.search(line) and not _OOM.search(line)):
                parsed, bad_lines = parse_entries(line)
                self.bad_lines += bad_lines
                chunk += parsed
            self.last = match.group(1).decode("ascii", "replace")
            self.first = self.first or self.last
            self._left -= 1
            if len(chunk) >= _CHUNK:
                self._handle(chunk)
                chunk = []
            if self._left <= 0 or (self._left % 64 == 0 and time.monotonic() > self._deadline):
                break
        else:
            self.ended = True
        self._handle(chunk)
