# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

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

from .._system.command import CommandError, runtime_dir, start_command

# The service ends by itself when we are killed and nobody asks any more.
_IDLE = 120
_MAX_ANSWER = 1024 * 1024
# 4.0.0 is the least that Podman 4 and 5 answer to (version/version.go: MinimalAPI).
_API = "/v4.0.0/libpod"


class ServiceError(Exception):
    """The service could not be started, did not answer, or refused."""


class Service(object):
    """A context manager: `with Service("podman", identity, 60) as service: service.update(ident, {...})`.

    :param executable: name or path of Podman.
    :param identity: _command.Identity of the owner.
    :param timeout: seconds to start, and for each call.
    """

    def __init__(self, executable, identity, timeout):
        self._executable = executable
        self._identity = identity
        self._timeout = timeout
        self._folder = None
        self._process = None
        self._connection = None

    def __enter__(self):
        try:
            self._start()
        except (CommandError, OSError) as exc:
            self._stop()
            raise ServiceError("podman system service: %s" % exc)
        except ServiceError:
            self._stop()
            raise
        return self

    def __exit__(self, *_exception):
        self._stop()

    def update(self, ident, resources):
        """Change a container's resources (a part of a LinuxResources of the OCI runtime spec).

        :raises ServiceError: with Podman's own words.
        """
        try:
            self._connection.request("POST", "%s/containers/%s/update" % (_API, ident), json.dumps(resources),
                                     {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            body = answer.read(_MAX_ANSWER)
        except (OSError, http.client.HTTPException) as exc:
            self._connection.close()  # the next request connects anew
            raise ServiceError("podman system service: no answer to the update: %s" % (exc or type(exc).__name__))
        if answer.status not in (200, 201):
            raise ServiceError("Podman refused it (HTTP %d): %s" % (answer.status, self._why(body)))

    def _why(self, body):
        """Podman's message; the runtime's own is on the service's standard error."""
        try:
            message = json.loads(body.decode("utf-8", "replace")).get("message", "")
        except (AttributeError, ValueError):
            message = body[:200].decode("utf-8", "replace")
        return "%s (%s)" % (message, self._complaint())

    def _complaint(self):
        """The last line on the service's standard error."""
        with open(os.path.join(self._folder, "stderr"), "rb") as stream:
            lines = stream.read(_MAX_ANSWER).decode("utf-8", "replace").splitlines()
        said = [line.strip() for line in lines if line.strip()]
        return said[-1][:500] if said else "no message"

    def _start(self):
        private = "/run" if os.geteuid() == 0 else runtime_dir(self._identity)
        self._folder = tempfile.mkdtemp(prefix="podman-fleet-", dir=private)
        path = os.path.join(self._folder, "api.sock")
        if os.geteuid() == 0:
            os.chown(self._folder, self._identity.uid, self._identity.gid)
        with open(os.path.join(self._folder, "stderr"), "wb") as complaints:
            self._process = start_command([self._executable, "system", "service", "--time=%d" % _IDLE, "unix://" + path],
                                  self._identity, stderr=complaints)
        self._connection = _Connection(path, self._timeout)
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                self._connection.connect()
                return
            except (FileNotFoundError, ConnectionRefusedError):
                self._still_starting(deadline)
                time.sleep(0.05)

    def _still_starting(self, deadline):
        if self._process.poll() is not None:
            raise ServiceError("podman system service: it ended with exit code %d: %s" % (
                self._process.returncode, self._complaint()))
        if time.monotonic() > deadline:
            raise ServiceError("podman system service: it did not open its socket in %d s" % self._timeout)

    def _stop(self):
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._end(signal.SIGTERM)
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._end(signal.SIGKILL)
                self._process.wait()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self, number):
        """Signal the service's session: rootless Podman is a parent and a child in a user namespace."""
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass  # it has ended by itself


class _Connection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path, timeout):
        http.client.HTTPConnection.__init__(self, "localhost", timeout=timeout)
        self._path = path

    def connect(self):
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connected.settimeout(self.timeout)
        try:
            connected.connect(self._path)
        except OSError:
            connected.close()
            raise
        self.sock = connected
