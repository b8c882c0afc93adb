# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many controllers a fleet needs, computed from what a host was measured to cost."""

import math
import os

from bench import Row

_FLEETS = (1_000, 10_000, 100_000)
_WINDOW = 3600  # seconds in which an audit has to be done


def slices(hosts, seconds):
    """How many controllers side by side are done within the window, at so many seconds a host."""
    return max(1, math.ceil(hosts * seconds / _WINDOW))


def rows(measured, audit, report, forks):
    """A Row for each size of fleet.

    :param measured: how many hosts it took `audit` seconds with so many forks, and a report of so many bytes.
    """
    seconds, size = audit / measured, report / measured
    found = []
    for hosts in _FLEETS:
        needed = slices(hosts, seconds)
        found.append(Row(
            f"capacity: {hosts:,} hosts (computed)", f"{_span(hosts * seconds)} on one controller like this",
            f"report {hosts * size / 2**20:,.0f} MiB",
            f"done in an hour: {needed} slice{'s' if needed > 1 else ''} of {math.ceil(hosts / needed):,} hosts, each on "
            f"{os.cpu_count()} processors with {forks} forks; then comes the merge"))
    return found


def _span(seconds):
    return f"{seconds / 60:.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:.1f} h"
