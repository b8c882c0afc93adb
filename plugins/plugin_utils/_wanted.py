# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""What a container should have: the built-in default policy.

Pure. The rules ask a `Wanted` of each container and know nothing of where it comes from, so
that a policy can be put in its place.
"""

from __future__ import annotations

from typing import Callable, NamedTuple

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._finding import Facts


class Wanted(NamedTuple):
    """What one container should have; None: no wish."""

    limit: bool | None  # has to have a memory limit
    oom_group: bool | None  # memory.oom.group on or off
    severity: str  # of what a running container has not


# (host facts, container facts) -> Wanted
Policy = Callable[[Facts, Facts], Wanted]


def built_in(host: Facts, container: Facts) -> Wanted:
    """Every container has a limit and dies as a whole; a pod's infra container does nothing and needs neither."""
    if container.get("is_infra"):
        return Wanted(None, None, "low")
    return Wanted(True, True, "high")
