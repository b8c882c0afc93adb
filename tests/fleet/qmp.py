"""The few words of QEMU's monitor protocol that saving a machine needs."""

import json
import socket
import time

from .errors import FleetError


class Monitor:
    """One connection to a QEMU's monitor socket."""

    def __init__(self, path, timeout=30):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._lines.readline()  # greeting
        self.execute("qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._lines.close()
        self._socket.close()

    def execute(self, command, **arguments):
        """Sends one command and returns its result; events in between are dropped."""
        self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        for line in self._lines:
            answer = json.loads(line)
            if "error" in answer:
                raise FleetError(f"qemu: {command}: {answer['error'].get('desc')}")
            if "return" in answer:
                return answer["return"]
        raise FleetError(f"qemu: {command}: the connection ended")

    def migrated(self, timeout):
        """Waits until a migration (out or in) has ended well."""
        end = time.monotonic() + timeout
        while True:
            shown = self.execute("query-migrate")
            if shown.get("status") == "completed":
                return
            if shown.get("status") in ("failed", "cancelled") or time.monotonic() > end:
                raise FleetError(f"qemu: migration {shown.get('status')}: {shown.get('error-desc', '')}")
            time.sleep(0.1)
