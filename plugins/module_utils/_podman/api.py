# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Podman's REST API for one user, for as long as it is needed.

Starts one `podman system service` as the user who owns the containers, on a socket in a private directory,
speaks HTTP over it, and ends it. No socket stays open on the host.
"""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, suppress
from typing import Any, Dict

from .._system.command import CommandError, Identity, runtime_dir, start_command

_IDLE = 120  # seconds without a request after which the service ends by itself, should we be killed
_MAX_ANSWER = 1024 * 1024  # bytes
# the lowest version that Podman 4 and 5 accept (version/version.go: MinimalAPI)
_API = "/v4.0.0/libpod"


class ServiceError(Exception):
    """The service could not be started, did not answer, or refused."""


class PodmanService:
    """A context manager: `with PodmanService("podman", identity, 60) as service: service.update(ident, {...})`.

    :param executable: name or path of Podman.
    :param identity: of the owner.
    :param timeout: seconds to start, and for each call.
    """

    def __init__(self, executable: str, identity: Identity, timeout: float) -> None:
        self._executable = executable
        self._identity = identity
        self._timeout = timeout
        self._cleanup = ExitStack()
        self._stderr: str  # path; set by _start(), like the next one
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
        return "%s (%s)" % (message, self._last_error())

    def _last_error(self) -> str:
        with open(self._stderr, "rb") as stream:
            lines = stream.read(_MAX_ANSWER).decode("utf-8", "replace").splitlines()
        messages = [line.strip() for line in lines if line.strip()]
        return messages[-1][:500] if messages else "no message"

    def _start(self, stack: ExitStack) -> None:
        root = os.geteuid() == 0
        private = "/run" if root else runtime_dir(self._identity)
        folder = tempfile.mkdtemp(prefix="podman-fleet-", dir=private)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        path = os.path.join(folder, "api.sock")
        self._stderr = os.path.join(folder, "stderr")
        if root:
            os.chown(folder, self._identity.uid, self._identity.gid)
        with open(self._stderr, "wb") as stderr:
            process = start_command([self._executable, "system", "service", "--time=%d" % _IDLE, "unix://" + path],
                                    self._identity, stderr=stderr)
        stack.callback(_end, process)
        self._connection = _Connection(path, self._timeout)
        stack.callback(self._connection.close)
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                self._connection.connect()
                return
            except (FileNotFoundError, ConnectionRefusedError):
                self._check_start(process, deadline)
                time.sleep(0.05)

    def _check_start(self, process: "subprocess.Popen[bytes]", deadline: float) -> None:
        if process.poll() is not None:
            raise ServiceError("podman system service: it ended with exit code %d: %s" % (process.returncode, self._last_error()))
        if time.monotonic() > deadline:
            raise ServiceError("podman system service: it did not open its socket in %d s" % self._timeout)


def _end(process: "subprocess.Popen[bytes]") -> None:
    _signal_session(process, signal.SIGTERM)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        _signal_session(process, signal.SIGKILL)
        process.wait()


def _signal_session(process: "subprocess.Popen[bytes]", number: int) -> None:
    """Signal the service's session: rootless Podman is a parent and a child in a user namespace."""
    with suppress(ProcessLookupError):  # it has ended by itself
        os.killpg(process.pid, number)


class _Connection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connected.settimeout(self.timeout)
        try:
            connected.connect(self._path)
        except OSError:
            connected.close()
            raise
        self.sock = connected
