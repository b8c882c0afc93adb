# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of styled pieces for a terminal.

Pure.
"""

from __future__ import annotations

from typing import NamedTuple

from ._text import display_width, truncate

INDENT = "  "


class Piece(NamedTuple):
    """Text of one style: title, bad, warn, good, dim or plain."""

    style: str
    text: str  # printable, see _text.py


Line = list[Piece]


def plain_text(lines: list[Line]) -> str:
    """Return the lines without styles."""
    return "\n".join("".join(piece.text for piece in line).rstrip() for line in lines)


def truncate_line(line: Line, width: int) -> Line:
    """Return the line, cut to a number of columns."""
    fitted = []
    for piece in line:
        text = truncate(piece.text, width) if width > 0 else ""
        width -= display_width(text)
        if text:
            fitted.append(Piece(piece.style, text))
        if text != piece.text:
            break
    return fitted


def more_line(count: int, what: str = "") -> Line:
    """Return the line that says how many are not listed: "… and 48 more"."""
    return [Piece("dim", "%s… and %s more%s" % (INDENT * 2, format(count, ","), " " + what if what else ""))]
