# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Since when a source is complete: what its silence proves.

Pure. Times are microseconds since the epoch.
"""

from typing import NamedTuple, Optional

from .._system.times import SECOND

# journald starts this long after the kernel at most, and then takes over what the kernel's buffer has
_JOURNALD_STARTS = 120 * SECOND


class Coverage(NamedTuple):
    """How much of its time a source covers."""

    since: Optional[int]  # the source holds every record from here on, None: unknown
    status: str  # ok, partial, unavailable, as in the facts' `sources`
    detail: str


def kernel_coverage(since: int, booted: Optional[int], journal_since: Optional[int], ring_since: Optional[int],
                    counted: Optional[int], logged: int) -> Coverage:
    """Return the Coverage of the kernel's log.

    :param since: how far back it was read.
    :param booted: time of the boot, None if unknown.
    :param journal_since: time of the journal's oldest entry; None: unreadable.
    :param ring_since: time from which the ring buffer is complete, 0: since the boot; None: unreadable.
    :param counted: /proc/vmstat's oom_kill: processes killed since the boot; None: unknown.
    :param logged: such kills of this boot in what was read.

    The kernel's count is what makes silence trustworthy: a log that holds as many kills of this
    boot as were counted lacks none of them, and a count of zero needs no log.
    """
    begins = []
    if journal_since is not None:
        begins.append(max(since, journal_since))
    if ring_since is not None and (ring_since or booted):
        begins.append(max(since, ring_since or booted or 0))
    if counted is not None and booted is not None and counted <= logged:
        if not begins:
            return Coverage(booted, "partial", "not readable; but the kernel counted no OOM kill since the boot")
        return Coverage(min(begins + [booted]), "ok", "all %d OOM-killed process(es) of this boot are in it" % counted)
    if not begins:
        return Coverage(None, "unavailable", "not readable, and the kernel counted %s OOM-killed process(es) "
                        "since the boot" % ("an unknown number of" if counted is None else counted))
    begin = min(begins)
    if counted is None or booted is None:
        return Coverage(begin, "partial", "not comparable with the kernel's own count, which could not be read")
    if begin <= booted + _JOURNALD_STARTS:
        return Coverage(None, "partial", "the kernel counted %d OOM-killed process(es) since the boot, the log has %d"
                        % (counted, logged))
    return Coverage(begin, "partial", "begins after the boot: %d of %d OOM-killed process(es) of this boot are in it"
                    % (logged, counted))
