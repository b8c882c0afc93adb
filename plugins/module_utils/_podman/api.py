# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Podman's REST API for one user, for as long as it is needed.

Starts one `podman system service` on a socket in a private directory, speaks HTTP over it, and ends it. No socket stays open
on the host. It runs in the process of the user who owns the containers: root makes, opens and connects to nothing that another
user can change. What the service answers is bounded in size and time.
"""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from typing import IO, Any, Dict

from .._system.command import CommandError, Identity, runtime_dir, start_command

_IDLE = 120  # seconds without a request after which the service ends by itself, should we be killed
_MAX_ANSWER = 1024 * 1024  # bytes, with all headers
_MAX_STDERR = 64 * 1024  # bytes that are kept
_ENDS = 10  # seconds for the service to end when it is asked to
_LATE = 0.2  # seconds for what was written last to be read
_GONE = 2  # seconds for a killed one to be gone; one in an uninterruptible wait is left to itself
# the lowest version that Podman 4 and 5 accept (version/version.go: MinimalAPI)
_API = "/v4.0.0/libpod"


class ServiceError(Exception):
    """The service could not be started, did not answer, or refused."""


class PodmanService:
    """A context manager: `with PodmanService("podman", identity, 60) as service: service.update(ident, {...})`.

    :param executable: name or path of Podman.
    :param identity: of the owner, who is the caller.
    :param timeout: seconds to start, and for each call from its first byte to the last of the answer.
    """

    def __init__(self, executable: str, identity: Identity, timeout: float) -> None:
        self._executable = executable
        self._identity = identity
        self._timeout = timeout
        self._cleanup = ExitStack()
        self._stderr: _LastOutput  # set by _start(), like the next one
        self._connection: _Connection

    def __enter__(self) -> "PodmanService":
        with ExitStack() as stack:  # cleans up when the start fails
            try:
                self._start(stack)
            except (CommandError, OSError) as exc:
                raise ServiceError("podman system service: %s" % exc)
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, *_exception: Any) -> None:
        self._cleanup.close()

    def update(self, ident: str, resources: Dict[str, Any]) -> None:
        """Change a container's resources (a part of a LinuxResources of the OCI runtime spec).

        :raises ServiceError: with Podman's own message.
        """
        try:
            self._connection.begin()
            self._connection.request("POST", "%s/containers/%s/update" % (_API, ident), json.dumps(resources),
                                     {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            body = answer.read(_MAX_ANSWER)
        except (OSError, http.client.HTTPException) as exc:
            self._connection.close()  # the next request reconnects
            raise ServiceError("podman system service: no answer to the update: %s" % (str(exc) or type(exc).__name__))
        if answer.status not in (200, 201):
            raise ServiceError("Podman refused it (HTTP %d): %s" % (answer.status, self._error_message(body)))

    def _error_message(self, body: bytes) -> str:
        """Podman's message; the runtime's own is on the service's standard error."""
        try:
            message = json.loads(body.decode("utf-8", "replace")).get("message", "")
        except (AttributeError, ValueError):
            message = body[:200].decode("utf-8", "replace")
        return "%s (%s)" % (message, self._stderr.last_line())

    def _start(self, stack: ExitStack) -> None:
        private = "/run" if self._identity.uid == 0 else runtime_dir(self._identity)
        if private is None:
            raise ServiceError("podman system service: %s has no runtime directory (no session, no linger)" % self._identity.name)
        folder = tempfile.mkdtemp(prefix="podman-fleet-", dir=private)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        path = os.path.join(folder, "api.sock")
        process = start_command([self._executable, "system", "service", "--time=%d" % _IDLE, "unix://" + path],
                                self._identity, stderr=subprocess.PIPE)
        self._stderr = _LastOutput(process)
        stack.callback(_end, process)
        self._connection = _Connection(path, self._timeout)
        stack.callback(self._connection.close)
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                self._connection.begin()
                return
            except (FileNotFoundError, ConnectionRefusedError):
                self._check_start(process, deadline)
                time.sleep(0.05)

    def _check_start(self, process: "subprocess.Popen[bytes]", deadline: float) -> None:
        if process.poll() is not None:
            raise ServiceError("podman system service: it ended with exit code %d: %s" % (process.returncode, self._stderr.last_line()))
        if time.monotonic() > deadline:
            raise ServiceError("podman system service: it did not open its socket in %d s" % self._timeout)


def _end(process: "subprocess.Popen[bytes]") -> None:
    _signal_session(process, signal.SIGTERM)
    try:
        process.wait(timeout=_ENDS)
    except subprocess.TimeoutExpired:
        _signal_session(process, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_GONE)


def _signal_session(process: "subprocess.Popen[bytes]", number: int) -> None:
    """Signal the service's session: rootless Podman is a parent and a child in a user namespace."""
    with suppress(ProcessLookupError):  # it has ended by itself
        os.killpg(process.pid, number)


class _LastOutput:
    """The end of what a process writes to its standard error, read as it comes, so that it never waits for a reader."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._data = b""
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, args=(process.stderr,), daemon=True)
        self._reader.start()

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe:
            while True:
                part = os.read(pipe.fileno(), 65536)
                if not part:
                    return
                with self._lock:
                    self._data = (self._data + part)[-_MAX_STDERR:]

    def last_line(self) -> str:
        """Return the last line: the error; warnings stand above it."""
        self._reader.join(_LATE)  # of a process that has ended everything is there then
        with self._lock:
            lines = self._data.decode("utf-8", "replace").splitlines()
        messages = [line.strip() for line in lines if line.strip()]
        return messages[-1][:500] if messages else "no message"


class _Socket(socket.socket):
    """Gives up at a point in time and after a number of bytes, whatever comes, and however slowly."""

    deadline = 0.0  # on the monotonic clock
    left = 0  # bytes

    def recv_into(self, *args: Any, **named: Any) -> int:
        """Receive as far as there is time and room."""
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise socket.timeout("timed out")
        self.settimeout(seconds)
        count = super().recv_into(*args, **named)
        self.left -= count
        if self.left < 0:
            raise OSError("the answer has more than %d bytes" % _MAX_ANSWER)
        return count


class _Connection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost")
        self._path = path
        self._seconds = timeout
        self._socket: _Socket  # the same as sock, set by connect()

    def begin(self) -> None:
        """Connect, if need be, and give the next exchange its time and size."""
        if self.sock is None:
            self.connect()
        self._socket.settimeout(self._seconds)
        self._socket.deadline, self._socket.left = time.monotonic() + self._seconds, _MAX_ANSWER

    def connect(self) -> None:
        connected = _Socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connected.settimeout(self._seconds)
        try:
            connected.connect(self._path)
        except OSError:
            connected.close()
            raise
        self.sock = self._socket = connected
