# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The layout of report.json as we write it: each element of its arrays is a line of its own, and each other key is one.

So it is read in bounded memory, from any element on, and grep and diff are of use.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from .shape import ELEMENTS

ARRAYS = tuple(ELEMENTS)
_ARRAY_BEGINS = re.compile(rb'"([a-z_]+)"\s*:\s*\[')
_ARRAY_ENDS = (b"]", b"],")

Element = dict[str, Any]


def scan_lines(path: str) -> tuple[Element, dict[str, int | None]] | None:
    """Return (what is in no array, by array the offset of its first element, None: it has none) of a file.

    None: it has another layout. Elements are not read.

    :raises OSError:
    """
    head: Element = {}
    begins: dict[str, int | None] = {}
    array: str | None = None
    begun, ended = False, False
    with open(path, "rb") as stream:
        for offset, line in _numbered(stream, 0):
            if ended or not begun and line != b"{":
                return None
            if not begun:
                begun = True
            elif array is not None:
                if line in _ARRAY_ENDS:
                    array = None
                elif not _is_element(line.rstrip(b",")):
                    return None
                elif begins[array] is None:
                    begins[array] = offset
            elif line == b"}":
                ended = True
            elif (match := _ARRAY_BEGINS.fullmatch(line)) and match.group(1).decode("ascii") in ARRAYS:
                array = match.group(1).decode("ascii")
                begins[array] = None
            else:
                try:
                    head.update(_parse(b"{%s}" % line.rstrip(b",")))
                except (ValueError, RecursionError):
                    return None
    begins.update((name, None) for name in ARRAYS if name in head and head.pop(name) == [])
    return (head, begins) if ended and len(begins) == len(ARRAYS) else None


def read_lines(path: str, begin: int | None) -> Iterator[tuple[int, Element]]:
    """Yield (offset, element) of an array.

    :param begin: from scan_lines().
    :raises OSError, ValueError, RecursionError: a line is no element.
    """
    if begin is None:
        return
    with open(path, "rb") as stream:
        stream.seek(begin)
        for offset, line in _numbered(stream, begin):
            if line in _ARRAY_ENDS:
                return
            yield offset, _parse(line.rstrip(b","))
    raise ValueError("it changed while it was read")


def read_line(stream: BinaryIO, offset: int) -> Element:
    """Return the element at an offset.

    :raises OSError, ValueError, RecursionError: there is none.
    """
    stream.seek(offset)
    return _parse(stream.readline().strip().rstrip(b","))


def refuse_constant(constant: str) -> None:
    """For json's parse_constant: NaN and Infinity are no JSON."""
    raise ValueError("%s is not JSON" % constant)


_DECODER = json.JSONDecoder(parse_constant=refuse_constant)


def _numbered(stream: BinaryIO, offset: int) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, line without white space around it) of the lines that are not empty."""
    for raw in stream:
        line = (raw if offset else raw.removeprefix(codecs.BOM_UTF8)).strip()
        if line:
            yield offset, line
        offset += len(raw)


def _parse(text: bytes) -> Element:
    value = _DECODER.decode(text.decode("utf-8"))
    if not isinstance(value, dict):
        raise ValueError("no object: %r" % text[:80])
    return value


def _is_element(text: bytes) -> bool:
    """Whether a line is a whole object, and not the beginning of one that goes on in the next line."""
    if not text.startswith(b"{") or not text.endswith(b"}"):
        return False
    if text.count(b"{") == text.count(b"}") and text.count(b"[") == text.count(b"]"):
        return True  # without parsing it, which takes most of the time of reading
    try:
        return bool(_parse(text))  # there are brackets in its texts
    except (ValueError, RecursionError):
        return False
