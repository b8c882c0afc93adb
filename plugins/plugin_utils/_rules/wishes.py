# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rule memory-settings-mismatch: swap, reservation and memory.high of a container that has a limit.

Pure. What is not known is no mismatch.
"""

from __future__ import annotations

from typing import NamedTuple

from ...module_utils._system.sizes import UNLIMITED
from .._model.container_facts import (
    Facts,
    current_limit,
    effective_settings,
    has_own_limit,
    is_running,
    limits_differ,
    next_start_settings,
)
from .._model.container_key import ContainerKey
from .._model.finding import Finding
from .._policy.policy import Decision
from .._text import human_size
from .limits import settings_finding
from .remedy import podman_version, wishes_remedy

WISHES_RULE = "memory-settings-mismatch"
_NAMES = {"swap": "swap", "reservation": "reservation", "high": "memory.high"}


class Wish(NamedTuple):
    """A setting that is not as the policy wants it."""

    setting: str  # swap, reservation or high
    current: int | None  # bytes; None: unlimited swap, no reservation, no memory.high
    wanted: int | None  # as `current`


def unmet_wishes(host_facts: Facts, container: Facts, decision: Decision) -> list[Wish]:
    """Return what of the policy's wishes a container does not have."""
    if current_limit(container).value is None:
        return []  # swap is limited together with memory only, and the other two mean nothing without a limit
    wishes = []
    if decision.swap is not None:
        known, current = _current_swap(host_facts, container)
        wanted = None if decision.swap == UNLIMITED else int(decision.swap)
        if known and limits_differ(current, wanted):
            wishes.append(Wish("swap", current, wanted))
    declared = next_start_settings(container)
    if decision.reservation is not None and "reservation" in declared and limits_differ(declared["reservation"], decision.reservation):
        wishes.append(Wish("reservation", declared["reservation"], decision.reservation))
    effective = effective_settings(container) or {}
    if decision.high is not None and host_facts.get("cgroup_version") == 2 and "high" in effective and limits_differ(
            effective["high"], decision.high):
        wishes.append(Wish("high", effective["high"], decision.high))
    return wishes


def _current_swap(host_facts: Facts, container: Facts) -> tuple[bool, int | None]:
    """(Whether it is known, the bytes that it may swap), of what is enforced where it runs, else of its next start."""
    settings = declared = next_start_settings(container)
    if is_running(container):
        settings = effective_settings(container) or {}
        if not has_own_limit(container):
            return False, None  # that of a cgroup above
        if settings.get("swap_limit") is None and declared.get("swap_limit") is not None:
            return False, None  # swapaccount=0: the kernel has no such limit to read
    if not host_facts.get("swap_total") or settings.get("limit") is None:
        return False, None
    swap_limit = settings.get("swap_limit")
    return True, None if swap_limit is None else max(0, swap_limit - settings["limit"])


def wish_findings(host: str, host_facts: Facts, container: Facts, key: ContainerKey, decision: Decision) -> list[Finding]:
    """Return the finding of this rule on one container, if there is one."""
    wishes = unmet_wishes(host_facts, container, decision)
    if not wishes:
        return []
    return [settings_finding(
        WISHES_RULE, host, container, key, decision=decision,
        summary=", ".join("%s %s instead of %s" % (_NAMES[wish.setting], _size(wish.setting, wish.current), _size(wish.setting, wish.wanted))
                          for wish in wishes),
        detail="Decided by %s." % ", ".join(sorted({decision.decided_by[wish.setting] for wish in wishes})),
        remedy=wishes_remedy(host, container, key, {wish.setting: wish.wanted for wish in wishes}, podman_version(host_facts)),
        evidence={"wanted": {wish.setting: wish.wanted for wish in wishes}, "current": {wish.setting: wish.current for wish in wishes},
                  "wanted_by": {wish.setting: decision.decided_by[wish.setting] for wish in wishes}})]


def _size(setting: str, value: int | None) -> str:
    if value is None:
        return "unlimited" if setting == "swap" else "none"
    return human_size(value) if value else "none"
