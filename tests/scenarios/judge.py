# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The independent judge: was the scenario provoked, and do the facts say the truth?

The truth is the kernel's own record, read by the few lines below. Nothing of the collection
is imported here on purpose: a mistake in its parser must not be able to hide itself.
"""

from __future__ import annotations

from collections import namedtuple
from datetime import datetime, timezone

from .model import flag_trust

UIDS = {"root": 0, "alice": 1000, "bob": 1001}

# at: microseconds; limit: "container", "nested", "ancestor", "cpuset" or "host", whose memory had run out.
Record = namedtuple("Record", "at limit pid text")

# What is known of one target: its id, its inspect (None when gone), the kernel's records, and what
# systemd-oomd, which is the only one to know of its own kills, says of it.
Case = namedtuple("Case", "ident inspect records in_last_run oomd")


LIMITS = {"container_limit": "container", "nested_limit": "nested", "ancestor_limit": "ancestor", "host_oom": "host",
          "cpuset_oom": "cpuset", "systemd_oomd": "oomd"}


class NotProvoked(Exception):
    """The scenario did not do on this host what it is there for. Proves nothing about facts."""


def kernel_records(lines, ident):
    """Return the Records that name the container as victim; lines: [[microseconds, text]]."""
    found = []
    # chosen, but dying already: the kernel neither kills nor counts it (mm/oom_kill.c, __oom_kill_process)
    spared = {text.split("OOM victim ", 1)[1].split()[0] for _at, text in lines if "is already exiting" in text}
    for at, text in lines:
        if "oom-kill:constraint=" not in text:
            continue
        fields = dict(part.partition("=")[::2] for part in text.split("oom-kill:", 1)[1].split(","))
        if ident not in fields.get("task_memcg", "") or fields["pid"] in spared:
            continue
        if fields["constraint"] != "CONSTRAINT_MEMCG":
            limit = "host" if fields["constraint"] == "CONSTRAINT_NONE" else "cpuset"
        elif ident in fields["oom_memcg"]:
            inside = fields["oom_memcg"].split(ident, 1)[1]
            limit = "container" if inside in ("", ".scope", ".scope/container") else "nested"
        else:
            limit = "ancestor"
        found.append(Record(at, limit, int(fields["pid"]), text))
    return found


def find(evidence, user, target):
    """Return the Case of a target.

    :raises NotProvoked: there is, or was, no such container.
    """
    present = [each for each in evidence["inspect"][user] if each["Name"] == target.name]
    if target.gone:
        ids = [ident for _at, uid, name, ident in evidence["created"]
               if uid == UIDS[user] and name == target.name]
        ids = [ident for ident in ids if ident not in [each["Id"] for each in present]]
        if not ids:
            raise NotProvoked("no container %s was made, or it is still there" % target.name)
        records = kernel_records(evidence["kernel"], ids[-1])
        return Case(ids[-1], None, records, records, [])
    if not present:
        raise NotProvoked("there is no container %s" % target.name)
    inspect = present[0]
    records = kernel_records(evidence["kernel"], inspect["Id"])
    begun = last_begin(evidence, inspect)
    # conmon's own scope may be killed besides
    oomd = [text for _at, text in evidence["oomd"]
            if text.startswith(("Killed /", "Marked /")) and "/libpod-%s.scope" % inspect["Id"] in text]
    return Case(inspect["Id"], inspect, records, [each for each in records if each.at >= begun], oomd)


def last_begin(evidence, inspect):
    """Return the microseconds when the last run began.

    Podman's init event; StartedAt is written when the process runs already, and on a slow host
    that is after a quick one was killed.
    """
    begun = [at for at, _uid, _name, ident in evidence["begun"] if ident == inspect["Id"]]
    return begun[-1] if begun else _micros(inspect["State"]["StartedAt"])


def check_provoked(target, case):
    """Raise NotProvoked unless the kernel's record is what the scenario is there for."""
    seen = [each.limit for each in case.in_last_run] + ["oomd"] * len(case.oomd)
    if target.killed and not target.unprovable:
        wanted = LIMITS[target.cause]
        if wanted not in seen:
            raise NotProvoked("the kernel has no kill by the %s in the last run: %s" % (wanted, case.records))
    if not target.killed and seen:
        raise NotProvoked("the kernel killed in the last run: %s" % (case.in_last_run,))
    if target.kills is not None and len(case.records) != target.kills:
        raise NotProvoked("%d kernel records instead of %d: %s" % (len(case.records), target.kills, case.records))
    # a container whose conmon is gone stays "running", whatever happened to it
    if case.inspect and target.lethal and not case.inspect["State"]["Running"] and case.inspect["State"]["ExitCode"] != 137:
        raise NotProvoked("the main process was not killed: %s" % case.inspect["State"])


def entry(facts, user, case):
    """Return the facts on this container: from `containers`, else from `removed`, else None."""
    for each in facts["containers"] + facts["removed"]:
        if each["id"] == case.ident and each["user"] == user:
            return each
    return None


def compare(target, case, facts, user):
    """Return what is wrong in the facts about a target, as lines of text."""
    told = entry(facts, user, case)
    if target.gone:
        if target.killed:
            return _compare_removed(target, told)
        return ["in the facts though it neither exists nor was killed"] if told else []
    if told is None:
        return ["not in the facts"]
    if "state" not in told:
        return ["among the removed though it is there; errors: %s" % facts["errors"]]
    oom = told["oom"]
    if target.unprovable and oom["killed"] is None:
        return [] if oom["cause"] == "unknown" else ["killed null, cause %s" % oom["cause"]]
    flag = case.inspect["State"]["OOMKilled"]
    wrong = _differences(oom, {
        "killed": (target.killed,),
        "cause": (target.cause,) + target.causes,
        # of what was not killed it may be said either way
        "lethal": (target.lethal,) if target.killed else (False, None),
        "flag_trust": (flag_trust(flag, target.killed, target.lethal),),
    })
    seen = len(case.records) + len(case.oomd)
    if oom["count"] != seen and not target.unprovable:
        wrong.append("count %s instead of %d" % (oom["count"], seen))
    if target.killed and not oom["evidence"]:
        wrong.append("killed without evidence")
    if told["state"]["oom_killed_flag"] is not flag:
        wrong.append("oom_killed_flag %s instead of %s" % (told["state"]["oom_killed_flag"], flag))
    return wrong


def _compare_removed(target, told):
    if told is None:
        return ["not in `removed`"]
    wrong = _differences(told["oom"], {
        "killed": (True,), "cause": (target.cause,) + target.causes,
        "lethal": (target.lethal, None), "flag_trust": ("unknown",)})
    if told["name"] != target.name:
        wrong.append("name %s instead of %s" % (told["name"], target.name))
    unit = told.get("unit") or (told.get("manager") or {}).get("unit")
    if target.unit and unit != target.unit:
        wrong.append("unit %s instead of %s" % (unit, target.unit))
    return wrong


def _differences(oom, expected):
    return ["%s %s instead of %s" % (key, oom[key], " or ".join(map(str, values)))
            for key, values in expected.items() if oom[key] not in values]


def _micros(text):
    """Microseconds of a time as Podman prints it; Go's zero time gives 0."""
    if text.startswith("0001"):
        return 0
    whole, _dot, rest = text.replace("Z", "+00:00").partition(".")
    fraction = rest.split("+")[0].split("-")[0] if rest else "0"
    zone = rest[len(fraction):] or whole[19:] or "+00:00"
    moment = datetime.fromisoformat(whole[:19] + zone).astimezone(timezone.utc)
    return int(moment.timestamp()) * 1000000 + int(fraction.ljust(6, "0")[:6])
