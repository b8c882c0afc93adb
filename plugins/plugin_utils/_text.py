# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words for people: names made harmless, sizes, times, and text that fits a width.

Pure. Everything a host says (names, labels, task names, error messages) goes through
`printable` before a terminal sees it. Commands take less: see _rules/words.py.
"""

from __future__ import annotations

import datetime
import unicodedata

# General categories that a terminal acts on, or that make text look like another text:
# controls (ESC, CR, BEL), format characters (bidi overrides, zero-width), surrogates, private
# use, unassigned, line and paragraph separators, and marks that NFC could not join to a letter.
# Bidi overrides in names: CVE-2021-42574, "Trojan Source".
_HARMFUL = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Mn", "Me"))
_WIDE = frozenset("WF")
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def printable(value: object, max_chars: int = 400) -> str:
    """Return a value as one line of text that does nothing to a terminal.

    :param max_chars: it is cut after so many; nobody reads a name of a megabyte.
    """
    text = unicodedata.normalize("NFC", str(value)[: max_chars + 1])
    if len(text) > max_chars:
        text = text[: max_chars - 1] + "…"
    if text.isascii() and text.isprintable():
        return text  # almost every text, and many of them
    return "".join(_escape(char) for char in text)


def _escape(char: str) -> str:
    if char == " " or "!" <= char <= "~":
        return char
    category = unicodedata.category(char)
    if category == "Zs" or char in "\t\n\r":
        return " "
    if category in _HARMFUL:
        return "\\x%02x" % ord(char) if ord(char) < 256 else "\\u%04x" % ord(char)
    return char


def display_width(text: str) -> int:
    """Return how many columns a terminal uses for a text that `printable` made."""
    return sum(2 if unicodedata.east_asian_width(char) in _WIDE else 1 for char in text)


def truncate(text: str, width: int) -> str:
    """Return the text, cut to a number of columns; the cut is marked with an ellipsis."""
    if display_width(text) <= width:
        return text
    used = 0
    for end, char in enumerate(text):
        used += display_width(char)
        if used > width - 1:
            return text[:end].rstrip() + "…"
    return text


def pad(text: str, width: int) -> str:
    """Return the text cut or filled up to exactly a number of columns."""
    text = truncate(text, width)
    return text + " " * (width - display_width(text))


def human_size(count: object) -> str:
    """Return a number of bytes for people: "20 MiB", "1.5 GiB"; "unknown" for what is no such number."""
    if not isinstance(count, (int, float)) or isinstance(count, bool) or not 0 <= count < 1 << 64:
        return "unknown"
    value, unit = float(count), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    number = "%.0f" % value if value >= 100 or value == int(value) else "%.1f" % value
    return "%s %s" % (number[:-2] if number.endswith(".0") else number, _UNITS[unit])


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return "1 host", "3 hosts", "50,000 containers"."""
    return "%s %s" % (format(count, ","), one if count == 1 else many or one + "s")


def parse_time(value: object) -> datetime.datetime | None:
    """Return the time that an ISO 8601 text says, in UTC, which it also is when it names no zone; None when it is no such text."""
    if not isinstance(value, str):
        return None
    try:
        # fromisoformat takes "Z" from Python 3.11 on only
        parsed = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
        return parsed.astimezone(datetime.timezone.utc) if parsed.tzinfo else parsed.replace(tzinfo=datetime.timezone.utc)
    except (ValueError, OverflowError):  # OverflowError: it is in the year 0 or 10000 in UTC
        return None


def format_iso(moment: datetime.datetime) -> str:
    """Return a time as the reports write it: whole seconds, UTC, with Z."""
    return moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_time(value: object) -> str:
    """Return a time as "2026-11-23 18:58 UTC", or "at an unknown time"."""
    moment = parse_time(value)
    return moment.strftime("%Y-%m-%d %H:%M UTC") if moment else "at an unknown time"


def format_duration(seconds: float) -> str:
    """Return a time as "16 s", "3 min", "30 h" or "4 d": below two of a unit it is in the next smaller one."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return "%d %s" % (seconds // length, unit)
    return "%d s" % seconds


def format_age(value: object, now: object) -> str:
    """Return how long before `now` a time was: "12 min ago"; empty when one is unknown."""
    then, moment = parse_time(value), parse_time(now)
    if then is None or moment is None:
        return ""
    seconds = (moment - then).total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        # up to two days it is in hours: "30 h ago" says more than "1 d ago"
        if seconds >= length * (2 if unit != "min" else 1):
            return "%d %s ago" % (seconds // length, unit)
    return "just now"
