# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process that is a user: it alone opens the user's files, runs the user's Podman and speaks to the user's services.

Root forks it, sends it requests and reads answers of a bounded size until a deadline; it never waits for its end. What it
answers is the user's word, to be checked like anything that a user says.
"""

import json
import os
import selectors
import signal
import struct
import time
from contextlib import ExitStack, suppress
from typing import Any, Callable, Dict, Optional, Tuple

from .._door.document import DoorError, parse_document
from .._system.command import Identity
from .._system.processes import child_pids
from .._system.text import inert
from .confinement import ConfinementError, Limits, Privileges, become_user, confine, end_scope, prepare_privileges

# A function that runs as the user: a JSON value in, a JSON value out.
Handler = Callable[[Any], Any]

# 2,000 containers are 4 MiB; what is over it is no answer and must not eat root's memory.
MAX_ANSWER = 16 * 1024 * 1024
_MAX_VALUES = 1000000  # in an answer, so that it does not take more than about 100 MiB of root's memory
_MAX_MESSAGE = 500
_LENGTH = struct.Struct("!I")
_ENDS = 2  # seconds for a killed process to be gone; one in an uninterruptible wait is left to itself


class UserProcessError(Exception):
    """The user's process could not be started, did not answer in time, answered too much, or its work failed."""


class UserProcess:
    """A context manager: `with UserProcess(identity, handler) as process: process.ask({...}, seconds)`.

    Where the caller is the user already, the handler is called as it is, without a process.
    Start it before there are threads: it is a fork.

    :param identity: of the user; only root can have processes of others.
    :param handler: called in the user's process for each request.
    :param limits: for the process and all that it starts.
    """

    def __init__(self, identity: Identity, handler: Handler, limits: Limits = Limits()) -> None:
        self._identity = identity
        self._handler = handler
        self._limits = limits
        self._inline = identity.uid == os.geteuid()
        self._pid: Optional[int] = None
        self._to_place = False  # whether systemd has to move it before a program is run
        self._outside: Optional[str] = None  # name of the scope, when it is not in the user's slice
        self._requests = self._answers = -1  # descriptors of pipes

    def __enter__(self) -> "UserProcess":
        """:raises UserProcessError: it can't be started."""
        if not self._inline:
            try:
                self._fork()
            except (OSError, KeyError) as exc:
                self.__exit__()
                raise UserProcessError("no process of %s can be started: %s" % (self._identity.name, exc))
        return self

    def __exit__(self, *_exception: Any) -> None:
        for descriptor in (self._requests, self._answers):
            if descriptor >= 0:
                os.close(descriptor)
        self._requests = self._answers = -1
        if self._pid is not None:
            _kill_tree(self._pid)
            self._pid = None
        if self._outside is not None:
            end_scope(self._outside)
            self._outside = None

    @property
    def ended(self) -> bool:
        """Whether no request can be answered any more."""
        return not self._inline and self._pid is None

    def ask(self, request: Any, seconds: float, max_answer: int = MAX_ANSWER, in_slice: bool = True) -> Any:
        """Return the handler's answer to a request, both JSON values.

        When it gives none, the process is ended, and later requests are errors.

        :param seconds: until it must have answered.
        :param max_answer: bytes.
        :param in_slice: first move the process out of root's cgroup, which takes as long as starting a program; only
            a request for which no program is run may do without.
        :raises UserProcessError: it did not, or the handler raised an exception, or systemd gives it no limits.
        """
        reply = _call(self._handler, request) if self._inline else self._exchange(
            request, seconds, max_answer, in_slice)
        if "error" in reply:
            error = reply["error"]
            raise UserProcessError(_printable(error) if isinstance(error, str) else "the answer's error is no text")
        return reply.get("answer")

    def _exchange(self, request: Any, seconds: float, max_answer: int, in_slice: bool) -> Dict[str, Any]:
        if self._pid is None:
            raise UserProcessError("the process of %s has ended" % self._identity.name)
        deadline = time.monotonic() + seconds
        try:
            if in_slice and self._to_place:
                self._place(self._pid, seconds)
            self._send(_framed(request), deadline)
            return _parse_reply(self._receive(deadline, max_answer))
        except UserProcessError:
            self.__exit__()
            raise

    def _place(self, pid: int, seconds: float) -> None:
        """It waits for a request meanwhile, so that nothing that it starts is elsewhere."""
        try:
            self._outside = confine(pid, self._identity.uid, self._limits, seconds)
        except ConfinementError as exc:
            raise UserProcessError("nothing is started for %s: %s" % (self._identity.name, _printable(str(exc))))
        self._to_place = False

    def _fork(self) -> None:
        privileges = prepare_privileges(self._identity)
        self._to_place = privileges.managed
        with ExitStack() as other_ends:
            request_end, self._requests = os.pipe()
            other_ends.callback(os.close, request_end)
            self._answers, answer_end = os.pipe()
            other_ends.callback(os.close, answer_end)
            pid = os.fork()
            if pid == 0:
                _be_the_user(privileges, self._limits, self._handler, request_end, answer_end)  # does not return
            self._pid = pid
        os.set_blocking(self._requests, False)
        os.set_blocking(self._answers, False)

    def _send(self, data: bytes, deadline: float) -> None:
        while data:
            self._wait(self._requests, selectors.EVENT_WRITE, deadline)
            try:
                data = data[os.write(self._requests, data):]
            except OSError as exc:
                raise UserProcessError("the process of %s has ended: %s" % (self._identity.name, exc.strerror))

    def _receive(self, deadline: float, max_answer: int) -> bytes:
        data = bytearray()
        wanted = _LENGTH.size
        while len(data) < wanted:
            self._wait(self._answers, selectors.EVENT_READ, deadline)
            part = os.read(self._answers, min(wanted - len(data), 1024 * 1024))
            if not part:
                raise UserProcessError("the process of %s ended without an answer" % self._identity.name)
            data += part
            if len(data) == _LENGTH.size:
                wanted += _LENGTH.unpack(data)[0]
                if wanted > max_answer:
                    raise UserProcessError("the answer of %s has more than %d bytes" % (self._identity.name, max_answer))
        return bytes(data[_LENGTH.size:])

    def _wait(self, descriptor: int, event: int, deadline: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, event)
            if not selector.select(max(0, deadline - time.monotonic())):
                raise UserProcessError("the process of %s did not answer in time" % self._identity.name)


def _framed(value: Any) -> bytes:
    text = json.dumps(value).encode("ascii")
    return _LENGTH.pack(len(text)) + text


def _parse_reply(text: bytes) -> Dict[str, Any]:
    try:
        reply = parse_document(text, MAX_ANSWER, _MAX_VALUES)
    except DoorError as exc:
        raise UserProcessError("the answer %s" % exc)
    if not isinstance(reply, dict):
        raise UserProcessError("the answer is not an object")
    return reply


def _printable(text: str) -> str:
    """The text without what would control a terminal or can't be encoded: Podman's messages are the user's words."""
    return inert(" ".join(text[:_MAX_MESSAGE].splitlines()))


def _call(handler: Handler, request: Any) -> Dict[str, Any]:
    """Return {answer} of the handler, or {error: why there is none}: the user's trouble stays the user's."""
    try:
        return {"answer": handler(request)}
    except Exception as exc:
        return {"error": "%s: %s" % (type(exc).__name__, exc)}


def _be_the_user(privileges: Privileges, limits: Limits, handler: Handler, requests: int, answers: int) -> None:
    """The new process: become the user, answer requests until there are no more, end without Python's own clean-up."""
    try:
        _keep_descriptors(requests, answers)
        become_user(privileges, limits)
        with os.fdopen(requests, "rb") as stream:
            while True:
                head = stream.read(_LENGTH.size)
                if len(head) < _LENGTH.size:
                    break
                request = json.loads(stream.read(_LENGTH.unpack(head)[0]).decode("ascii"))
                _write_all(answers, _framed(_call(handler, request)))
    finally:
        os._exit(0)


def _keep_descriptors(*kept: int) -> None:
    """Close all of root's descriptors but these; the standard ones lead nowhere."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in kept:
            with suppress(OSError):  # that of the list itself
                os.close(int(name))


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data):]


def _kill_tree(pid: int) -> None:
    """Kill a process and all that it started, as far as they have not left it; don't wait for what can't be killed."""
    end = time.monotonic() + _ENDS
    _signal(pid, signal.SIGSTOP)  # it starts no more
    for each, (_parent, started) in _descendants(pid, end).items():
        _kill_other(each, started)
    _signal(pid, signal.SIGKILL)
    end = time.monotonic() + _ENDS
    while time.monotonic() < end:
        with suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                time.sleep(0.005)
                continue
        return


def _kill_other(pid: int, started: str) -> None:
    """Kill a process that is not this one's child, unless its number is somebody else's meanwhile.

    A pidfd (Linux 5.3, Python 3.9) is of one process, whatever its number becomes. Elsewhere it may become so between the check
    and the signal.
    """
    try:
        pidfd = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None  # novm
    except OSError:  # it has ended, or the kernel is older
        pidfd = None
    try:
        if _origin(pid)[1] != started:
            return
        if pidfd is None:
            _signal(pid, signal.SIGKILL)
        else:
            with suppress(ProcessLookupError, PermissionError):  # see _signal()
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)  # novm
    finally:
        if pidfd is not None:
            os.close(pidfd)


def _signal(pid: int, number: int) -> None:
    # PermissionError: AppArmor; the user has put the process into a profile without signals, and it goes on like one that has left
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _descendants(pid: int, end: float) -> Dict[int, Tuple[int, str]]:
    """Return {process id: _origin()} of the processes below a process, as many as are found in time: they may go on forking.

    :param end: of the search, in time.monotonic().
    """
    found: Dict[int, Tuple[int, str]] = {}
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        for child in child_pids(parent):
            if time.monotonic() > end:
                return found
            origin = _origin(child)
            if child not in found and origin[0] == parent:
                found[child] = origin
                waiting.append(child)
    return found


def _origin(pid: int) -> Tuple[int, str]:
    """Return (process id of the parent, time of the start) of a process, see proc_pid_stat(5); (0, "") when it has ended."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as stream:
            words = stream.read().rpartition(")")[2].split()
        return int(words[1]), words[19]
    except (OSError, ValueError, IndexError):
        return 0, ""
