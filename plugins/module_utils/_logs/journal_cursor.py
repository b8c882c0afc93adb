# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.
"""Read the journal on from where the last reading ended.

Knows journalctl and its cursors; what the entries mean is _records' and the history's business.
"""

import os
import re
import subprocess
import time
from collections import namedtuple

from .._system.command import CommandError, current_identity, find_executable, user_environment
from .._system.times import SECOND
from . import kernel_oom as _kernel_oom, records as _records

# cursor: of the last entry that was read, None when there was none; continued: whether the first one was that
# of the cursor asked for; ended: whether there is no more; problem: what journalctl said beside its answer, or None.
Reading = namedtuple("Reading", "cursor continued ended problem")

_FIELDS = ("MESSAGE,MESSAGE_ID,UNIT,USER_UNIT,PODMAN_EVENT,PODMAN_ID,PODMAN_NAME,PODMAN_IMAGE,PODMAN_EXIT_CODE,"
           "PODMAN_TIME,PODMAN_LABELS,_TRANSPORT,_BOOT_ID,_SOURCE_MONOTONIC_TIMESTAMP,_UID,_PID,_COMM,_CMDLINE,"
           "_SYSTEMD_UNIT,_SYSTEMD_USER_UNIT")
# What happens in a minute, and what is read in one transaction.
_CHUNK = 500

_CURSOR = re.compile(br'"__CURSOR"\s*:\s*"([^"]+)"')
_KERNEL = re.compile(br'"_TRANSPORT"\s*:\s*"kernel"')
# a message that is no UTF-8 is a list of numbers, and looked at later
_OOM = re.compile(_kernel_oom.OOM_PATTERN.encode("ascii") + br'|"MESSAGE"\s*:\s*\[')


EMPTY_READING = Reading(None, False, False, None)


class Journal(object):
    """The journal of this host.

    :param scratch: directory for what journalctl says on its standard error.
    :param extra: more arguments for journalctl (another journal: --directory=…).
    """

    def __init__(self, scratch, extra=()):
        self._scratch = scratch
        self._extra = list(extra)

    def read(self, handle, cursor=None, since=None, this_boot=False, seconds=20, entries=20000):
        """Read entries, oldest first, and give them to `handle` in lists; return the Reading.

        :param cursor: from this entry on, it included.
        :param since: microseconds since the epoch, from where on without a cursor.
        :param seconds, entries: after so much it is enough for now.
        :raises CommandError: journalctl can't be started.
        """
        # With --cursor the entry itself comes first if it is still there. --after-cursor would not tell, and
        # versions differ in whether it drops an entry when it isn't.
        where = ["--cursor=" + cursor] if cursor else ["--since=@%d" % (since // SECOND)] if since else []
        argv = [find_executable("journalctl"), "--no-pager", "--quiet", "--output=json", "--output-fields=" + _FIELDS]
        argv += self._extra + where + (["--boot"] if this_boot else []) + _matches()
        with _words(self._scratch) as words:
            try:
                process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=words, cwd="/",
                                           env=user_environment(current_identity()))
            except OSError as exc:
                raise CommandError("journalctl could not be started: %s" % exc)
            try:
                reader = _Reader(handle, time.monotonic() + seconds, entries)
                ended = reader.take(process.stdout)
            finally:
                process.stdout.close()
                if process.poll() is None:
                    process.kill()
                process.wait()
            words.seek(0)
            problem = words.read(2000).decode("utf-8", "replace").strip() or None
        if ended and process.returncode and not problem:
            problem = "journalctl: exit code %d" % process.returncode
        if reader.bad:
            problem = "%d journal line(s) could not be read" % reader.bad
        return Reading(reader.last, bool(cursor) and reader.first == cursor, ended, problem)


def _matches():
    """The entries that are wanted, each an index look-up for journald."""
    return (["_TRANSPORT=kernel", "+", "MESSAGE_ID=" + _records.UNIT_OUT_OF_MEMORY, "+",
             "MESSAGE_ID=" + _records.UNIT_OOMD_KILL, "+", "_SYSTEMD_UNIT=" + _records.OOMD_UNIT, "+"]
            + ["PODMAN_EVENT=" + kind for kind in _records.PODMAN_EVENT_KINDS])


def _words(folder):
    """A file without a name."""
    path = os.path.join(folder, "journalctl.%d" % os.getpid())
    handle = open(path, "w+b")
    os.unlink(path)
    return handle


class _Reader(object):
    """Takes journalctl's lines apart; of the kernel's only those of an OOM kill are worth it."""

    def __init__(self, handle, deadline, entries):
        self._handle = handle
        self._deadline = deadline
        self._left = entries
        self.first = None
        self.last = None
        self.bad = 0

    def take(self, lines):
        """Read to the end, or until it is enough; return whether it was the end."""
        chunk = []
        for line in lines:
            match = _CURSOR.search(line)
            if not match:
                self.bad += bool(line.strip())
                continue
            if not (_KERNEL.search(line) and not _OOM.search(line)):
                found, bad = _records.parse_entries(line)
                self.bad += bad
                chunk += found
            self.last = match.group(1).decode("ascii", "replace")
            self.first = self.first or self.last
            self._left -= 1
            if len(chunk) >= _CHUNK:
                self._handle(chunk)
                chunk = []
            if self._left <= 0 or (self._left % 64 == 0 and time.monotonic() > self._deadline):
                self._handle(chunk)
                return False
        self._handle(chunk)
        return True
