# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write and read report.json (podman_fleet.memory/report/v1): a fleet's facts do not fit into memory.

Of a file with the layout of lines.py one element at a time is read. The same JSON in another layout (after `jq .`, on
one line, keys in another order) is read too, as a whole.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, TextIO

from .lines import ARRAYS, CHANGED, Element, parse_document, read_line, read_lines, scan_lines
from .shape import ELEMENTS, HEAD, SCHEMA, check_shape

FILE = "report.json"
MAX_WHOLE_SIZE = 256 << 20  # bytes of a file that is read as a whole; as Python's objects it takes several times as much


class ReportError(ValueError):
    """A file cannot be read as a report; the message names it and says why."""


def report_path(given: str) -> str:
    """Return the path of the report.json that a path means: itself, or the one in a directory."""
    path = os.path.abspath(given)
    return os.path.join(path, FILE) if os.path.isdir(path) else path


class Report:
    """A report.json, of which one element after the other can be read."""

    def __init__(self, path: str) -> None:
        """Read what is not in its arrays, and find those.

        :raises ReportError: it is not a report.
        """
        self.path = path
        self.head: Element = {}  # schema, generated_at, run, summary, trend
        self._begins: dict[str, int | None] = {}  # by array: offset of its first element; None: it has none
        self._elements: list[Element] = []  # of all arrays, when the file had to be read as a whole
        self._spans: dict[str, range] = {}  # by array: its part of them
        self._version: tuple[int, int] | None = None  # size and time of the file that was opened first
        try:
            with self._open() as stream:
                layout = scan_lines(stream)
                if layout is None:
                    stream.seek(0)
                    self._read_whole(stream)
                else:
                    self.head, self._begins = layout
                    check_shape(self.head, HEAD)
        except (OSError, ValueError, RecursionError) as exc:
            raise self._error(exc) from exc

    def elements(self, *arrays: str) -> Iterator[tuple[str, int, Element]]:
        """Yield (array, place, element) of the named arrays, one array after the other.

        :raises ReportError: an element is not one.
        """
        for array in arrays:
            try:
                for place, element in self._located(array):
                    check_shape(element, ELEMENTS[array], array + "[]")
                    yield array, place, element
            except (OSError, ValueError, RecursionError) as exc:
                raise self._error(exc) from exc

    def read(self, places: Iterable[int]) -> list[Element]:
        """Return the elements at places that elements() gave.

        :raises ReportError: the file has changed since.
        """
        if self._spans:
            return [self._elements[place] for place in places]
        try:
            with self._open() as stream:
                return [read_line(stream, place) for place in places]
        except (OSError, ValueError, RecursionError) as exc:
            raise self._error(exc) from exc

    def by_host(self) -> Iterator[tuple[Element, list[Element]]]:
        """Yield (element of `hosts`, its findings) in the order of the report, which is that of both arrays.

        :raises ReportError: they are not in the same order, or an element is not one.
        """
        findings = (finding for _array, _place, finding in self.elements("findings"))
        ahead = next(findings, None)
        for _array, _place, entry in self.elements("hosts"):
            own = []
            while ahead is not None and ahead["host"] == entry["name"]:
                own.append(ahead)
                ahead = next(findings, None)
            yield entry, own
        if ahead is not None:
            raise self._error(ValueError("findings of %r, which is not the next of its hosts" % ahead["host"]))

    def _located(self, array: str) -> Iterator[tuple[int, Element]]:
        if self._spans:
            yield from ((place, self._elements[place]) for place in self._spans[array])
        else:
            with self._open() as stream:
                yield from read_lines(stream, self._begins[array])

    def _open(self) -> BinaryIO:
        """Open the file, which has to be the same each time: places are of no use in another one.

        :raises OSError, ValueError: it is not.
        """
        # without O_NONBLOCK, a FIFO would wait for somebody who writes
        stream = open(self.path, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK))
        status = os.fstat(stream.fileno())
        version = (status.st_size, status.st_mtime_ns)
        if not stat.S_ISREG(status.st_mode) or self._version not in (None, version):
            stream.close()
            raise ValueError(CHANGED if self._version else "it is not a regular file")
        self._version = version
        return stream

    def _error(self, error: Exception) -> ReportError:
        return ReportError("%s cannot be read as a report: %s" % (self.path, error))

    def _read_whole(self, stream: BinaryIO) -> None:
        if os.fstat(stream.fileno()).st_size > MAX_WHOLE_SIZE:
            raise ValueError("it is not laid out in lines as audit_report writes it, and with more than %d MiB too large to be "
                             "read as a whole" % (MAX_WHOLE_SIZE >> 20))
        document = parse_document(stream.read())
        check_shape(document, {**HEAD, **{array: [{}] for array in ARRAYS}})
        for array in ARRAYS:
            elements = document.pop(array)
            self._spans[array] = range(len(self._elements), len(self._elements) + len(elements))
            self._elements += elements
        self.head = document


class Writer:
    """A report.json that grows: hosts and findings wait in spools on the disk, since the head, which counts them, comes first."""

    def __init__(self, directory: str) -> None:
        """:param directory: where report.json will be; the spools are there meanwhile."""
        self._directory = directory
        self._spools: dict[str, TextIO] = {
            # ASCII: a name with an escape sequence in it does nothing when the file is shown
            name: open(os.path.join(directory, ".%s.spool" % name), "w+", encoding="ascii") for name in ARRAYS}
        self._empty = dict.fromkeys(ARRAYS, True)

    def add(self, array: str, element: Element) -> None:
        """Add an element to an array (one of ARRAYS)."""
        self._spools[array].write(("" if self._empty[array] else ",\n") + _dump(element))
        self._empty[array] = False

    def finish(self, head: Element) -> str:
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
