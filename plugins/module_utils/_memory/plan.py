# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""What has to be done to one container so that it is as requested, and what it will be like then.

Pure: check mode, the diff and the run all take it from here.
"""

from collections import namedtuple

from .._cgroup import effective as _effective
from .._system.sizes import format_size
from . import method as _memory_method
from .method import Unsupported
from .settings import KEYS, declared, differs

# The container now. case: _memory_method.Case; record: what Podman keeps for it; unit: what its quadlet
# unit declares, None for none; live: Live or None when it does not run.
Now = namedtuple("Now", "case record unit live")

# version: of the cgroups; lineage: [(path, limits)] from the leaf up, as _cgroupfs gives them; own: its topmost own
# cgroup or None; low: bytes of the leaf's memory.low; counts_swap: whether its swap can be limited; working_set: bytes.
Live = namedtuple("Live", "version lineage own low counts_swap working_set")

# method: _memory_method.Method; target: the settings to reach; update: whether record or kernel have to be
# changed, drop_in: whether the unit has to; before, after: {declared, effective} for the result;
# live: whether the kernel enforces it afterwards; lasts: whether the next start has it; restart: whether
# only a restart makes the kernel enforce it; warnings: [str].
Plan = namedtuple("Plan", "method target update drop_in before after live lasts restart warnings")

# The kernel kills at once below what is in use (memory.max in cgroup-v2.rst); a little room to go on.
_HEADROOM = 1.05


def plan(now, wanted, backend, persist, allow_below_usage, page_size, memory_total):
    """Return the Plan.

    :param now: Now.
    :param wanted: {setting: value} of _memory_request.Request.
    :raises Unsupported: it can't be done here, or Podman or the kernel would refuse it, or kill for it.
    """
    method = _memory_method.choose(now.case, wanted, backend, persist)
    target = _target(now, wanted)
    _consistent(now, target)
    live_now = enforced(now.live)
    predicted = _predicted(now, target, method, page_size)
    update = method.write is not None and (
        (method.records and differs(target, now.record)) or _live_differs(now.live, target, page_size))
    if update and now.live and not allow_below_usage:
        _room(now.live, target, page_size)
    drop_in = method.drop_in and now.unit is not None and differs(target, now.unit)
    after = predicted if update else live_now
    reached = now.live is not None and (update or (
        now.live.own is not None and not _live_differs(now.live, target, page_size)))
    record = dict(now.record, **target) if update and method.records else now.record
    unit = dict(now.unit, **target) if drop_in else now.unit
    lasts = method.persistent or _lasts_already(now, target)
    return Plan(
        method, target, update, drop_in,
        before={"declared": declared(now.record, now.unit), "effective": live_now},
        after={"declared": declared(record, unit), "effective": after},
        live=reached, lasts=lasts, restart=now.case.running and not reached and lasts,
        warnings=_warnings(target, memory_total))


def _lasts_already(now, target):
    """Whether what makes the next start has it without us."""
    if now.case.manager == "quadlet":
        return now.unit is not None and not differs(target, now.unit)
    # before 5.1 the record is what the container was made with; later anybody's update is in it
    from_source = now.case.version < _memory_method.RECORDS
    stays = now.case.manager == "none" and not now.case.pod and not now.case.removed
    return (from_source or stays) and not differs(target, now.record)


def _target(now, wanted):
    """Return the settings to reach: what is wanted, and the swap that belongs to the memory."""
    base = now.record if now.unit is None else now.unit
    target = {}
    if "memory" in wanted:
        target["limit"] = wanted["memory"]
        target["swap_limit"] = _implied_swap(wanted["memory"], base)
    if "memory_swap" in wanted:
        target["swap_limit"] = wanted["memory_swap"]
        target.setdefault("limit", _present_limit(now, base))
        if target["swap_limit"] is not None and target["limit"] is None:
            raise Unsupported("memory_swap: %s limits memory and swap together, and the container has no limit for memory; "
                              "give memory too" % format_size(target["swap_limit"]))
    if "memory_reservation" in wanted:
        target["reservation"] = wanted["memory_reservation"]
    if "oom_group" in wanted:
        target["oom_group"] = wanted["oom_group"]
    return target


def _implied_swap(memory, base):
    """The swap limit when only memory is given: no swap on top, or as much in proportion as was declared.

    Left alone it would stay below a raised memory limit, or far above a lowered one.
    """
    limit, swap = base.get("limit"), base.get("swap_limit")
    if memory is None or limit is None or swap is None or swap <= limit:
        return memory
    return memory * swap // limit


def _present_limit(now, base):
    if now.case.version < _memory_method.RECORDS and now.live:
        return _own(now.live)["limit"]
    return base.get("limit")


def _consistent(now, target):
    """Refuse what the runtime refuses, after Podman has written it down (facts of podman update)."""
    then = dict(now.record if now.unit is None else now.unit, **target)
    limit, swap, reservation = (then.get(key) for key in KEYS[:3])
    if limit is None:
        return
    if "swap_limit" in target and swap is not None and swap < limit:
        raise Unsupported("memory_swap: %s is less than the memory limit of %s; it counts memory and swap together"
                          % (format_size(swap), format_size(limit)))
    if reservation is not None and reservation > limit and ("limit" in target or "reservation" in target):
        raise Unsupported("memory_reservation: %s is more than the memory limit of %s; give both"
                          % (format_size(reservation), format_size(limit)))


def _room(live, target, page_size):
    """Refuse a limit that is lowered to where the kernel kills at once."""
    limit, used = target.get("limit"), live.working_set
    present = _own(live)["limit"]
    if limit is None or (present is not None and _pages(limit, page_size) >= present):
        return
    if used is None:
        raise Unsupported("memory: what it uses now can't be read, so %s may be too little; allow_below_usage sets it all "
                          "the same" % format_size(limit))
    need = int(used * _HEADROOM)
    if limit < need:
        raise Unsupported("memory: %s is %d bytes less than the %d bytes it needs now (a working set of %d and 5 %%), the "
                          "kernel would kill at once; give more, or allow_below_usage"
                          % (format_size(limit), need - limit, need, used))


def _live_differs(live, target, page_size):
    if live is None or live.own is None:
        return False
    own = _own(live)
    expected = _kernel(target, live.version, page_size)
    if "limit" in target and own["limit"] != expected["limit"]:
        return True
    if "swap_limit" in target and live.counts_swap and own["swap"] != expected["swap"]:
        return True
    if "reservation" in target and live.version == 2 and (live.low or 0) != expected["low"]:
        return True
    return "oom_group" in target and own["oom_group"] is not target["oom_group"]


def _own(live):
    """Return {limit, swap, oom_group} of the container's own cgroups, those above left out; swap as the kernel counts it."""
    own = [limits for path, limits in live.lineage if _is_own(live, path)]
    found = {key: [each[key] for each in own if each[key] is not None] for key in ("limit", "swap")}
    return {"limit": min(found["limit"]) if found["limit"] else None,
            "swap": min(found["swap"]) if found["swap"] else None,
            "oom_group": any(each["oom_group"] for each in own)}


def _is_own(live, path):
    return live.own is not None and (path == live.own or path.startswith(live.own + "/"))


def _kernel(target, version, page_size):
    """Return {limit, swap, low} as the kernel will show them: whole pages; in v2 swap without the memory."""
    limit, swap = target.get("limit"), target.get("swap_limit")
    if swap is not None and version == 2:
        swap = None if limit is None else swap - limit
    return {
        "limit": _pages(limit, page_size),
        "swap": _pages(swap, page_size),
        "low": _pages(target.get("reservation") or 0, page_size),
    }


def _pages(count, page_size):
    return None if count is None else count - count % page_size


def enforced(live):
    """Return the result's `effective`, None when it does not run."""
    if live is None:
        return None
    found = _effective.effective_limits(live.lineage, live.own, live.version)
    return {key: found[key] for key in ("limit", "swap_limit", "high", "oom_group")}


def _predicted(now, target, method, page_size):
    """Return `effective` after the change."""
    live = now.live
    if live is None or method.write is None:
        return enforced(live)
    expected = _kernel(target, live.version, page_size)
    leaf = live.lineage[0][0]
    lineage = []
    for path, limits in live.lineage:
        if _is_own(live, path) and (method.write != "cgroupfs" or path == leaf):
            limits = dict(limits)
            if "limit" in target:
                limits["limit"] = expected["limit"]
            if "swap_limit" in target and live.counts_swap:
                limits["swap"] = expected["swap"]
            if "oom_group" in target:
                limits["oom_group"] = target["oom_group"]
        lineage.append((path, limits))
    after = live._replace(lineage=lineage)
    if method.write == "cgroupfs" and _live_differs(after._replace(low=expected["low"]), target, page_size):
        raise Unsupported("backend: cgroupfs writes to the container's leaf only, and %s above it holds it at %s"
                          % (live.own, _said(_own(live))))
    return enforced(after)


def _said(own):
    return ", ".join("%s %s" % (key, own[key] if key == "oom_group" else format_size(own[key]))
                     for key in ("limit", "swap", "oom_group"))


def previous(now, plan_):
    """Return the settings to go back to, of those that the plan changes."""
    if plan_.method.records or now.live is None:
        return {key: now.record.get(key) for key in plan_.target}
    own = _own(now.live)
    swap = own["swap"]
    if swap is not None and now.live.version == 2:
        swap = None if own["limit"] is None else own["limit"] + swap
    held = {"limit": own["limit"], "swap_limit": swap, "reservation": now.live.low or None, "oom_group": own["oom_group"]}
    return {key: held[key] for key in plan_.target}


def reached(now, plan_, page_size):
    """Return what of the plan is not so in a container that was looked at again: [str], empty for all is well."""
    missing = []
    if plan_.live and now.live and _live_differs(now.live, plan_.target, page_size):
        missing.append("the kernel enforces %s" % _said(_own(now.live)))
    if plan_.update and plan_.method.records and differs(plan_.target, now.record):
        missing.append("Podman's record says %s" % now.record)
    if plan_.drop_in and (now.unit is None or differs(plan_.target, now.unit)):
        missing.append("the quadlet unit says %s" % now.unit)
    return missing


def _warnings(target, memory_total):
    limit = target.get("limit")
    if limit is not None and memory_total and limit > memory_total:
        return ["memory: %s is more than the host's memory of %d bytes, so the host runs out of it first"
                % (format_size(limit), memory_total)]
    return []
