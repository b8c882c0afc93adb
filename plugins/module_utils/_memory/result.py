# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What container_memory returns: an entry for each container, messages, and the diff.

Pure.
"""

from typing import Any, Dict, List, Optional

from .._podman.run_options import OOM_GROUP, MemorySettings
from .._system.sizes import format_size
from .current import Target
from .method import ADVICE, format_version
from .plan import ContainerPlan, current_values
from .request import Request
from .settings import to_run_options

_MAX_PAGE = 65536  # the kernel counts whole pages; the largest that any architecture has


def container_entry(target: Target, plan: ContainerPlan) -> Dict[str, Any]:
    """Return the entry of a container whose plan is carried out, or would be."""
    return _entry(target, changed=plan.update or plan.drop_in, before=plan.before, after=plan.after,
                  applied_live=plan.applied_live, persistent=plan.persistent, restart_required=plan.restart_required,
                  method=_method(plan, target.current.context.manager), message=_message(target, plan))


def failed_entry(target: Target, message: str) -> Dict[str, Any]:
    """Return the entry of a container that is as it was, or not known to be otherwise."""
    state = current_values(target.current)
    return _entry(target, changed=False, before=state, after=state, applied_live=False, persistent=False,
                  restart_required=False, method="none", message=message, failed=True)


def unread_entry(request: Request, ident: Optional[str], message: str) -> Dict[str, Any]:
    """Return the entry of a container that could not be read, for itself or because of its user's others.

    :param ident: its id, None where that is not known.
    """
    unknown = {"declared": None, "effective": None}
    return {"name": request.name, "user": request.user, "id": ident, "changed": False, "before": unknown, "after": unknown,
            "applied_live": False, "persistent": False, "restart_required": False, "method": "none", "message": message, "failed": True}


def _entry(target: Target, **values: Any) -> Dict[str, Any]:
    return dict(values, name=target.container.facts["name"], user=target.identity.name, id=target.container.ident)


def _method(plan: ContainerPlan, manager: str) -> str:
    """libpod_api, cli or cgroupfs, quadlet for a drop-in, both with +, or none when there is no way."""
    words = [plan.method.backend, "quadlet" if manager == "quadlet" and plan.method.drop_in else None]
    return "+".join(word for word in words if word) or "none"


def _message(target: Target, plan: ContainerPlan) -> str:
    if plan.update or plan.drop_in:
        parts = ["set"]
    elif plan.applied_live or plan.persistent:
        parts = ["already set"]
    else:
        parts = ["not set"]
    if plan.restart_required:
        parts.append("its next start has it, what runs now does not: restart it, or give restart: if_needed")
    elif target.current.enforced is None and plan.persistent:
        parts.append("its next start has it")
    if not plan.persistent and plan.method.reason:
        parts.append(persistence_advice(target, plan))
    parts += _lower_limit_above(plan)
    return "; ".join(parts + plan.warnings)


def persistence_advice(target: Target, plan: ContainerPlan) -> str:
    """Return what would make the settings last."""
    context, unit = target.current.context, target.unit
    group = plan.target.get("oom_group")
    conf = [] if group is None else [
        'cgroup_conf = ["%s=%d"] into [containers] of containers.conf (Podman 4.5)' % (OOM_GROUP, group)]
    return ADVICE[plan.method.reason or ""].format(
        version=format_version(context.version), options=" ".join(to_run_options(plan.target)),
        unit=target.container.facts["manager"]["unit"] or "the unit",
        file=(context.unit_file or (unit.fragment if unit else None) or "the unit file"),
        compose=", ".join(_yaml_lines(plan.target, {"limit": "mem_limit", "swap_limit": "memswap_limit",
                                                    "reservation": "mem_reservation"}) + conf),
        kube=", ".join(_yaml_lines(plan.target, {"limit": "resources.limits.memory",
                                                 "reservation": "resources.requests.memory"}) + conf))


def _yaml_lines(settings: MemorySettings, names: Dict[str, str]) -> List[str]:
    return ["%s: %s" % (name, "(none)" if settings[key] is None else settings[key])
            for key, name in sorted(names.items()) if key in settings]


def _lower_limit_above(plan: ContainerPlan) -> List[str]:
    """A note when a cgroup above the container has a lower limit than was requested."""
    limit = plan.target.get("limit")
    effective = (plan.after["effective"] or {}).get("limit")
    if not plan.applied_live or "limit" not in plan.target or effective is None or (
            limit is not None and effective > limit - _MAX_PAGE):
        return []
    return ["a cgroup above it (pod, slice or service) holds it at %s" % format_size(effective)]


def build_diff(entries: List[Dict[str, Any]]) -> List[Dict[str, str]]:
    """Return Ansible's list of diffs: declared and effective values of each container that changes."""
    diff = []
    for entry in entries:
        if entry["changed"]:
            header = "%s/%s" % (entry["user"], entry["name"])
            diff.append({"before_header": header, "after_header": header,
                         "before": _value_lines(entry["before"]), "after": _value_lines(entry["after"])})
    return diff


def _value_lines(state: Dict[str, Any]) -> str:
    lines = []
    for part in ("declared", "effective"):
        values = state[part]
        if values is None:
            lines.append("%s: not running\n" % part)
            continue
        for key, value in sorted(values.items()):
            # none is written as such: for oom_group it is "not set", for a size "no limit"
            text = str(value).lower() if isinstance(value, bool) else "none" if value is None else format_size(value)
            lines.append("%s %s: %s\n" % (part, key, text))
    return "".join(lines)
