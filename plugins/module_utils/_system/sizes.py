# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Sizes of memory as people write them: 536870912, "512m", "1.5GiB", "unlimited".

Pure. Units are powers of 1024 with and without "iB", as Podman reads them
(docker/go-units RAMInBytes).
"""

import re

UNLIMITED = "unlimited"
MAX_SIZE = 2 ** 63 - 1  # the kernel and Podman count bytes in 64 bits with a sign
_UNITS = ("", "k", "m", "g", "t")
# With this many digits all sizes can be written, and no text keeps us busy.
_SIZE = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,20}))? ?(?:([kmgt])(?:i?b)?|b)?", re.ASCII | re.IGNORECASE)
_HOW = "give bytes, such as 536870912, or a number with k, m, g or t, such as 512m or 1.5GiB"


def parse_size(value):
    """Return the bytes that a size means, None for "unlimited".

    :raises ValueError: says which value is no size, and what would be one.
    """
    if isinstance(value, str):
        text = value.strip()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        text = repr(value)
    else:
        raise ValueError("%s is not a size: %s" % (_said(value), _HOW))
    if text.lower() == UNLIMITED:
        return None
    if text.startswith("-"):
        raise ValueError("%s is negative: %s, or %r for no limit" % (_said(value), _HOW, UNLIMITED))
    count = _bytes(text, value)
    if count == 0:
        # Podman takes 0 for "not given" in one place and for "no limit" in another
        raise ValueError("%s is no size that can be used: %s, or %r for no limit" % (_said(value), _HOW, UNLIMITED))
    if count > MAX_SIZE:
        raise ValueError("%s is more than any host can have: at most %d bytes" % (_said(value), MAX_SIZE))
    return count


def _bytes(text, value):
    """Parts of a byte that a unit leaves are dropped, as Podman does; without a unit they are a mistake."""
    found = _SIZE.fullmatch(text)
    if not found:
        raise ValueError("%s is not a size: %s" % (_said(value), _HOW))
    whole, fraction, unit = found.group(1), found.group(2) or "", (found.group(3) or "").lower()
    factor = 1024 ** _UNITS.index(unit)
    if not unit and fraction.strip("0"):
        raise ValueError("%s is not a whole number of bytes: %s" % (_said(value), _HOW))
    # in whole numbers: a float would lose bytes from 8 PiB on
    return int(whole) * factor + int(fraction or "0") * factor // 10 ** len(fraction)


def format_size(count):
    """Return exactly these bytes in the shortest form that Podman and parse_size read; None is "unlimited"."""
    if count is None:
        return UNLIMITED
    unit = 0
    while count and count % 1024 == 0 and unit < len(_UNITS) - 1:
        count, unit = count // 1024, unit + 1
    return "%d%s" % (count, _UNITS[unit])


def _said(value):
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
