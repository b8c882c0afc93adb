# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all formats of a report share: the class of a renderer, text from hosts made harmless, looks into odd facts.

Pure.
"""

from __future__ import annotations

from typing import Any, TextIO

from .._model.finding import Finding
from .._report.tally import Tally
from .._text import printable

# More than any name has, and what a spreadsheet takes in one cell (Excel: 32,767 characters).
MAX_CHARS = 32000


class Renderer:
    """One format of one report: takes a host at a time and writes it at once, so that none holds the fleet."""

    def __init__(self, stream: TextIO, head: dict[str, Any], tally: Tally) -> None:
        """:param stream: the file, which others close; head: what is in no array of the report.json; tally: of all of it."""
        self.stream, self.head, self.tally = stream, head, tally

    def add_host(self, entry: dict[str, Any], findings: list[Finding]) -> None:
        """Take the next element of `hosts` and its findings."""

    def add_resolved(self, finding: dict[str, Any]) -> None:
        """Take the next element of `resolved`, after all hosts."""

    def finish(self) -> None:
        """Write what is left."""


def sanitize(value: object) -> str:
    """Return a value as text that does nothing: no control, bidi or invisible characters, no surrogates.

    Lines stay lines. None is the empty text. For one line on a terminal there is printable().
    """
    if value is None:
        return ""
    text = str(value)
    if len(text) > MAX_CHARS:
        text = text[: MAX_CHARS - 1] + "…"
    return "\n".join(printable(line, MAX_CHARS) for line in text.split("\n"))


def dig(value: Any, *path: str) -> Any:
    """Return what is at a path in nested mappings, None where something on the way is missing or not a mapping."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def dicts_in(value: Any) -> list[dict[str, Any]]:
    """Return the mappings of a list; none when it is not a list."""
    return [element for element in value if isinstance(element, dict)] if isinstance(value, list) else []
