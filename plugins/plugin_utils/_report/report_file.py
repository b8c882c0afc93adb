# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Write report.json (podman_fleet.memory/report/v1) in bounded memory.

Hosts and findings go to spools on the disk while they come; the head, which counts them, is
known only at the end and stands first. Each element of its arrays is a line of its own: a reader
needs no memory for the whole either (_reader.py), and grep and diff are of use.
"""

from __future__ import annotations

import json
import os
import shutil
from typing import Any, TextIO

SCHEMA = "podman_fleet.memory/report/v1"
FILE = "report.json"
ARRAYS = ("hosts", "findings", "resolved", "carried_over")


class Writer:
    """A report.json that grows."""

    def __init__(self, directory: str) -> None:
        """:param directory: where report.json will be; the spools are there meanwhile."""
        self._directory = directory
        self._spools: dict[str, TextIO] = {
            # ASCII: a name with an escape sequence in it does nothing when the file is shown
            name: open(os.path.join(directory, ".%s.spool" % name), "w+", encoding="ascii") for name in ARRAYS}
        self._empty = dict.fromkeys(ARRAYS, True)

    def add(self, array: str, element: dict[str, Any]) -> None:
        """Add an element to an array (one of ARRAYS)."""
        self._spools[array].write(("" if self._empty[array] else ",\n") + _dump(element))
        self._empty[array] = False

    def finish(self, head: dict[str, Any]) -> str:
        """Put it together and return the path.

        :param head: generated_at, run, summary, trend.
        """
        path = os.path.join(self._directory, FILE)
        with open(path, "w", encoding="ascii") as stream:
            stream.write("{\n")
            for key, value in [("schema", SCHEMA), *head.items()]:
                stream.write('"%s": %s,\n' % (key, _dump(value)))
            for number, name in enumerate(ARRAYS):
                stream.write(('"%s": []' if self._empty[name] else '"%s": [\n') % name)
                if not self._empty[name]:
                    self._spools[name].seek(0)
                    shutil.copyfileobj(self._spools[name], stream, 1 << 20)
                    stream.write("\n]")
                stream.write(",\n" if number < len(ARRAYS) - 1 else "\n")
            stream.write("}\n")
        self.close()
        return path

    def close(self) -> None:
        """Remove the spools."""
        for spool in self._spools.values():
            spool.close()
            if os.path.exists(spool.name):
                os.unlink(spool.name)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(", ", ": "))
