# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""From what one host answered to its findings and its place in the report.

Pure. Input is a record as audit_collect leaves it (_records.py).
"""

from __future__ import annotations

import datetime
from typing import Any

from .._model.container_key import ContainerKey, ContainerKeys
from .._model.finding import Facts, Finding, severity_rank
from .._policy.policy import Decision, Policy, decide, named_host
from .bounds import bound_findings
from .drift import drift_findings
from .evidence import container_evidence_findings, evidence_findings, not_checked_finding
from .host import host_findings
from .kills import kill_findings
from .limits import limit_findings
from .near_limit import near_limit_findings
from .waivers import apply_waivers

FACTS_SCHEMA = "podman_fleet.memory/facts/v1"


class BadFacts(ValueError):
    """The facts of a host are not what oom_facts gives."""


def evaluate_record(record: dict[str, Any], policy: Policy,
              today: datetime.date) -> tuple[dict[str, Any], list[Finding]]:
    """Return (the host's entry in the report, its findings, worst first).

    :param today: in UTC; waivers end.

    Never raises: a host with odd facts must not take the report of all the others with it.
    """
    name, problem = record["host"], record.get("problem")
    if not problem:
        try:
            return _checked(record, policy, today)
        except BadFacts as exc:
            problem = {"kind": "bad_facts", "message": str(exc)}
    entry = _entry(record, "not_checked", problem["kind"], problem["message"])
    lost = [not_checked_finding(name, problem["kind"], problem["message"])]
    return entry, _waived(name, {}, lost, policy, today)


def _checked(record: dict[str, Any], policy: Policy,
             today: datetime.date) -> tuple[dict[str, Any], list[Finding]]:
    name, facts = record["host"], record.get("facts")
    if not isinstance(facts, dict) or facts.get("schema") != FACTS_SCHEMA:
        raise BadFacts("its answer is not %s" % FACTS_SCHEMA)
    try:
        found = evaluate_facts(name, facts, record.get("run_as"), policy)
        found = _waived(name, facts, found, policy, today)
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise BadFacts("its facts are not whole: %s: %s" % (type(exc).__name__, exc)) from exc
    gaps = [each["summary"] for each in found
            if each["rule"] == "evidence-missing" and each["evidence"]["scope"] in ("privilege", "source")]
    entry = _entry(record, "partial" if gaps else "checked", None, "; ".join(gaps) or None)
    entry["facts"] = facts
    return entry, found


def evaluate_facts(host: str, facts: Facts, run_as: str | None, policy: Policy) -> list[Finding]:
    """Return the findings on one host's facts, worst first."""
    subjects = ContainerKeys(facts)
    about = named_host(host, facts)
    found = kill_findings(host, facts, subjects)
    found += near_limit_findings(host, facts, subjects)
    found += host_findings(host, facts, policy)
    found += evidence_findings(host, facts, run_as)
    for container in facts.get("containers") or []:
        subject, wanted = subjects.lookup(container), decide(policy, about, container)
        found += settings_findings(host, about, container, subject, wanted)
        found += container_evidence_findings(host, facts, container, subject, wanted)
    return _worst_first(_distinct(found))


def settings_findings(host: str, about: Facts, container: Facts, subject: ContainerKey,
                wanted: Decision) -> list[Finding]:
    """Return the findings on a container's settings: what enforcement (_plan.py) mends, as far as it can.

    :param about: the host's facts, from _policy.named.
    """
    return [
        *limit_findings(host, about, container, subject, wanted),
        *bound_findings(host, container, subject, wanted),
        *drift_findings(host, about, container, subject, wanted),
    ]


def _waived(host: str, facts: Facts, found: list[Finding], policy: Policy, today: datetime.date) -> list[Finding]:
    return _worst_first(found + apply_waivers(policy, host, facts, found, today))


def _worst_first(found: list[Finding]) -> list[Finding]:
    return sorted(found, key=lambda each: severity_rank(each["severity"]))


def _distinct(found: list[Finding]) -> list[Finding]:
    """Of findings with one id keep the worst: Podman's storage may hold a name twice for a moment."""
    kept: dict[str, Finding] = {}
    for each in found:
        other = kept.get(each["id"])
        if other is None or severity_rank(each["severity"]) < severity_rank(other["severity"]):
            kept[each["id"]] = each
    return list(kept.values())


def _entry(record: dict[str, Any], status: str, kind: str | None, reason: str | None) -> dict[str, Any]:
    return {
        "name": record["host"],
        "status": status,
        "kind": kind,
        "reason": reason,
        "run_as": record.get("run_as"),
        "only": record.get("only"),
        "facts": None,
    }
