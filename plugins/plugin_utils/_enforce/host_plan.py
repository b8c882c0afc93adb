# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What enforcement is to do on one host: the changes of its containers, and what is skipped. plan.py makes it.

Pure.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ...module_utils._system.sizes import format_size


class Step(NamedTuple):
    """One setting of a container that is changed."""

    setting: str  # memory, swap, reservation or oom_group
    before: int | None  # bytes, or whether it is on; None: no limit
    after: int | None
    swap: int | None  # bytes, of memory and swap together; None: unlimited, or another setting
    rules: tuple[str, ...]  # ids of the findings that it fixes
    decided_by: str | None  # the policy's rule that wants it; None: it is as declared
    memory: int | None = None  # bytes, of swap: the limit that stays, without which it can't be set


class Change(NamedTuple):
    """All that is changed of one container."""

    container_id: str
    name: str  # as it is shown
    user: str
    steps: tuple[Step, ...]
    unit_name: str | None = None  # its name, where a unit recreates it at each start: then it has another id

    def is_of(self, user: Any, name: Any, ident: Any) -> bool:
        """Whether a result of container_memory is about this container."""
        return user == self.user and (ident == self.container_id or (self.unit_name is not None and name == self.unit_name))

    def module_options(self) -> dict[str, Any]:
        """Return it as an element of container_memory's `containers`."""
        options: dict[str, Any] = {"name": self.unit_name or self.container_id, "user": self.user}
        for step in self.steps:
            if step.setting == "oom_group":
                options["oom_group"] = bool(step.after)
            elif step.setting == "reservation":
                options["memory_reservation"] = format_size(step.after)
            elif step.setting == "swap":
                options.update(memory=format_size(step.memory), memory_swap=format_size(step.swap))
            else:
                options.update(memory=format_size(step.after), memory_swap=format_size(step.swap))
        return options


class Skipped(NamedTuple):
    """What is not changed, and why."""

    name: str | None  # of the container; None: something about the host
    user: str | None
    rule: str | None  # id of the finding that stays; None: it was not evaluated
    kind: str
    reason: str


class HostPlan(NamedTuple):
    """What is to be done on one host; nothing, where no plan could be made."""

    changes: tuple[Change, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    containers: int = 0  # all of them
    exempt: int = 0  # of which the policy wants nothing
    compliant: int = 0  # of which it wants something, and which have it


def without_gone(plan: HostPlan, results: list[dict[str, Any]]) -> HostPlan:
    """Return the plan without the containers that container_memory did not find any more: they are skipped."""
    gone = [change for change in plan.changes for result in results
            if result.get("gone") and change.is_of(result.get("user"), result.get("name"), result.get("id"))]
    return plan._replace(changes=tuple(change for change in plan.changes if change not in gone), skipped=plan.skipped + tuple(
        Skipped(change.name, change.user, None, kind="gone", reason="it has gone in the meantime") for change in gone))
