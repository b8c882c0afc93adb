# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Read a report.json line by line: a fleet's facts do not fit into memory.

Each element of its arrays is a line of its own (_report.py). Knows nothing of what they mean.
"""

from __future__ import annotations

import json
import os
from typing import Any, BinaryIO, Iterator

from .report_file import ARRAYS, FILE, SCHEMA

Element = dict[str, Any]


def path_of(given: str) -> str:
    """Return the path of the report.json that a path means: itself, or the one in a directory."""
    path = os.path.abspath(given)
    return os.path.join(path, FILE) if os.path.isdir(path) else path


def head(path: str) -> dict[str, Any]:
    """Return what stands before the arrays: schema, generated_at, run, summary, trend.

    :raises ValueError: when it is not a report as _report.py writes it.
    """
    found: dict[str, Any] = {}
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            text = line.strip()
            if text == "{":
                continue
            if any(text.startswith('"%s": [' % name) for name in ARRAYS):
                break
            found.update(_object("{%s}" % text.rstrip(",")))
    if found.get("schema") != SCHEMA:
        raise ValueError("its schema is not %s" % SCHEMA)
    if not isinstance(found.get("generated_at"), str):
        raise ValueError("it has no generated_at at its beginning")
    return found


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("no object: %s" % text[:80])
    return value


def located(path: str, *names: str) -> Iterator[tuple[str, int, Element]]:
    """Yield (array's name, offset of the line, element) of the named top-level arrays, one at a time.

    :raises ValueError: when it is not a report as _report.py writes it.
    """
    current, offset = None, 0
    with open(path, "rb") as stream:
        for line in stream:
            text, at = line.strip(), offset
            offset += len(line)
            if current is None:
                opened = next((name for name in names if text.startswith(b'"%s": [' % name.encode("ascii"))), None)
                current = opened if opened and not text.rstrip(b",").endswith(b"]") else None
            elif text.rstrip(b",") == b"]":
                current = None
            else:
                yield current, at, json.loads(text.rstrip(b","))


def elements(path: str, *names: str) -> Iterator[tuple[str, Element]]:
    """Yield (array's name, element) of the named top-level arrays, one at a time.

    :raises ValueError: when it is not a report as _report.py writes it.
    """
    for name, _offset, element in located(path, *names):
        yield name, element


def at(stream: BinaryIO, offset: int) -> Element:
    """Return the element on the line that begins at an offset."""
    stream.seek(offset)
    return json.loads(stream.readline().strip().rstrip(b","))


def by_host(path: str) -> Iterator[tuple[Element, list[Element]]]:
    """Yield (element of `hosts`, its findings) in the order of the report, in which both are.

    :raises ValueError: when they are not in the same order.
    """
    findings = (each for _name, each in elements(path, "findings"))
    ahead = next(findings, None)
    for _name, entry in elements(path, "hosts"):
        own = []
        while ahead is not None and ahead["host"] == entry["name"]:
            own.append(ahead)
            ahead = next(findings, None)
        yield entry, own
    if ahead is not None:
        raise ValueError("findings of %r, which is not the next of its hosts" % ahead["host"])
