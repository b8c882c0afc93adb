# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""What the report before this one knew: which findings, since when.

Holds the places of a host's findings in the old file, never the findings of all hosts. An unreadable
old report means that everything is new; it never stops a new one.
"""

from __future__ import annotations

import datetime
from array import array
from typing import Any, Iterator, NamedTuple

from .._model.finding import Finding
from .._report import reader as _reader
from .._text import parse_time

# What a host that is never checked again has left is forgotten after this time.
_FORGOTTEN = datetime.timedelta(days=90)


class Known(NamedTuple):
    """A finding that an earlier report had, as `carried_over` holds it."""

    id: str
    host: str
    rule: str
    severity: str
    user: str | None
    container: str | None
    unit: str | None
    summary: str
    first_seen: str
    last_seen: str
    last_at: str | None  # of an OOM kill: when the last one was


class Previous:
    """The report before this one; of no use when there is none."""

    def __init__(self, path: str | None = None) -> None:
        """:raises OSError, ValueError, KeyError, TypeError: when it cannot be read as a report."""
        self._path = path
        self._places: dict[str, array[int]] = {}
        self.generated_at: str | None = None
        self.trend: list[dict[str, Any]] = []
        if path is None:
            return
        about = _reader.head(path)
        self.generated_at = about["generated_at"]
        self.trend = list(about.get("trend") or [])
        for _name, offset, each in _reader.located(path, "findings", "carried_over"):
            _known(each, self.generated_at)  # all of it is read now, so that nothing is amiss later
            self._places.setdefault(each["host"], array("Q")).append(offset)

    def of_host(self, host: str) -> dict[str, Known]:
        """Return a host's findings, by id; those of each host can be had once."""
        places = self._places.pop(host, None)
        if places is None:
            return {}
        with open(self._path, "rb") as stream:
            found = [_known(_reader.at(stream, offset), self.generated_at) for offset in places]
        return {each.id: each for each in found}

    def others(self) -> Iterator[Known]:
        """Yield the findings of the hosts that were not asked for."""
        for host in list(self._places):
            yield from self.of_host(host).values()


def _known(each: dict[str, Any], generated_at: str) -> Known:
    """A finding that report had, or one that it carried on."""
    return Known(
        each["id"], each["host"], each["rule"], each.get("severity") or "info", each.get("user"), each.get("container"),
        each.get("unit"), each.get("summary") or "", each["first_seen"], each.get("last_seen") or generated_at,
        (each.get("evidence") or each).get("last_at"))


def mark(finding: Finding, before: dict[str, Known], now: str) -> Finding:
    """Set `state` and `first_seen` of a finding; taken out of `before`, which keeps what was not found again.

    A container that was killed again since is news, however old the finding is.
    """
    seen = before.pop(finding["id"], None)
    finding["first_seen"] = seen.first_seen if seen else now
    killed_again = seen is not None and (finding["evidence"].get("last_at") or "") > (seen.last_at or "")
    if finding["waiver"]:
        finding["state"] = "waived"
    else:
        finding["state"] = "new" if seen is None or (finding["rule"] == "oom-killed" and killed_again) else "open"
    return finding


def remembered(seen: Known, now: str) -> bool:
    """Whether to carry a finding on that this run could not look for (--limit, a host that is down).

    Without it, all of a host's findings would be new again after one night in which it was down.
    """
    last, moment = parse_time(seen.last_seen), parse_time(now)
    return last is not None and moment is not None and moment - last <= _FORGOTTEN


def resolved(seen: Known) -> dict[str, Any]:
    """Return what the report says of a finding that is no longer found."""
    return {**seen._asdict(), "state": "resolved"}
