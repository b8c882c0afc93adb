# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sizes of memory as people write them: 536870912, "512m", "1.5GiB", "unlimited"; and as Podman reads them.

Pure. Units are powers of 1024 with and without "iB", as for Podman.
"""

import re
from typing import Any, Optional

UNLIMITED = "unlimited"
MAX_SIZE = 2 ** 63 - 1  # the kernel and Podman count bytes in 64 bits with a sign
_MAX_REPR = 60
_UNITS = ("", "k", "m", "g", "t")
# 20 digits are enough for every size, and no text takes long to match.
_SIZE = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,20}))? ?(?:([kmgt])i?b?|b)?", re.ASCII | re.IGNORECASE)
# RAMInBytes of github.com/docker/go-units, in 0.4 (Podman 3) and 0.5 together: one takes "512mi", the other ".5g" and "+5m".
_PODMAN_SIZE = re.compile(r"\+?([0-9]{0,20})(?:\.([0-9]{0,20}))? ?(?:([kmgtp])i?b?|b)?", re.ASCII | re.IGNORECASE)
_PODMAN_UNITS = _UNITS + ("p",)
_EXPECTED = "give bytes, such as 536870912, or a number with k, m, g or t, such as 512m, 1.5GiB or 2Gi"


def parse_size(value: Any) -> Optional[int]:
    """Return the bytes of a size, None for "unlimited".

    :param value: a text or a number; anything else is refused.
    :raises ValueError: with the value that is no size, and what would be one.
    """
    if isinstance(value, str):
        text = value.strip()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        text = repr(value)
    else:
        raise ValueError("%s is not a size: %s" % (_short_repr(value), _EXPECTED))
    if text.lower() == UNLIMITED:
        return None
    if text.startswith("-"):
        raise ValueError("%s is negative: %s, or %r for no limit" % (_short_repr(value), _EXPECTED, UNLIMITED))
    count = _bytes(text, value)
    if count == 0:
        # Podman takes 0 for "not given" in one place and for "no limit" in another
        raise ValueError("%s is not a usable size: %s, or %r for no limit" % (_short_repr(value), _EXPECTED, UNLIMITED))
    if count > MAX_SIZE:
        raise ValueError("%s is more than any host can have: at most %d bytes" % (_short_repr(value), MAX_SIZE))
    return count


def _bytes(text: str, value: Any) -> int:
    """Fractions of a byte that a unit leaves are dropped, as Podman does; without a unit they are a mistake."""
    match = _SIZE.fullmatch(text)
    if not match:
        raise ValueError("%s is not a size: %s" % (_short_repr(value), _EXPECTED))
    whole, fraction, unit = match.group(1), match.group(2) or "", (match.group(3) or "").lower()
    factor = 1024 ** _UNITS.index(unit)
    if not unit and fraction.strip("0"):
        raise ValueError("%s is not a whole number of bytes: %s" % (_short_repr(value), _EXPECTED))
    return _count(whole, fraction, factor)


def parse_podman_size(text: str) -> int:
    """Return the bytes that Podman takes a size for: parts of a byte are dropped, 0 is left to the option to give a meaning.

    :raises ValueError: Podman would refuse it.
    """
    match = _PODMAN_SIZE.fullmatch(text)
    whole, fraction, unit = (match.group(number) or "" for number in (1, 2, 3)) if match else ("", "", "")
    if not whole and not fraction:
        raise ValueError("%s is not a size" % _short_repr(text))
    count = _count(whole or "0", fraction, 1024 ** _PODMAN_UNITS.index(unit.lower()))
    if count > MAX_SIZE:
        raise ValueError("%s is more than any host can have" % _short_repr(text))
    return count


def _count(whole: str, fraction: str, factor: int) -> int:
    """Integers: a float would lose bytes from 8 PiB on."""
    return int(whole) * factor + int(fraction or "0") * factor // 10 ** len(fraction)


def format_size(count: Optional[int]) -> str:
    """Return exactly these bytes in the shortest form that Podman and parse_size read; None is "unlimited"."""
    if count is None:
        return UNLIMITED
    unit = 0
    while count and count % 1024 == 0 and unit < len(_UNITS) - 1:
        count, unit = count // 1024, unit + 1
    return "%d%s" % (count, _UNITS[unit])


def _short_repr(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _MAX_REPR else text[:_MAX_REPR - 1] + "…"
