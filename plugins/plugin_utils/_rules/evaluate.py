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

from .._model.finding import Facts, Finding, rank
from .._model.subject import Subject, Subjects
from .._policy import policy as _policy
from . import (
    bounds as _rule_bounds,
    drift as _rule_drift,
    evidence as _rule_evidence,
    host as _rule_host,
    kills as _rule_kills,
    limits as _rule_limits,
    near_limit as _rule_near,
    waivers as _policy_waive,
)

FACTS_SCHEMA = "podman_fleet.memory/facts/v1"


class Unusable(ValueError):
    """The facts of a host are not what oom_facts gives."""


def of_record(record: dict[str, Any], policy: _policy.Policy,
              today: datetime.date) -> tuple[dict[str, Any], list[Finding]]:
    """Return (the host's entry in the report, its findings, worst first).

    :param today: in UTC; waivers end.

    Never raises: a host with odd facts must not take the report of all the others with it.
    """
    name, problem = record["host"], record.get("problem")
    if not problem:
        try:
            return _checked(record, policy, today)
        except Unusable as exc:
            problem = {"kind": "bad_facts", "message": str(exc)}
    entry = _entry(record, "not_checked", problem["kind"], problem["message"])
    lost = [_rule_evidence.not_checked(name, problem["kind"], problem["message"])]
    return entry, _waived(name, {}, lost, policy, today)


def _checked(record: dict[str, Any], policy: _policy.Policy,
             today: datetime.date) -> tuple[dict[str, Any], list[Finding]]:
    name, facts = record["host"], record.get("facts")
    if not isinstance(facts, dict) or facts.get("schema") != FACTS_SCHEMA:
        raise Unusable("its answer is not %s" % FACTS_SCHEMA)
    try:
        found = of_facts(name, facts, record.get("run_as"), policy)
        found = _waived(name, facts, found, policy, today)
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise Unusable("its facts are not whole: %s: %s" % (type(exc).__name__, exc)) from exc
    gaps = [each["summary"] for each in found
            if each["rule"] == "evidence-missing" and each["evidence"]["scope"] in ("privilege", "source")]
    entry = _entry(record, "partial" if gaps else "checked", None, "; ".join(gaps) or None)
    entry["facts"] = facts
    return entry, found


def of_facts(host: str, facts: Facts, run_as: str | None, policy: _policy.Policy) -> list[Finding]:
    """Return the findings on one host's facts, worst first."""
    subjects = Subjects(facts)
    about = _policy.named(host, facts)
    found = _rule_kills.findings(host, facts, subjects)
    found += _rule_near.findings(host, facts, subjects)
    found += _rule_host.findings(host, facts, policy)
    found += _rule_evidence.findings(host, facts, run_as)
    for container in facts.get("containers") or []:
        subject, wanted = subjects.of(container), _policy.evaluate(policy, about, container)
        found += on_settings(host, about, container, subject, wanted)
        found += _rule_evidence.of_container(host, facts, container, subject, wanted)
    return _worst_first(_distinct(found))


def on_settings(host: str, about: Facts, container: Facts, subject: Subject,
                wanted: _policy.Decision) -> list[Finding]:
    """Return the findings on a container's settings: what enforcement (_plan.py) mends, as far as it can.

    :param about: the host's facts, from _policy.named.
    """
    return [
        *_rule_limits.findings(host, about, container, subject, wanted),
        *_rule_bounds.findings(host, container, subject, wanted),
        *_rule_drift.findings(host, about, container, subject, wanted),
    ]


def _waived(host: str, facts: Facts, found: list[Finding], policy: _policy.Policy, today: datetime.date) -> list[Finding]:
    return _worst_first(found + _policy_waive.apply(policy, host, facts, found, today))


def _worst_first(found: list[Finding]) -> list[Finding]:
    return sorted(found, key=lambda each: rank(each["severity"]))


def _distinct(found: list[Finding]) -> list[Finding]:
    """Of findings with one id keep the worst: Podman's storage may hold a name twice for a moment."""
    kept: dict[str, Finding] = {}
    for each in found:
        other = kept.get(each["id"])
        if other is None or rank(each["severity"]) < rank(other["severity"]):
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
