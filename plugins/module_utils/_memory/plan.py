# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be done to one container so that it is as requested, and what it will be like then.

Pure: check mode, the diff and the run all take it from here.
"""

from typing import Any, Dict, List, NamedTuple, Optional

from .._podman.run_options import MemorySettings
from .._system.sizes import format_size
from .enforced import Enforced, after_change, describe_own_limits, effective_memory, enforced_settings, is_enforced, own_limits
from .method import KEEPS_UPDATES, Context, Method, Unsupported, choose_method
from .request import Options
from .settings import SETTING_KEYS, declared_settings, differs


class CurrentState(NamedTuple):
    """A container as it is."""

    context: Context
    record: MemorySettings  # what Podman keeps for it
    unit: Optional[MemorySettings]  # what its quadlet unit declares, None for no unit
    enforced: Optional[Enforced]  # None when it does not run


class ContainerPlan(NamedTuple):
    """What is to be done to a container."""

    method: Method
    target: MemorySettings  # the settings to reach, only those that were requested or belong to them
    update: bool  # record or kernel have to be changed
    drop_in: bool  # the unit has to be changed
    before: Dict[str, Any]  # {declared, effective} for the result
    after: Dict[str, Any]
    applied_live: bool  # the kernel enforces it afterwards
    persistent: bool  # the next start has it
    restart_required: bool  # only a restart makes the kernel enforce it
    warnings: List[str]


# The kernel kills at once below what is in use (memory.max in cgroup-v2.rst); a little room to go on.
_HEADROOM = 1.05


def plan_container(current: CurrentState, requested: Dict[str, Optional[int]], options: Options, page_size: int,
                   memory_total: Optional[int]) -> ContainerPlan:
    """Return the ContainerPlan.

    :param requested: {option: value} of a Request.
    :param page_size: bytes of the kernel's page.
    :param memory_total: bytes of the host's memory, None for unknown.
    :raises Unsupported: it can't be done here, or Podman or the kernel would refuse it, or kill for it.
    """
    enforced = current.enforced
    method = choose_method(current.context, requested, options.backend, options.persist)
    target = _target(current, requested)
    _check_consistent(current, target)
    changed = _predict(enforced, target, method, page_size)
    update = method.backend is not None and (
        (method.recorded and differs(target, current.record)) or _drifted(enforced, target, page_size))
    if update and enforced and not options.allow_below_usage:
        _check_usage(enforced, target, page_size)
    drop_in = method.drop_in and current.unit is not None and differs(target, current.unit)
    applied_live = enforced is not None and (update or (enforced.own is not None and is_enforced(enforced, target, page_size)))
    record = dict(current.record, **target) if update and method.recorded else current.record
    unit = dict(current.unit, **target) if drop_in and current.unit is not None else current.unit
    then = current._replace(record=record, unit=unit, enforced=changed if update else enforced)
    persistent = method.persistent or _already_persistent(current, target)
    return ContainerPlan(
        method=method, target=target, update=update, drop_in=drop_in, before=current_values(current), after=current_values(then),
        applied_live=applied_live, persistent=persistent,
        restart_required=current.context.running and not applied_live and persistent,
        warnings=_warnings(target, memory_total))


def current_values(current: CurrentState) -> Dict[str, Any]:
    """Return the result's {declared, effective}."""
    return {"declared": declared_settings(current.record, current.unit), "effective": effective_memory(current.enforced)}


def _drifted(enforced: Optional[Enforced], target: MemorySettings, page_size: int) -> bool:
    """Whether the container runs in cgroups of its own that enforce something else."""
    return enforced is not None and enforced.own is not None and not is_enforced(enforced, target, page_size)


def _already_persistent(current: CurrentState, target: MemorySettings) -> bool:
    """Whether the next start has it without a change."""
    context = current.context
    if context.manager == "quadlet":
        return current.unit is not None and not differs(target, current.unit)
    # before 5.1 the record is what the container was created with; later it has updates too, which a recreated one loses
    created_with = context.version < KEEPS_UPDATES
    stays = context.manager == "none" and not context.pod and not context.auto_remove
    return (created_with or stays) and not differs(target, current.record)


def _target(current: CurrentState, requested: Dict[str, Optional[int]]) -> MemorySettings:
    """Return the settings to reach: what is requested, and the swap that belongs to the memory."""
    base = current.record if current.unit is None else current.unit
    target: MemorySettings = {}
    if "memory" in requested:
        target["limit"] = requested["memory"]
        target["swap_limit"] = _implied_swap(requested["memory"], base)
    if "memory_swap" in requested:
        swap_limit = requested["memory_swap"]
        target["swap_limit"] = swap_limit
        target.setdefault("limit", _present_limit(current, base))
        if swap_limit is not None and target["limit"] is None:
            raise Unsupported("memory_swap: %s limits memory and swap together, and the container has no limit for memory; "
                              "give memory too" % format_size(swap_limit))
    if "memory_reservation" in requested:
        target["reservation"] = requested["memory_reservation"]
    if "oom_group" in requested:
        target["oom_group"] = requested["oom_group"]
    return target


def _implied_swap(memory: Optional[int], base: MemorySettings) -> Optional[int]:
    """The swap limit when only memory is given: no swap on top, or as much in proportion as was declared.

    Left alone it would stay below a raised memory limit, or far above a lowered one.
    """
    limit, swap_limit = base.get("limit"), base.get("swap_limit")
    if memory is None or limit is None or swap_limit is None or swap_limit <= limit:
        return memory
    return memory * swap_limit // limit


def _present_limit(current: CurrentState, base: MemorySettings) -> Optional[int]:
    if current.context.version < KEEPS_UPDATES and current.enforced:
        return own_limits(current.enforced)["limit"]
    return base.get("limit")


def _check_consistent(current: CurrentState, target: MemorySettings) -> None:
    """Refuse what the runtime would refuse only after Podman has recorded it (seen with podman update)."""
    then = dict(current.record if current.unit is None else current.unit, **target)
    limit, swap_limit, reservation = (then.get(key) for key in SETTING_KEYS[:3])
    if limit is None:
        return
    if "swap_limit" in target and swap_limit is not None and swap_limit < limit:
        raise Unsupported("memory_swap: %s is less than the memory limit of %s; it counts memory and swap together"
                          % (format_size(swap_limit), format_size(limit)))
    if reservation is not None and reservation > limit and ("limit" in target or "reservation" in target):
        raise Unsupported("memory_reservation: %s is more than the memory limit of %s; give both"
                          % (format_size(reservation), format_size(limit)))


def _check_usage(enforced: Enforced, target: MemorySettings, page_size: int) -> None:
    """Refuse a limit that is lowered to where the kernel kills at once."""
    limit, used = target.get("limit"), enforced.working_set
    present = own_limits(enforced)["limit"]
    if limit is None or (present is not None and limit - limit % page_size >= present):
        return
    if used is None:
        raise Unsupported("memory: its present usage can't be read, so %s may be too little; allow_below_usage sets it "
                          "anyway" % format_size(limit))
    need = int(used * _HEADROOM)
    if limit < need:
        raise Unsupported("memory: %s is %d bytes less than the %d bytes it needs now (a working set of %d and 5 %%), the "
                          "kernel would kill at once; give more, or allow_below_usage"
                          % (format_size(limit), need - limit, need, used))


def _predict(enforced: Optional[Enforced], target: MemorySettings, method: Method, page_size: int) -> Optional[Enforced]:
    if enforced is None or method.backend is None:
        return enforced
    changed = after_change(enforced, target, page_size, leaf_only=method.backend == "cgroupfs")
    if method.backend == "cgroupfs" and _drifted(changed, target, page_size):
        raise Unsupported("backend: cgroupfs writes to the container's leaf only, and %s above it holds it at %s"
                          % (enforced.own, describe_own_limits(enforced)))
    return changed


def previous_settings(current: CurrentState, plan: ContainerPlan) -> MemorySettings:
    """Return the settings to go back to, of those that the plan changes."""
    enforced = None if plan.method.recorded else current.enforced
    settings = current.record if enforced is None else enforced_settings(enforced)
    return {key: settings.get(key) for key in plan.target}


def find_deviations(current: CurrentState, plan: ContainerPlan, page_size: int) -> List[str]:
    """Return where a container that was read again differs from its plan, as messages."""
    deviations = []
    if plan.applied_live and current.enforced and _drifted(current.enforced, plan.target, page_size):
        deviations.append("the kernel enforces %s" % describe_own_limits(current.enforced))
    if plan.update and plan.method.recorded and differs(plan.target, current.record):
        deviations.append("Podman's record says %s" % current.record)
    if plan.drop_in and (current.unit is None or differs(plan.target, current.unit)):
        deviations.append("the quadlet unit says %s" % current.unit)
    return deviations


def _warnings(target: MemorySettings, memory_total: Optional[int]) -> List[str]:
    limit = target.get("limit")
    if limit is not None and memory_total and limit > memory_total:
        return ["memory: %s is more than the host's memory of %d bytes, so the host runs out of it first"
                % (format_size(limit), memory_total)]
    return []
