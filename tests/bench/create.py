# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs on the host: create.py N [BYTES] makes containers bench-0 … bench-N-1 through Podman's API, without starting them.

With BYTES it sets their limit instead, and prints the seconds from the start of the service to its end.
One `podman system service` for all: a `podman create` for each takes a second on an emulated host.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import time

SOCKET = "/run/podman-bench.sock"


class Connection(http.client.HTTPConnection):
    """HTTP over the service's socket."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(SOCKET)


def create(connection, name):
    """Make one container; it is fine when it is there already."""
    spec = {"name": name, "image": "localhost/bb:latest", "command": ["sleep", "1000"], "netns": {"nsmode": "none"},
            "resource_limits": {"memory": {"limit": 64 << 20}}, "labels": {"bench": "yes"}}
    connection.request("POST", "/v4.0.0/libpod/containers/create", json.dumps(spec), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status not in (201, 409) and b"already in use" not in body:
        sys.exit("%s: %d %s" % (name, answer.status, body.decode("utf-8", "replace")))


def update(connection, name, size):
    """Set the limit of one container: nothing but the call."""
    connection.request("POST", "/v4.0.0/libpod/containers/%s/update" % name,
                       json.dumps({"memory": {"limit": size, "swap": size}}), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 201:
        sys.exit("%s: %d %s" % (name, answer.status, body.decode("utf-8", "replace")))


def main():
    """Start the service, make or change the containers, end the service."""
    began = time.monotonic()
    with subprocess.Popen(["podman", "system", "service", "--time=0", "unix://" + SOCKET]) as service:
        try:
            for _attempt in range(300):
                if os.path.exists(SOCKET):
                    break
                time.sleep(0.1)
            connection = Connection("localhost")
            for number in range(int(sys.argv[1])):
                if len(sys.argv) > 2:
                    update(connection, "bench-%d" % number, int(sys.argv[2]))
                else:
                    create(connection, "bench-%d" % number)
        finally:
            service.terminate()
            service.wait()
            if os.path.exists(SOCKET):
                os.unlink(SOCKET)
    print(time.monotonic() - began)


main()
