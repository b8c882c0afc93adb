# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A kill in words, from the evidence of a finding oom-killed: why, what it did to the container, who was killed. Pure."""

from __future__ import annotations

import re
from typing import Any

from .._text import format_duration, human_size, parse_time, plural, printable

CRASH_LOOP = 3  # this many kills are a crash loop, whatever each of them did
# Podman's own slice of a pod (libpod/options.go: machine-libpod_pod_ID.slice, user-libpod_pod_ID.slice).
_POD = re.compile(r"libpod_pod_([0-9a-f]{12})")
_LONG_ID = re.compile(r"([0-9a-f]{12})[0-9a-f]{52}")


def describe_cause(evidence: dict[str, Any]) -> str:
    """Return the cause in words: "hit its own limit of 20 MiB"."""
    cause, scope = evidence.get("cause"), str(evidence.get("scope") or "")
    limit = evidence.get("limit")
    if cause == "container_limit":
        return "hit its own limit" + (" of %s" % human_size(limit) if limit is not None else "")
    if cause == "nested_limit":
        inner = evidence.get("scope_limit")
        return "hit the limit of %s inside it%s" % (
            _LONG_ID.sub(r"\1", _last_part(scope)) if scope else "a cgroup", " (%s)" % human_size(inner) if inner is not None else "")
    if cause == "ancestor_limit":
        return "hit the limit of %s" % (describe_cgroup(scope) if scope else "its pod or slice")
    if cause == "host_oom":
        return "the host ran out of memory"
    if cause == "cpuset_oom":
        return "%s ran out of memory, not the host" % (printable(scope) if scope else "some NUMA nodes")
    if cause == "systemd_oomd":
        return "systemd-oomd: memory pressure" + (" in %s" % _last_part(scope) if scope else "")
    return "OOM kill, cause unknown"


def describe_cgroup(scope: str) -> str:
    """Return a cgroup above a container in words: "its pod (ad84232988fc)", "batch.slice"."""
    # the whole path would fill a line, and people know the pod by the beginning of its id
    pod = _POD.search(scope)
    return "its pod (%s)" % pod.group(1) if pod else _last_part(scope)


def _last_part(scope: str) -> str:
    return printable(scope.rstrip("/").rsplit("/", 1)[-1] or scope)


def describe_outcome(evidence: dict[str, Any]) -> str:
    """Return in words what the kill did to the container: "ended it, exit 137"."""
    code = evidence.get("exit_code")
    exit_code = ", exit %d" % code if isinstance(code, int) else ""
    if not evidence.get("current_run"):
        ended = evidence.get("lethal_count") or 0
        return "ended %s" % plural(ended, "earlier run") if ended else "in an earlier run"
    if evidence.get("lethal"):
        return "ended it" + exit_code
    if evidence.get("lethal") is None:
        return "unclear if it ended it" + exit_code
    return "lost a process, runs on" if evidence.get("running") else "lost a process" + exit_code


def describe_victim(evidence: dict[str, Any]) -> str:
    """Return what was killed: "sort (pid 587, 19 MiB)", or all of it; empty when not known."""
    victims = [victim for victim in evidence.get("victims") or [] if victim.get("task")]
    if not victims:
        return "the whole container" if evidence.get("group") else ""
    last = victims[-1]
    details = ["pid %d" % last["pid"] if isinstance(last.get("pid"), int) else "",
               human_size(last["rss"]) if isinstance(last.get("rss"), int) else ""]
    inside = ", ".join(detail for detail in details if detail)
    text = printable(last["task"], 40) + (" (%s)" % inside if inside else "")
    return text + " and with it the whole container" if evidence.get("group") else text


def describe_pace(evidence: dict[str, Any]) -> str:
    """Return how fast and for how long a crash loop goes: "12 of them within 3 min, one in 16 s"; empty where it is none or not known."""
    first, last, number = parse_time(evidence.get("first_at")), parse_time(evidence.get("last_at")), evidence.get("timed_kills") or 0
    if first is None or last is None or number < CRASH_LOOP:
        return ""
    seconds = max((last - first).total_seconds(), 0)
    return "%d of them within %s, one in %s" % (number, format_duration(seconds), format_duration(seconds / (number - 1)))


def describe_flag_error(evidence: dict[str, Any]) -> str:
    """Return what is wrong with Podman's own flag; empty where it is right or unknown."""
    return {
        "missed": "podman's own flag says it was not OOM killed",
        "stale": "podman's own flag is left over from an earlier run",
        "overstated": "podman's own flag says the container was killed",
    }.get(evidence.get("flag_trust") or "", "")
