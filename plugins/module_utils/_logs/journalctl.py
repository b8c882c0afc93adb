# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run journalctl and pass on what it prints, line by line.

Its answer is never held as a whole: any user can write as many entries as the journal takes. Knows nothing of entries.
"""

import os
import resource
import selectors
import subprocess
import time
from contextlib import suppress
from typing import IO, Callable, List, NamedTuple, Optional, Sequence, cast

from .._system.command import current_identity, end_command, start_command
from .._system.times import SECOND

# An entry of ours has a dozen fields. The longest are the labels of a container, of which some images have many.
MAX_LINE = 1024 * 1024
_OVERLAP = 4096  # bytes of a longer one that are passed on again with the next piece of it; a cursor has about 150
_MAX_STDERR = 64 * 1024
# Bytes that journalctl may allocate. It needs a few MiB; but of a field of 32 MiB, which any user can write, it makes a GiB of JSON.
_MAX_MEMORY = 96 * 1024 * 1024
_END = 5  # seconds for journalctl to end when it has closed its output


class Ending(NamedTuple):
    """How a run of journalctl ended."""

    exit_code: Optional[int]  # None: it was stopped, by the reader or because the time was over
    late: bool  # the time was over before its end
    err: str  # the end of its standard error
    long_lines: int  # number of lines that were left out because they are longer than MAX_LINE


def journalctl_argv(fields: Sequence[str], since: Optional[int] = None, long_fields: bool = True) -> List[str]:
    """Return the command that prints entries as JSON with these fields; matches and other options go behind it.

    :param since: microseconds since the epoch.
    :param long_fields: whether fields of more than 4,096 bytes are printed; otherwise null is in their place.
    """
    argv = ["journalctl", "--no-pager", "--quiet"] + ["--all"] * long_fields + ["--output=json", "--output-fields=" + ",".join(fields)]
    return argv if since is None else argv + ["--since=@%d" % (since // SECOND)]


def read_lines(argv: Sequence[str], take: Callable[[bytes], bool], timeout: float,
               pass_by: Callable[[bytes], bool] = lambda _piece: True) -> Ending:
    """Run journalctl; `take` gets each line without its end, and returns whether it wants more.

    :param timeout: seconds after which it is stopped.
    :param pass_by: the same for the pieces of a line that is too long, of which each begins with the end of the one before.
    :raises CommandError: it can't be started.
    """
    process = start_command(argv, current_identity(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    lines = _Lines(take, pass_by)
    try:
        _limit_memory(process.pid)
        ended = _pump(process, lines, time.monotonic() + timeout)
        exit_code = _wait(process) if ended else None
    finally:
        end_command(process)
    return Ending(exit_code, late=not ended and not lines.enough, err=lines.err.decode("utf-8", "replace").strip(),
                  long_lines=lines.long_lines)


def _limit_memory(pid: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    with suppress(ProcessLookupError):  # it has ended
        resource.prlimit(pid, resource.RLIMIT_DATA, (_MAX_MEMORY if hard == resource.RLIM_INFINITY else min(_MAX_MEMORY, hard), hard))


class _Lines:
    """Cuts a stream into lines."""

    def __init__(self, take: Callable[[bytes], bool], pass_by: Callable[[bytes], bool]) -> None:
        self._take = take
        self._pass_by = pass_by
        self._rest = b""
        self._skipping = False  # inside of a line that is too long
        self.long_lines = 0
        self.enough = False  # the reader wants no more
        self.err = b""

    def add(self, data: bytes) -> None:
        """Take the next piece of standard output."""
        pieces = (self._rest + data).split(b"\n")
        self._rest = pieces.pop()
        for piece in pieces:
            self._pass(piece)
        if len(self._rest) > MAX_LINE:
            self.long_lines += not self._skipping
            self._skipping = True
            self._skip(self._rest)
            self._rest = self._rest[-_OVERLAP:]

    def end(self) -> None:
        """Take what is left: a line without an end."""
        if self._rest:
            self._pass(self._rest)
        self._rest = b""

    def _pass(self, line: bytes) -> None:
        if self._skipping:
            self._skipping = False
            self._skip(line)
        elif not self.enough:
            self.enough = not self._take(line)

    def _skip(self, piece: bytes) -> None:
        if not self.enough:
            self.enough = not self._pass_by(piece)

    def add_err(self, data: bytes) -> None:
        """Take the next piece of standard error."""
        self.err = (self.err + data)[-_MAX_STDERR:]


def _pump(process: "subprocess.Popen[bytes]", lines: _Lines, deadline: float) -> bool:
    """Read both pipes; return whether they were read to their ends, by the deadline on the monotonic clock."""
    out, err = cast(IO[bytes], process.stdout), cast(IO[bytes], process.stderr)
    with selectors.DefaultSelector() as selector:
        selector.register(out, selectors.EVENT_READ, lines.add)
        selector.register(err, selectors.EVENT_READ, lines.add_err)
        while selector.get_map():
            remaining = deadline - time.monotonic()
            if remaining <= 0 or lines.enough:
                return False
            for key, _mask in selector.select(remaining):
                data = os.read(key.fd, 65536)
                if data:
                    key.data(data)
                else:
                    selector.unregister(key.fileobj)
    lines.end()
    return not lines.enough


def _wait(process: "subprocess.Popen[bytes]") -> Optional[int]:
    try:
        return process.wait(timeout=_END)
    except subprocess.TimeoutExpired:
        return None
