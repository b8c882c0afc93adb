# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of the policy's wishes for a container enforcement can fulfil: swap and reservation, not memory.high. Pure."""

from __future__ import annotations

from .._model.container_facts import Facts
from .._policy.policy import Decision
from .._rules.wishes import Wish, unmet_wishes
from .._text import human_size
from .obstacles import Obstacle, next_start_obstacle


def possible_wishes(host_facts: Facts, container: Facts, decision: Decision, limit: int | None) -> tuple[list[Wish], Obstacle | None]:
    """Return (what can be set, why the rest can't).

    :param limit: of the container's memory, in bytes.
    """
    possible, obstacle = [], None
    for wish in unmet_wishes(host_facts, container, decision):
        reason: Obstacle | None = None
        if wish.setting == "high":
            reason = Obstacle("recreate", "memory.high is given to a container when it is created")
        elif wish.setting == "reservation":
            # it is judged by what the next start has
            reason = next_start_obstacle(host_facts, container)
            if limit is not None and wish.wanted is not None and wish.wanted > limit:
                reason = Obstacle("reservation", "a reservation of %s is more than its limit of %s" % (human_size(wish.wanted), human_size(limit)))
        if reason:
            obstacle = obstacle or reason
        else:
            possible.append(wish)
    return possible, obstacle
