# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removed containers that may have been killed where the memory controller does not reach to containers.

Pure. The kernel names the nearest cgroup that has the controller then, and the pid of a removed container's main process is not
kept: that the container ended with SIGKILL right behind such a kill proves nothing, and is told as what can't be known.
Times are microseconds since the epoch.
"""

from bisect import bisect_right
from typing import AbstractSet, Dict, Iterable, List

from .._logs.records import PodmanEvent
from .._system.times import SECOND
from .attribution import ContainerKey, RecordsByContainer
from .evidence import SIGKILL_EXIT, kills_above, was_stopped
from .verdict import EVENT_AFTER


def owners_of_unplaced(index: RecordsByContainer, uids: Iterable[int]) -> List[int]:
    """Return those of the users in whose removed containers a kill may have been that names none."""
    return [uid for uid in uids if kills_above(index, uid)]


def find_unplaced(index: RecordsByContainer, deaths: Iterable[PodmanEvent], told: AbstractSet[ContainerKey]) -> Dict[ContainerKey, int]:
    """Return {container: time of its end} of those that are gone, that a kill may have ended, and that nobody has stopped.

    :param deaths: Podman's events of deaths.
    :param told: containers of which more is known.
    """
    found: Dict[ContainerKey, int] = {}
    times: Dict[int, List[int]] = {}  # of the kills, by uid
    for death in deaths:
        key = (death.ident, death.uid)
        if death.kind != "died" or death.exit_code != SIGKILL_EXIT or key in told:
            continue
        if death.uid not in times:
            times[death.uid] = sorted(kill.at for kill in kills_above(index, death.uid))
        last = bisect_right(times[death.uid], death.at + SECOND)  # the number of those before
        if last and death.at - times[death.uid][last - 1] <= EVENT_AFTER:
            found[key] = death.at
    return {(ident, uid): at for (ident, uid), at in found.items() if not was_stopped(ident, uid, index)}
