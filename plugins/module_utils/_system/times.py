# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times as the sources write them, to and from microseconds since the epoch.

Pure: opens nothing, reads no clock.
"""

import calendar
import re
import time
from typing import Optional

SECOND = 1000000  # microseconds

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?"
    r"\s*(Z|UTC|[+-]\d\d:?\d\d)?\s*$"
)
_MAX_LENGTH = 64  # of a text that may be a time: the patterns take quadratic time for white space
_SPAN = re.compile(r"(\d{1,6})\s*(s|min|m|h|d|w)$")
_SPAN_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_iso(text: str) -> Optional[int]:
    """Return the microseconds of an ISO 8601 time; None for Go's zero time (year 1), which Podman prints for "never".

    A time without a zone is UTC.

    :raises ValueError: the text is no such time.
    """
    match = _ISO.match(text.strip()) if len(text) <= _MAX_LENGTH else None
    if not match:
        raise ValueError("%r is not an ISO 8601 time" % text[:_MAX_LENGTH])
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    if int(year) < 1970:
        return None
    fields = [int(part or 0) for part in (year, month, day, hour, minute, second)]
    if not (1 <= fields[1] <= 12 and 1 <= fields[2] <= calendar.monthrange(fields[0], fields[1])[1]
            and fields[3] < 24 and fields[4] < 60 and fields[5] < 61):
        raise ValueError("%r is not a time that exists" % text)
    seconds = calendar.timegm(tuple(fields) + (0, 0, 0)) - _utc_offset(zone)
    return seconds * SECOND + int((fraction or "0").ljust(6, "0")[:6])


def _utc_offset(zone: Optional[str]) -> int:
    """Seconds east of UTC of a zone such as "+01:00"."""
    if zone in (None, "Z", "UTC"):
        return 0
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds


def to_iso(micros: Optional[int]) -> Optional[str]:
    """Return microseconds as "2026-11-23T16:48:14.408168Z"; None stays None."""
    if micros is None:
        return None
    seconds, rest = divmod(micros, SECOND)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".%06dZ" % rest


def parse_since(text: str, now: int) -> int:
    """Return the microseconds of the option `since`.

    :param text: a span (``7d``, ``12h``, ``30m``, ``90s``, ``2w``) or an ISO time.
    :param now: microseconds from which a span counts back.
    :raises ValueError: neither of them, or in the future.
    """
    match = _SPAN.match(text.strip()) if len(text) <= _MAX_LENGTH else None
    if match:
        return now - int(match.group(1)) * _SPAN_SECONDS[match.group(2)] * SECOND
    micros = parse_iso(text)
    if micros is None or micros > now:
        raise ValueError("%r is not between 1970 and now" % text)
    return micros
