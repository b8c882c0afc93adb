# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs on the host, for the containers bench-0 … bench-N-1, through Podman's API:

    create.py create N           make those that are not there, without starting them
    create.py start N            start them
    create.py update N BYTES     set their limit

Each prints the seconds from the start of the service to its end. One `podman system service` for all: a
`podman create` for each takes a second on an emulated host.
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


def call(connection, path, body, fine):
    """One request; ends the program when its answer is none of those that are fine (status or part of the text)."""
    connection.request("POST", "/v4.0.0/libpod/containers/" + path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "replace")
    if answer.status not in fine and not any(isinstance(each, str) and each in text for each in fine):
        sys.exit("%s: %d %s" % (path, answer.status, text))


def create(connection, name):
    """Make one container; it is fine when it is there already."""
    spec = {"name": name, "image": "localhost/bb:latest", "command": ["sleep", "100000"], "netns": {"nsmode": "none"},
            "resource_limits": {"memory": {"limit": 64 << 20}}, "labels": {"bench": "yes"}}
    call(connection, "create", spec, (201, 409, "already in use"))


def start(connection, name):
    """Start one container; it is fine when it runs."""
    call(connection, name + "/start", {}, (204, 304))


def update(connection, name, size):
    """Set the limit of one container: nothing but the call."""
    call(connection, name + "/update", {"memory": {"limit": int(size), "swap": int(size)}}, (201,))


def main():
    """Start the service, do what is asked for with each container, end the service."""
    what, count, more = {"create": create, "start": start, "update": update}[sys.argv[1]], int(sys.argv[2]), sys.argv[3:]
    began = time.monotonic()
    with subprocess.Popen(["podman", "system", "service", "--time=0", "unix://" + SOCKET]) as service:
        try:
            for _attempt in range(300):
                if os.path.exists(SOCKET):
                    break
                time.sleep(0.1)
            connection = Connection("localhost")
            for number in range(count):
                what(connection, "bench-%d" % number, *more)
        finally:
            service.terminate()
            service.wait()
            if os.path.exists(SOCKET):
                os.unlink(SOCKET)
    print(time.monotonic() - began)


if __name__ == "__main__":
    main()
