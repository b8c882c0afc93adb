# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Text from hosts made harmless for files that other programs read, and small looks into odd facts.

Pure. For one line on a terminal there is _text.printable; these keep all of a text, and its lines.
"""

from __future__ import annotations

from typing import Any

from .._text import printable

# More than any name has, and what a spreadsheet takes in one cell (Excel: 32,767 characters).
LONGEST = 32000


def sanitize(value: object) -> str:
    """Return a value as text that does nothing: no control, bidi or invisible characters, no surrogates.

    Lines stay lines; nothing but None is left out.
    """
    if value is None:
        return ""
    text = str(value)
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    return "\n".join(printable(line, LONGEST) for line in text.split("\n"))


def dig(where: Any, *path: str) -> Any:
    """Return what is at a path in nested mappings, None where something on the way is missing or none."""
    for key in path:
        where = where.get(key) if isinstance(where, dict) else None
    return where


def dicts_in(value: Any) -> list[dict[str, Any]]:
    """Return the mappings of a list; none when it is no list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
