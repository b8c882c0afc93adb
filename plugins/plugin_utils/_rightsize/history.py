# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a workload used day by day and how it was killed; what of it is need.

Pure. Days are numbers since 1970-01-01 in UTC, sizes are bytes. It says what was, not what will be.
"""

from __future__ import annotations

from typing import NamedTuple

MIB = 1 << 20
WINDOW = 14  # days that a number rests on, as for KRR (history_duration of its simple strategy)
# memory.peak counts page cache: a container that reads files comes to its limit for free. Its peak says nothing when so much
# of it was no working set, and reclaim cost it nothing (PSI full, avg300 in percent: below 1 % reclaim goes unnoticed).
_CACHE_SHARE = 0.25
_UNNOTICED = 1.0


class Day(NamedTuple):
    """What the recorder saw of a workload on one day."""

    day: int
    working_set: int | None  # largest of the samples; None: unknown
    peak: int | None  # memory.peak of that day, page cache included; None: the kernel has none
    samples: int


class Kill(NamedTuple):
    """One OOM kill of a workload."""

    day: int
    cause: str  # as in the facts: container_limit, nested_limit, ancestor_limit, host_oom, …
    limit: int | None  # of the cgroup that ran full; None: unknown


class Workload(NamedTuple):
    """One workload over the recreations of its container."""

    days: list[Day]
    kills: list[Kill]
    limit: int | None  # its own now; None: it has none
    oom_events: int | None  # memory.events oom of this run; None: unknown
    pressure: float | None  # PSI full, avg300, in percent; None: unknown


class Window(NamedTuple):
    """What was seen in the last days before a decision."""

    needs: dict[int, int]  # by day
    samples: int
    own_kills: list[Kill]  # at its own limit, with the limit known
    other_kills: list[Kill]  # the host's, a pod's, a slice's, nested ones, and those whose limit is unknown: they raise nothing
    without_peak: bool  # page cache dominates: memory.peak is left out


def is_own(kill: Kill) -> bool:
    """Whether the workload ran into its own limit, and which limit that was is known."""
    return kill.cause == "container_limit" and kill.limit is not None


def need_by_day(workload: Workload, without_peak: bool) -> dict[int, int]:
    """Return the bytes that it needed on each day of which something is known.

    On a day of a kill of its own it would have needed more than the limit at which it was killed, so at least that.
    """
    needs: dict[int, int] = {}
    for day in workload.days:
        seen = [size for size in (day.working_set, None if without_peak else day.peak) if size is not None]
        if seen:
            needs[day.day] = max(seen)
    for kill in workload.kills:
        if is_own(kill) and kill.day in needs:
            needs[kill.day] = max(needs[kill.day], kill.limit or 0)
    return needs


def window(workload: Workload, today: int) -> Window:
    """Return what was seen in the last WINDOW days and so far today."""
    first = today - WINDOW
    days = [day for day in workload.days if first <= day.day <= today]
    kills = [kill for kill in workload.kills if first <= kill.day <= today]
    without_peak = is_cache(workload, days, kills)
    recent = workload._replace(days=days, kills=kills)
    return Window(
        needs=need_by_day(recent, without_peak), samples=sum(day.samples for day in days),
        own_kills=[kill for kill in kills if is_own(kill)], other_kills=[kill for kill in kills if not is_own(kill)],
        without_peak=without_peak)


def is_cache(workload: Workload, days: list[Day], kills: list[Kill]) -> bool:
    """Whether memory.peak of these days was page cache that could go; what is unknown counts as need."""
    peak = max((day.peak for day in days if day.peak is not None), default=0)
    working_set = max((day.working_set for day in days if day.working_set is not None), default=None)
    if working_set is None or peak - working_set <= _CACHE_SHARE * peak:
        return False
    killed = any(kill.cause == "container_limit" for kill in kills)
    return workload.oom_events == 0 and workload.pressure is not None and workload.pressure < _UNNOTICED and not killed
