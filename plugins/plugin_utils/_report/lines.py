# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The layout of report.json as we write it: each element of its arrays is a line of its own, and each other key is one.

So it is read in bounded memory, from any element on, and grep and diff are of use.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NoReturn

from .shape import ELEMENTS

ARRAYS = tuple(ELEMENTS)
CHANGED = "it changed while it was read"
_ARRAY_BEGINS = re.compile(rb'"([a-z_]+)"\s*:\s*\[')
_ARRAY_ENDS = (b"]", b"],")

Element = dict[str, Any]


def scan_lines(stream: BinaryIO) -> tuple[Element, dict[str, int | None]] | None:
    """Return (what is in no array, by array the offset of its first element, None: it has none) of a file.

    None: it has another layout. Elements are not read.

    :raises OSError:
    :raises ValueError: a key stands twice.
    """
    head: Element = {}
    begins: dict[str, int | None] = {}
    keys: list[str] = []
    array: str | None = None
    begun, ended = False, False
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
            keys.append(array)
            begins[array] = None
        else:
            try:
                part = parse_document(b"{%s}" % line.rstrip(b","))
            except (ValueError, RecursionError):
                return None
            keys += part
            head.update(part)
    check_distinct(keys)
    begins.update((name, None) for name in ARRAYS if name in head and head.pop(name) == [])
    return (head, begins) if ended and len(begins) == len(ARRAYS) else None


def read_lines(stream: BinaryIO, begin: int | None) -> Iterator[tuple[int, Element]]:
    """Yield (offset, element) of an array.

    :param begin: from scan_lines().
    :raises OSError, ValueError, RecursionError: a line is no element.
    """
    if begin is None:
        return
    stream.seek(begin)
    for offset, line in _numbered(stream, begin):
        if line in _ARRAY_ENDS:
            return
        yield offset, _parse(line.rstrip(b","))
    raise ValueError(CHANGED)


def read_line(stream: BinaryIO, offset: int) -> Element:
    """Return the element at an offset.

    :raises OSError, ValueError, RecursionError: there is none.
    """
    stream.seek(offset)
    return _parse(stream.readline().strip().rstrip(b","))


def parse_document(text: bytes) -> Any:
    """Return the value of a JSON text, which may be in UTF-8, UTF-16 or UTF-32.

    :raises ValueError, RecursionError: it is none, or a key stands twice in an object.
    """
    return json.loads(text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_distinct)


def check_distinct(keys: list[str]) -> None:
    """:raises ValueError: a key stands twice; which of the two values counts is up to each reader of JSON."""
    if len(set(keys)) < len(keys):
        raise ValueError("it has the key %r twice" % next(key for key in keys if keys.count(key) > 1))


def _distinct(pairs: list[tuple[str, Any]]) -> Element:
    check_distinct([key for key, _value in pairs])
    return dict(pairs)


def _refuse(constant: str) -> NoReturn:
    raise ValueError("%s is not JSON" % constant)  # NaN, Infinity


def _finite(number: str) -> float:
    value = float(number)
    return value if math.isfinite(value) else _refuse(number)  # 1e400


# of elements, whose keys are not checked: that takes as long again
_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)


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
