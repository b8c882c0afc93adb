# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts whose names, labels, tasks and messages want to do harm, and the two reports that they end up in."""

from __future__ import annotations

import copy
import datetime
import hashlib
import json
import pathlib

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.audit import Audit
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.render import FORMATS
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.parse import parse_policy

RECORDED = pathlib.Path(__file__).resolve().parents[1] / "unit" / "fixtures" / "oom_audit"
NAMES = (
    "<script>window.hacked=1</script>",
    "</script><script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "\"><svg onload=window.hacked=1>",
    "' onmouseover='window.hacked=1",
    "javascript:window.hacked=1",
    "\x1b[2J\x1b]0;owned\x07",
    "\u202egnp.exe\u2066",
    "\u061cx\u200e\u200fy\u202a\u202b\u202c\u202dz\u2067\u2068\u2069",
    "=cmd|'/c calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1+1)",
    "\t=1+1",
    "\uff1dcmd()",
    "]]>",
    "-->",
    "a\x00b",
    "\ud800lone surrogate",
    "\ufffe\uffff",
    "x" * 10000,
    "{{ 7 * 7 }}",
    "| a | `b` | [c](http://evil.example) @everyone #1",
    "a\nb\r\nc",
    "..",
    "%2e%2e/%00",
    "\"quoted\", with; commas",
    "\\backslash\\",
    "e\u0301\u0327 zalgo\u0336\u0337\u0338",
)
START = datetime.datetime(2026, 11, 23, 20, 30, tzinfo=datetime.timezone.utc)
RUN = {"collection_version": "1.0.0", "ansible_version": "2.19.0", "check_mode": False, "limit": None,
       "controller": "<b>controller</b>", "started_at": "2026-11-23T20:29:00Z", "previous": None}
MIB = 1 << 20


def recorded(name):
    """Facts of a real host."""
    return json.loads((RECORDED / (name + ".json")).read_text(encoding="utf-8"))


def _hostile(limit_share):
    """Facts with a container for each name; each of them is also killed by a task, labelled, and near its limit."""
    facts = recorded("debian13-root")
    killed = next(each for each in facts["containers"] if each["oom"]["killed"] and each["memory"]["usage"])
    facts["containers"] = []
    for number, name in enumerate(NAMES):
        ident = hashlib.sha256(b"%d" % number).hexdigest()
        made = json.loads(json.dumps(killed).replace(killed["id"], ident))
        made.update(name=name, image=name, labels={name: name, "role": name}, user=name if number % 2 else "root")
        made["oom"]["victims"] = [{"pid": 1, "task": name, "at": made["oom"]["last_at"], "rss": MIB}]
        made["oom"]["evidence"].append(name)
        made["memory"]["usage"]["working_set"] = int(made["memory"]["effective"]["limit"] * limit_share)
        made["memory"]["daily"] = [{"day": "2026-11-%02d" % day, "working_set_max": day * MIB, "peak": None} for day in range(1, 15)]
        facts["containers"].append(made)
    facts["host"]["distribution"] = NAMES[0]
    facts["sources"] += [{"name": "podman", "user": name, "status": "ok", "covers_since": None, "detail": name} for name in NAMES]
    facts["sources"].append({"name": "kernel_log", "user": NAMES[1], "status": "unavailable", "covers_since": None, "detail": NAMES[1]})
    return facts


def answered(host, facts, run_as="root"):
    """A record of a host that answered."""
    return {"host": host, "run_as": run_as, "only": None, "problem": None, "facts": copy.deepcopy(facts)}


def lost(host, message):
    """A record of one that did not."""
    return {"host": host, "run_as": None, "only": None, "facts": None, "problem": {"kind": "unreachable", "message": message}}


def reports(directory):
    """Write two reports, one day after the other, in all formats; return the path of the second report.json."""
    policy = parse_policy({"waivers": [{"match": "name == 'restart-loop'", "rule": "oom-killed", "reason": "<script>=cmd() ]]>",
                                        "owner": "@ops", "expires": "2099-12-31"}]}, "test")
    first = Audit(str(directory), None, START, policy, FORMATS).write(
        [answered("deb13", recorded("debian13-root")), answered("deb12", recorded("debian12-root")),
         answered("hostile", _hostile(0.1))], RUN)
    fixed = recorded("debian13-root")
    del fixed["containers"][-2:]
    second = Audit(str(directory), first.path, START + datetime.timedelta(days=1), policy, FORMATS).write(
        [answered("deb13", fixed), answered("hostile", _hostile(0.95)),
         answered("alice", recorded("debian13-alice"), "alice"), *(lost(name, name) for name in NAMES)],
        {**RUN, "previous": first.path, "started_at": "2026-11-24T20:29:00Z"})
    assert not second.warnings
    return second.path
