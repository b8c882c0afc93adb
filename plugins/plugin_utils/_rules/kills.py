# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Rule oom-killed: containers that lost processes to an OOM killer, in this run or before.

Pure. One finding per container, however often it was killed and made anew: a unit in a crash
loop with --rm leaves a removed container for each kill.
"""

from __future__ import annotations

from typing import Any

from .._model.container_facts import declared_settings, effective_settings, is_running
from .._model.container_key import ContainerKey, ContainerKeys
from .._model.finding import Facts, Finding, make_finding
from .._model.kill_text import describe_cause, describe_flag_error, describe_outcome, describe_victim
from .._text import format_time
from .remedy import HOST_OOM_REMEDY, KERNEL_LOG_REMEDY, higher_limit_remedy, shared_limit_remedy

# So many kills are a crash loop, whatever each of them did.
_LOOP = 3
_KEPT = 20  # victims and lines of evidence that a finding carries; the facts have them all


def kill_findings(host: str, facts: Facts, subjects: ContainerKeys) -> list[Finding]:
    """Return a finding for each container of the host that was hit."""
    groups: dict[tuple[str, str], list[tuple[Facts, ContainerKey, bool]]] = {}
    for gone, containers in ((False, facts.get("containers") or []), (True, facts.get("removed") or [])):
        for container in containers:
            oom = container.get("oom") or {}
            if oom.get("killed") or oom.get("count"):
                subject = subjects.lookup(container)
                groups.setdefault((subject.user, subject.key), []).append((container, subject, gone))
    return [_finding(host, group) for group in groups.values()]


def _finding(host: str, group: list[tuple[Facts, ContainerKey, bool]]) -> Finding:
    """One finding for all containers of one name; the latest kill speaks for them."""
    container, subject, gone = max(group, key=lambda each: each[0]["oom"].get("last_at") or "")
    oom = container["oom"]
    count = sum(max(each["oom"].get("count") or 0, 1) for each, _subject, _gone in group)
    evidence = _evidence(container, oom, gone, count)
    evidence["containers"] = len(group)
    return make_finding(
        "oom-killed", _severity(oom, evidence), host, user=subject.user, subject=subject.key,
        container=subject.name, unit=subject.unit, summary=_summary(evidence), detail=_detail(evidence),
        remedy=_remedies(container, subject, evidence), evidence=evidence)


def _evidence(container: Facts, oom: Facts, gone: bool, count: int) -> dict[str, Any]:
    state = container.get("state") or {}
    # a removed container's run is its last one, so there the kill is always of "this" run
    current = bool(oom.get("killed")) or gone
    past = _latest(oom.get("history")) if not current else {}
    enforced = effective_settings(container) or declared_settings(container)
    return {
        "current_run": current,
        "removed": gone and bool(container.get("gone", True)),
        "running": is_running(container),
        "container_id": container["id"],
        # the verdict's cause is of the present run; an earlier kill has its own
        "cause": oom.get("cause") if current else past.get("cause") or "unknown",
        "scope": oom.get("scope") if current else None,
        "lethal": oom.get("lethal") if current else None,
        "confidence": oom.get("confidence") or "unknown",
        "group": bool(oom.get("group")) if current else None,
        "count": count,
        "last_at": oom.get("last_at"),
        "victims": (oom.get("victims") or ([past] if past else []))[:_KEPT],
        "limit": enforced.get("limit"),
        "exit_code": state.get("exit_code") if current else None,
        "flag": state.get("oom_killed_flag"),
        "flag_trust": oom.get("flag_trust") or "unknown",
        "reasons": (oom.get("evidence") or [])[:_KEPT],
    }


def _latest(history: list[Facts] | None) -> Facts:
    return max(history or [{}], key=lambda kill: kill.get("at") or "")


def _severity(oom: Facts, evidence: dict[str, Any]) -> str:
    if evidence["current_run"] and evidence["lethal"]:
        return "critical" if oom.get("confidence") == "certain" else "high"
    if evidence["count"] >= _LOOP or (evidence["current_run"] and evidence["lethal"] is None):
        return "high"
    return "medium"


def _summary(evidence: dict[str, Any]) -> str:
    return "%s; %s; %s" % (describe_cause(evidence), describe_outcome(evidence), format_time(evidence["last_at"]))


def _detail(evidence: dict[str, Any]) -> str:
    count = evidence["count"]
    sentences = [
        "Killed: %s." % describe_victim(evidence) if describe_victim(evidence) else "",
        "%d kills are known." % count if count > 1 else "",
        {"certain": "This is certain.", "likely": "This is likely, not certain."}.get(
            evidence["confidence"], "How sure this is, is not known."),
        (describe_flag_error(evidence) + ".").capitalize() if describe_flag_error(evidence) else "",
        "The container is removed." if evidence["removed"] else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _remedies(container: Facts, subject: ContainerKey, evidence: dict[str, Any]) -> str:
    cause, limit = evidence["cause"], evidence["limit"]
    if cause == "container_limit":
        return higher_limit_remedy(container, subject, limit)
    if cause in ("ancestor_limit", "systemd_oomd"):
        return shared_limit_remedy(evidence["scope"])
    if cause == "host_oom":
        return HOST_OOM_REMEDY
    return KERNEL_LOG_REMEDY
