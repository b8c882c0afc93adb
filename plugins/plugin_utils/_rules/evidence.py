# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rule evidence-missing: what could not be known, and why.

Pure. One finding per host that did not answer, per source that could not be read, per container
whose verdict or limits stay unknown. `evidence.scope` says which: host, privilege, source, container.
"""

from __future__ import annotations

from typing import Any

from ...module_utils._door.grammar import is_id
from .._model.container_facts import (
    Facts,
    container_errors,
    current_limit,
    current_oom_group,
    effective_settings,
    is_running,
    next_start_problem,
)
from .._model.container_key import ContainerKey, ContainerKeys
from .._model.finding import Finding, make_finding
from .._policy.policy import Decision
from .._text import printable
from .remedy import as_user, cgroup_v2_remedy
from .suspicious import is_suspicious
from .words import NO_COMMAND, host_word

# What each source is for, in words for people.
SOURCES = {
    "podman": "the list of containers",
    "cgroup": "the limits that the kernel enforces",
    "kernel_log": "the kernel's record of OOM kills",
    "systemd": "systemd's record of OOM kills",
    "recorder": "the history kept by the recorder",
    "facts": "what the host says of itself and of its containers",
}
# Without these a verdict or a limit may stay unknown. Where the others are absent, nothing is missing that
# these do not tell; a host without Podman is an answer, not a gap.
NEEDED_SOURCES = ("cgroup", "kernel_log")
IMPORTANT_SOURCES = ("podman", "cgroup", "kernel_log")  # medium, where they could not be read; the others low
SIGKILL_EXIT = 137
ROOT_SOURCES = ("kernel_log", "systemd", "recorder")  # which an ordinary user cannot read


def not_checked_finding(host: str, kind: str, reason: str) -> Finding:
    """Return the finding for a host that gave no facts."""
    return make_finding(
        "evidence-missing", host, summary="not checked: %s" % printable(reason),
        detail="Nothing is known of this host in this run.",
        remedy="ansible -m ansible.builtin.ping -- %s" % host if host_word(host) else NO_COMMAND % "host",
        evidence={"scope": "host", "kind": kind, "message": reason})


def evidence_findings(host: str, facts: Facts, run_as: str | None) -> list[Finding]:
    """Return what is missing of a host that did answer, leaving out its containers.

    :param run_as: the user the module ran as; None when not known.
    """
    user = unprivileged_user(facts, run_as)
    findings = [_missing_privilege(host, user)] if user else []
    for (source, owner), gap in _gaps(facts).items():
        if not (user and source in ROOT_SOURCES):
            findings.append(_missing_source(host, source, owner, gap))
    return findings


def unprivileged_user(facts: Facts, run_as: str | None) -> str | None:
    """Return the ordinary user who could only see their own containers, None when it was root."""
    if run_as == "root":
        return None
    users = {source.get("user") for source in facts.get("sources") or [] if source.get("name") == "podman"}
    users.discard(None)
    if run_as is None and len(users) == 1:
        run_as = users.pop()
        return None if run_as == "root" else run_as
    return run_as if "root" not in users else None


def _missing_privilege(host: str, user: str) -> Finding:
    name = printable(user)
    return make_finding(
        "evidence-missing", host, user=user, subject="privilege",
        summary="ran as %s without become: only %s's containers, kernel log unreadable" % (name, name),
        detail="The containers of root and of other users were not checked, and the kernel's record of OOM "
               "kills could not be read.",
        remedy="# run the audit with become\nansible-playbook podman_fleet.memory.audit -e podman_memory_become=true",
        evidence={"scope": "privilege", "kind": "no_become", "user": user,
                  "message": "ran as %s without become" % user})


def _gaps(facts: Facts) -> dict[tuple[str, str | None], dict[str, Any]]:
    """By (source, user): {status, message, covers_since} of what could not be read at all or in part."""
    gaps: dict[tuple[str, str | None], dict[str, Any]] = {}
    is_v1 = (facts.get("host") or {}).get("cgroup_version") == 1
    for source in facts.get("sources") or []:
        name, status = source["name"], source["status"]
        if name == "cgroup" and status == "partial" and is_v1:
            continue  # all that v1 lacks is the finding cgroup-v1
        if status in ("unavailable", "partial") or (status == "absent" and name in NEEDED_SOURCES):
            gaps[(name, source.get("user"))] = {
                "status": status, "message": source.get("detail") or "", "covers_since": source.get("covers_since")}
    for error in facts.get("errors") or []:
        if error.get("container") or is_suspicious(error):
            continue  # invalid_container_findings, suspicious_findings
        key = (error.get("source") or "podman", error.get("user"))
        if key not in gaps:
            gaps[key] = {"status": "error", "message": error.get("message") or "", "covers_since": None}
        elif not gaps[key]["message"]:
            gaps[key]["message"] = error.get("message") or ""
    return gaps


def _missing_source(host: str, source: str, user: str | None, gap: dict[str, Any]) -> Finding:
    words = {"partial": "read in part", "absent": "not there", "error": "reported an error"}.get(
        gap["status"], "could not be read")
    message = printable(gap["message"])
    # read in part: only what is older or odd is missing, and each verdict says so itself
    is_minor = gap["status"] in ("partial", "error") or source not in IMPORTANT_SOURCES
    return make_finding(
        "evidence-missing", host, severity="low" if is_minor else "medium", user=user, subject="source:" + source,
        summary="%s %s%s" % (source.replace("_", " "), words, ": " + message if message else ""),
        detail="It tells %s." % SOURCES.get(source, "part of the evidence"),
        remedy="# see why, on the host\n" + _command_to_see(source, user),
        evidence={"scope": "source", "kind": source, "status": gap["status"], "user": user,
                  "message": gap["message"], "covers_since": gap["covers_since"]})


def _command_to_see(source: str, user: str | None) -> str:
    return {
        "podman": as_user(user, "podman info"),
        "cgroup": "cat /proc/self/cgroup /sys/fs/cgroup/cgroup.controllers",
        "systemd": as_user(user, "journalctl --lines=1"),
        "recorder": "systemctl status podman-memory-recorder.timer",
        "facts": "podman ps --all",
    }.get(source, "journalctl --dmesg --lines=1")


def invalid_container_findings(host: str, facts: Facts, keys: ContainerKeys) -> list[Finding]:
    """Return a finding for each container of which something, or all, was not valid and is left out of the facts."""
    known = {(container["user"], container["id"]): container
             for name in ("removed", "containers") for container in facts.get(name) or []}
    findings = []
    for error in container_errors(facts):
        user, name, ident = error.get("user"), printable(error["container"]), error.get("container_id")
        container = known.get((user, ident))
        key = keys.lookup(container) if container else ContainerKey(name, user, name, None) if user else None
        findings.append(make_finding(
            "evidence-missing", host, key, subject="container:" + name, summary="what is said of it is not valid",
            detail="%s. Its owner or the host made it up, or there is an error in Podman. What is left was checked." % printable(
                error["message"]),
            remedy="# see what Podman says, on the host\n" + as_user(
                user, "podman container inspect -- %s" % ident if is_id(ident) else "podman ps --all"),
            evidence={"scope": "container", "kind": "facts", "container_id": ident,
                      "running": is_running(container) if container else None, "message": "what is said of it is not valid"}))
    return findings


def container_evidence_findings(host: str, facts: Facts, container: Facts, key: ContainerKey,
                                decision: Decision) -> list[Finding]:
    """Return at most one finding: that its verdict, its limits or both are unknown, or that the policy failed on it."""
    is_verdict_unknown = (container.get("oom") or {}).get("killed") is None
    are_unknown = are_limits_unknown(facts, container, decision)
    problem = None if decision.is_exempt else next_start_problem(container)
    if is_verdict_unknown or (are_unknown and not problem):
        return [_unknown(host, container, key, is_verdict_unknown, are_unknown)]
    if problem:
        return [_next_start_unknown(host, container, key, problem)]
    return [_policy_failed(host, container, key, decision)] if decision.problems else []


def removed_container_findings(host: str, facts: Facts, keys: ContainerKeys) -> list[Finding]:
    """Return a finding for each removed container of which nobody can tell any more whether it was killed."""
    findings = []
    for container in facts.get("removed") or []:
        if (container.get("oom") or {}).get("killed") is None and container.get("exit_code") == SIGKILL_EXIT:
            finding = _unknown(host, container, keys.lookup(container), True, False)
            finding.update(detail="It ended right behind a kill in a cgroup above all containers, and is removed. Where the memory controller "
                                  "does not reach to containers, the kernel names none of them.", remedy=cgroup_v2_remedy(host))
            findings.append(finding)
    return findings


def _unknown(host: str, container: Facts, key: ContainerKey, verdict: bool, limits: bool) -> Finding:
    oom = container.get("oom") or {}
    missing = [printable(source) for source in oom.get("missing") or []]
    because = " (%s)" % ", ".join(missing) if missing else ""
    unknown = ["whether it was OOM killed"] * verdict + ["what limits are enforced"] * limits
    return make_finding(
        "evidence-missing", host, key, severity="medium" if verdict else "low",
        summary="unknown %s%s" % (", and ".join(unknown), because if verdict else ""),
        detail="The sources that would tell could not be read, or do not reach back far enough.",
        remedy="# see the findings on the sources of the host: with root and the journal of the kernel it can be decided",
        evidence={"scope": "container", "kind": "+".join(["verdict"] * verdict + ["limits"] * limits),
                  "missing": oom.get("missing") or [], "running": is_running(container), "container_id": container["id"],
                  "flag": (container.get("state") or {}).get("oom_killed_flag"),
                  "message": ", ".join(missing)})


def _next_start_unknown(host: str, container: Facts, key: ContainerKey, problem: str) -> Finding:
    message = "its unit: %s" % printable(problem)
    return make_finding(
        "evidence-missing", host, key, severity="low", summary="unknown what limits its next start has (%s)" % message,
        detail="A variable or a specifier of systemd stands where its unit says how much memory the container gets.",
        remedy="# write the size itself into the unit: then it can be judged and enforced",
        evidence={"scope": "container", "kind": "next_start", "running": is_running(container),
                  "container_id": container["id"], "message": message})


def _policy_failed(host: str, container: Facts, key: ContainerKey, decision: Decision) -> Finding:
    message = "; ".join(decision.problems)
    return make_finding(
        "evidence-missing", host, key, summary="the policy could not be evaluated: %s" % message,
        detail="A rule of the policy fails on what is known of this container, so it was left out.",
        remedy="# correct the match of that rule in podman_memory_policy",
        evidence={"scope": "container", "kind": "policy", "running": is_running(container),
                  "container_id": container["id"], "message": message})


def are_limits_unknown(facts: Facts, container: Facts, decision: Decision) -> bool:
    """Whether a setting that the policy is about is not known."""
    if (decision.required or decision.bounds != (None, None)) and not current_limit(container).known:
        return True
    # cgroup v1 has no memory.oom.group, and neither has a container without a cgroup of its own: nothing is unknown there
    effective = effective_settings(container)
    has_none = (facts.get("host") or {}).get("cgroup_version") == 1 or (effective and not effective.get("source"))
    return not has_none and decision.oom_group is not None and not current_oom_group(container).known
