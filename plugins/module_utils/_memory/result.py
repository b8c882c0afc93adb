# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""What container_memory returns: an entry for each container, messages, and the diff.

Pure.
"""

from .._system.sizes import format_size
from . import method as _memory_method, plan as _memory_plan, settings as _memory_settings


def entry(seen, plan):
    """Return the entry of a container whose plan is carried out, or would be."""
    return {
        "name": seen.container.facts["name"],
        "user": seen.identity.name,
        "id": seen.container.ident,
        "changed": plan.update or plan.drop_in,
        "before": plan.before,
        "after": plan.after,
        "applied_live": plan.live,
        "persistent": plan.lasts,
        "method": _method(plan, seen.now.case.manager),
        "restart_required": plan.restart,
        "message": _message(seen, plan),
    }


def failed(seen, message):
    """Return the entry of a container that is as it was, or not known to be otherwise."""
    now = seen.now
    state = {"declared": _memory_settings.declared(now.record, now.unit), "effective": _memory_plan.enforced(now.live)}
    return {
        "name": seen.container.facts["name"], "user": seen.identity.name, "id": seen.container.ident, "changed": False,
        "before": state, "after": state, "applied_live": False, "persistent": False, "method": "none",
        "restart_required": False, "message": message, "failed": True,
    }


def _method(plan, manager):
    """libpod_api, cli or cgroupfs, quadlet for a drop-in, both with +, or none when there is no way."""
    words = [plan.method.write] if plan.method.write else []
    if manager == "quadlet" and plan.method.drop_in:
        words.append("quadlet")
    return "+".join(words) or "none"


def _message(seen, plan):
    said = []
    if plan.update or plan.drop_in:
        said.append("set")
    elif plan.live or plan.lasts:
        said.append("it is so already")
    else:
        said.append("not set")
    if plan.restart:
        said.append("its next start has it, what runs now does not: restart it, or give restart: if_needed")
    elif seen.now.live is None and plan.lasts:
        said.append("its next start has it")
    if not plan.lasts and plan.method.reason:
        said.append(advice(seen, plan))
    above = _above(seen, plan)
    return "; ".join(said + ([above] if above else []) + plan.warnings)


def advice(seen, plan):
    """Return what would make it last."""
    case, unit = seen.now.case, seen.unit
    options = " ".join(_memory_settings.options(plan.target))
    group = plan.target.get("oom_group")
    conf = [] if group is None else [
        'cgroup_conf = ["%s=%d"] into [containers] of containers.conf (Podman 4.5)' % (_memory_settings.GROUP, group)]
    return _memory_method.ADVICE[plan.method.reason].format(
        version=".".join(str(part) for part in case.version), options=options,
        unit=seen.container.facts["manager"]["unit"] or "the unit",
        file=(case.unit_file or (unit.fragment if unit else None) or "the unit file"),
        compose=", ".join(_lines(plan.target, {"limit": "mem_limit", "swap_limit": "memswap_limit",
                                               "reservation": "mem_reservation"}) + conf),
        kube=", ".join(_lines(plan.target, {"limit": "resources.limits.memory",
                                            "reservation": "resources.requests.memory"}) + conf))


def _lines(target, names):
    return ["%s: %s" % (name, "(none)" if target[key] is None else target[key])
            for key, name in sorted(names.items()) if key in target]


def _above(seen, plan):
    """A cgroup above the container that holds it lower than was asked for."""
    limit, held = plan.target.get("limit"), (plan.after["effective"] or {}).get("limit")
    if not plan.live or "limit" not in plan.target or held is None or (limit is not None and held > limit - _PAGE):
        return None
    return "a cgroup above it (pod, slice or service) holds it at %s" % format_size(held)


# The kernel counts whole pages; the largest that any architecture has.
_PAGE = 65536


def diff(entries):
    """Return Ansible's list of diffs: declared and effective values of each container that changes."""
    found = []
    for each in entries:
        if each["changed"]:
            header = "%s/%s" % (each["user"], each["name"])
            found.append({"before_header": header, "after_header": header,
                          "before": _text(each["before"]), "after": _text(each["after"])})
    return found


def _text(state):
    lines = []
    for part in ("declared", "effective"):
        values = state[part]
        if values is None:
            lines.append("%s: not running\n" % part)
            continue
        for key in sorted(values):
            value = values[key]
            # none is written as such: for oom_group it is "not said", for a size "no limit"
            shown = str(value).lower() if isinstance(value, bool) else "none" if value is None else format_size(value)
            lines.append("%s %s: %s\n" % (part, key, shown))
    return "".join(lines)
