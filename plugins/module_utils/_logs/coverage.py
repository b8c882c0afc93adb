# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""From when on a source is whole: what its silence proves.

Pure. Times are microseconds since the epoch.
"""

from collections import namedtuple

from .._system.times import SECOND

# since: from here on the source holds every record, None when that can't be said;
# status, detail: as in the facts' `sources`.
Coverage = namedtuple("Coverage", "since status detail")

# journald starts this long after the kernel at most and then takes in what the kernel kept
_JOURNALD_STARTS = 120 * SECOND


def kernel_coverage(asked, booted, journal, ring, counted, seen):
    """Return the Coverage of the kernel's log.

    :param asked: how far back the caller wants it read.
    :param booted: time of the boot, None if unknown.
    :param journal: time of the journal's oldest entry; None: unreadable.
    :param ring: time from which the ring buffer is whole, 0: since the boot; None: unreadable.
    :param counted: /proc/vmstat's oom_kill: processes killed since the boot; None: unknown.
    :param seen: such kills of this boot in what was read.

    The kernel's count is what makes silence trustworthy: a log that holds as many kills of this
    boot as were counted lacks none of them, and a count of zero needs no log.
    """
    begins = []
    if journal is not None:
        begins.append(max(asked, journal))
    if ring is not None and (ring or booted):
        begins.append(max(asked, ring or booted))
    if counted is not None and booted is not None and counted <= seen:
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
                        % (counted, seen))
    return Coverage(begin, "partial", "begins after the boot: %d of %d OOM-killed process(es) of this boot are in it"
                    % (seen, counted))
