# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs on the host: the bare API calls, update.py CONTAINERS BYTES; prints the seconds."""

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


def update(count, size):
    """Set the limit of bench-0 … one by one."""
    connection = Connection("localhost")
    for number in range(count):
        connection.request("POST", "/v4.0.0/libpod/containers/bench-%d/update" % number,
                           json.dumps({"memory": {"limit": size, "swap": size}}), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 201:
            sys.exit("bench-%d: %d %s" % (number, answer.status, body.decode("utf-8", "replace")))


def main():
    """Start the service, make the calls, end the service."""
    began = time.monotonic()
    with subprocess.Popen(["podman", "system", "service", "--time=0", "unix://" + SOCKET]) as service:
        try:
            while not os.path.exists(SOCKET):
                time.sleep(0.05)
            update(int(sys.argv[1]), int(sys.argv[2]))
        finally:
            service.terminate()
            service.wait()
            if os.path.exists(SOCKET):
                os.unlink(SOCKET)
    print(time.monotonic() - began)


main()
