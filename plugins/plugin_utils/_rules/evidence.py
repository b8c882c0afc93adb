# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Rule on what could not be known, and why: evidence-missing.

Pure. One finding per host that did not answer, per source that could not be read, per container
whose verdict or limits stay unknown. `evidence.scope` says which: host, privilege, source, container.
"""

from __future__ import annotations

from typing import Any

from .._model.container_facts import current_limit, current_oom_group, effective_settings, is_running
from .._model.container_key import ContainerKey
from .._model.finding import Facts, Finding, make_finding
from .._policy.policy import Decision
from .._text import printable, shell_quoted

# What each source is good for, in words for people.
_SOURCES = {
    "podman": "the list of containers",
    "cgroup": "the limits that the kernel enforces",
    "kernel_log": "the kernel's record of OOM kills",
    "systemd": "systemd's record of OOM kills",
    "recorder": "the history kept by the recorder",
}
# Without these a verdict or a limit may stay unknown. Where the others are absent, nothing is missed
# that the first ones do not tell; no Podman at all is an answer, not a gap.
_NEEDED = ("cgroup", "kernel_log")
_SEVERITY = {"podman": "medium", "cgroup": "medium", "kernel_log": "medium"}


def not_checked_finding(host: str, kind: str, reason: str) -> Finding:
    """Return the finding for a host that gave no facts."""
    return make_finding(
        "evidence-missing", "medium", host, summary="not checked: %s" % printable(reason),
        detail="Nothing is known of this host in this run.",
        # the pattern is for Ansible's inventory
        remedy="ansible -m ansible.builtin.ping %s" % shell_quoted(host),
        evidence={"scope": "host", "kind": kind, "message": reason})


def evidence_findings(host: str, facts: Facts, run_as: str | None) -> list[Finding]:
    """Return what is missing of a host that did answer, its containers left out.

    :param run_as: the user the module ran as; None when not known.
    """
    found = []
    alone = unprivileged_user(facts, run_as)
    if alone:
        found.append(_privilege(host, alone))
    gaps = _gaps(facts)
    for (source, user), gap in gaps.items():
        if not (alone and source in ("kernel_log", "systemd", "recorder")):
            found.append(_source(host, source, user, gap))
    return found


def unprivileged_user(facts: Facts, run_as: str | None) -> str | None:
    """Return the ordinary user who could only look at his own containers, None when it was root."""
    if run_as == "root":
        return None
    users = {source.get("user") for source in facts.get("sources") or [] if source.get("name") == "podman"}
    users.discard(None)
    if run_as is None and len(users) == 1:
        run_as = users.pop()
        return None if run_as == "root" else run_as
    return run_as if "root" not in users else None


def _privilege(host: str, user: str) -> Finding:
    name = printable(user)
    return make_finding(
        "evidence-missing", "medium", host, user=user, subject="privilege",
        summary="ran as %s without become: only %s's containers, kernel log unreadable" % (name, name),
        detail="Containers of root and of other users were not looked at, and what the kernel wrote of OOM "
               "kills could not be read.",
        remedy="# run the audit with become\nansible-playbook podman_fleet.memory.audit -e podman_memory_become=true",
        evidence={"scope": "privilege", "kind": "no_become", "user": user,
                  "message": "ran as %s without become" % user})


def _gaps(facts: Facts) -> dict[tuple[str, str | None], dict[str, Any]]:
    """The sources that could not be read or not wholly, and errors that belong to none of them."""
    gaps: dict[tuple[str, str | None], dict[str, Any]] = {}
    is_v1 = (facts.get("host") or {}).get("cgroup_version") == 1
    for source in facts.get("sources") or []:
        name, status = source["name"], source["status"]
        if name == "cgroup" and status == "partial" and is_v1:
            continue  # all that v1 cannot tell is the finding cgroup-v1
        if status in ("unavailable", "partial") or (status == "absent" and name in _NEEDED):
            gaps[(name, source.get("user"))] = {
                "status": status, "message": source.get("detail") or "", "covers_since": source.get("covers_since")}
    for error in facts.get("errors") or []:
        key = (error.get("source") or "podman", error.get("user"))
        if key not in gaps:
            gaps[key] = {"status": "error", "message": error.get("message") or "", "covers_since": None}
        elif not gaps[key]["message"]:
            gaps[key]["message"] = error.get("message") or ""
    return gaps


def _source(host: str, source: str, user: str | None, gap: dict[str, Any]) -> Finding:
    words = {"partial": "read in part", "absent": "not there", "error": "reported an error"}.get(
        gap["status"], "could not be read")
    message = printable(gap["message"])
    # read in part: only what is older or odd is missing, and each verdict says so itself
    severity = "low" if gap["status"] in ("partial", "error") else _SEVERITY.get(source, "low")
    return make_finding(
        "evidence-missing", severity, host, user=user, subject="source:" + source,
        summary="%s %s%s" % (source.replace("_", " "), words, ": " + message if message else ""),
        detail="It tells %s." % _SOURCES.get(source, "part of the evidence"),
        remedy="# see why, on the host\n" + _look(source, user),
        evidence={"scope": "source", "kind": source, "status": gap["status"], "user": user,
                  "message": gap["message"], "covers_since": gap["covers_since"]})


def _look(source: str, user: str | None) -> str:
    prefix = "" if user in (None, "root") else "sudo -iu %s " % shell_quoted(user)
    return {
        "podman": prefix + "podman info",
        "cgroup": "cat /proc/self/cgroup /sys/fs/cgroup/cgroup.controllers",
        "systemd": prefix + "journalctl --lines=1",
        "recorder": "systemctl status podman-memory-recorder.timer",
    }.get(source, "journalctl --dmesg --lines=1")


def container_evidence_findings(host: str, facts: Facts, container: Facts, subject: ContainerKey, wanted: Decision) -> list[Finding]:
    """Return at most one finding: its verdict, its limits, or both; or that the policy could not be asked."""
    unknown = [what for what, is_unknown in (
        ("verdict", _verdict_unknown(container)),
        ("limits", are_limits_unknown(facts, container, wanted)),
    ) if is_unknown]
    if not unknown:
        return [_unasked(host, container, subject, wanted)] if wanted.problems else []
    oom = container.get("oom") or {}
    missing = [printable(each) for each in oom.get("missing") or []]
    because = " (%s)" % ", ".join(missing) if missing else ""
    return [make_finding(
        "evidence-missing", "medium" if "verdict" in unknown else "low", host, user=subject.user, subject=subject.key,
        container=subject.name, unit=subject.unit,
        summary={
            ("verdict",): "unknown whether it was OOM killed%s" % because,
            ("limits",): "unknown what limits are enforced",
        }.get(tuple(unknown), "unknown whether it was OOM killed, and what limits are enforced%s" % because),
        detail="The sources that would decide it could not be read, or do not reach back far enough.",
        remedy="# see what the findings on the host's sources say; with root and the kernel's journal it is decided",
        evidence={"scope": "container", "kind": "+".join(unknown), "missing": oom.get("missing") or [],
                  "running": is_running(container), "container_id": container["id"],
                  "flag": (container.get("state") or {}).get("oom_killed_flag"),
                  "message": ", ".join(missing)})]


def _unasked(host: str, container: Facts, subject: ContainerKey, wanted: Decision) -> Finding:
    message = "; ".join(wanted.problems)
    return make_finding(
        "evidence-missing", "medium", host, user=subject.user, subject=subject.key, container=subject.name,
        unit=subject.unit, summary="the policy could not be asked: %s" % message,
        detail="A rule of the policy fails on what is known of this container, so it was left out.",
        remedy="# correct the rule's match in podman_memory_policy",
        evidence={"scope": "container", "kind": "policy", "running": is_running(container),
                  "container_id": container["id"], "message": message})


def _verdict_unknown(container: Facts) -> bool:
    return (container.get("oom") or {}).get("killed") is None


def are_limits_unknown(facts: Facts, container: Facts, wanted: Decision) -> bool:
    """Whether a setting that the policy asks for is not known."""
    asked = wanted.required or wanted.min is not None or wanted.max is not None
    if asked and not current_limit(container).known:
        return True
    # cgroup v1 has none, and neither has a container without a cgroup of its own: nothing unknown there
    enforced = effective_settings(container)
    without = (facts.get("host") or {}).get("cgroup_version") == 1 or (enforced and not enforced.get("source"))
    return not without and wanted.oom_group is not None and not current_oom_group(container).known
