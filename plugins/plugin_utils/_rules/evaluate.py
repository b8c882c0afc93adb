# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From one host's answer to its findings and its entry in the report.

Pure. Input is a record as audit_collect leaves it.
"""

from __future__ import annotations

import datetime
from functools import partial
from typing import Any

from ...module_utils._door.facts import FACTS_SCHEMA
from .._model.container_facts import Facts, missing_limits
from .._model.container_key import ContainerKey, ContainerKeys
from .._model.finding import Finding, severity_rank
from .._policy.policy import NOT_IN_INVENTORY, Decision, HostInventory, Policy, decide, named_host
from .._text import printable
from .drift import drift_findings
from .evidence import (
    container_evidence_findings,
    evidence_findings,
    invalid_container_findings,
    not_checked_finding,
    removed_container_findings,
)
from .guard import Guard
from .host import host_findings
from .kills import kill_findings
from .limits import limit_findings
from .near_limit import near_limit_findings
from .remedy import cgroup_v2_remedy
from .suspicious import suspicious_findings
from .waivers import apply_waivers
from .wishes import wish_findings

_MISSING_LIMITS = {"no_controller": "The kernel has no memory controller: nothing on this host can be limited.",
                   "cgroup_v1": "On cgroup v1 nothing limits a rootless container: Podman ignores --memory."}


def evaluate_record(record: dict[str, Any], policy: Policy, today: datetime.date) -> tuple[dict[str, Any], list[Finding]]:
    """Return (the host's entry in the report, its findings, worst first).

    :param record: {host, run_as, only, facts, problem: {kind, message} or None, inventory: a HostInventory, if it is in one}.
    :param today: in UTC; waivers end.

    Never raises: a host with odd facts must not take the report of all the others with it.
    """
    host, problem, inventory = record["host"], record.get("problem"), record.get("inventory", NOT_IN_INVENTORY)
    facts: Any = record.get("facts")  # whatever the host answered
    if not problem and (not isinstance(facts, dict) or facts.get("schema") != FACTS_SCHEMA):
        problem = {"kind": "bad_facts", "message": "its answer is not %s" % FACTS_SCHEMA}
    if not problem:
        try:
            findings = evaluate_facts(host, facts, record.get("run_as"), policy, inventory)
            findings = _with_waivers(named_host(host, facts, inventory), facts, findings, policy, today)
        except Exception as exc:
            problem = {"kind": "bad_facts", "message": "its facts could not be evaluated: %s: %s" % (
                type(exc).__name__, printable(exc))}
    if problem:
        findings = _with_waivers(named_host(host, {}, inventory), {}, [not_checked_finding(host, problem["kind"], problem["message"])], policy, today)
        return _entry(record, "not_checked", problem["kind"], problem["message"]), findings
    gaps = [finding["summary"] for finding in findings
            if finding["rule"] == "evidence-missing" and finding["evidence"]["scope"] in ("privilege", "source")]
    return _entry(record, "partial" if gaps else "checked", None, "; ".join(gaps) or None, facts), findings


def evaluate_facts(host: str, facts: Facts, run_as: str | None, policy: Policy,
                   inventory: HostInventory = NOT_IN_INVENTORY) -> list[Finding]:
    """Return the findings on one host's facts, worst first.

    :param run_as: the user the facts were collected as; None when not known.
    """
    keys = ContainerKeys(facts)
    host_facts, guard = named_host(host, facts, inventory), Guard(host, keys)
    guard.on_host("oom-killed", facts, lambda known: kill_findings(host, known, keys))
    guard.on_host("near-limit", facts, lambda known: near_limit_findings(host, known, keys))
    guard.on_host("the rules on the host", facts, lambda known: host_findings(host, known, policy))
    guard.on_host("suspicious-record", facts, lambda known: suspicious_findings(host, known))
    guard.on_host("evidence-missing", facts, lambda known: evidence_findings(host, known, run_as))
    guard.on_host("evidence-missing", facts, lambda known: invalid_container_findings(host, known, keys))
    guard.on_host("evidence-missing", facts, lambda known: removed_container_findings(host, known, keys))
    for container in facts.get("containers") or []:
        guard.on_container("the rules on its settings", container, partial(
            _container_findings, host, facts, host_facts, container, keys.lookup(container), policy))
    return _worst_first(_distinct(guard.findings))


def _container_findings(host: str, facts: Facts, host_facts: Facts, container: Facts, key: ContainerKey,
                        policy: Policy) -> list[Finding]:
    decision = decide(policy, host_facts, container)
    return settings_findings(host, host_facts, container, key, decision) + container_evidence_findings(
        host, facts, container, key, decision)


def settings_findings(host: str, host_facts: Facts, container: Facts, key: ContainerKey, decision: Decision) -> list[Finding]:
    """Return the findings on a container's settings: what enforcement fixes, as far as it can.

    :param host_facts: from named_host.
    """
    findings = limit_findings(host, host_facts, container, key, decision)
    findings += wish_findings(host, host_facts, container, key, decision)
    findings += drift_findings(host, host_facts, container, key, decision)
    missing = missing_limits(host_facts, container)
    for finding in findings:
        if missing:  # no command on the host would help
            finding.update(detail="%s %s" % (finding["detail"], _MISSING_LIMITS[missing]), remedy=cgroup_v2_remedy(host))
    return findings


def _with_waivers(host_facts: Facts, facts: Facts, findings: list[Finding], policy: Policy, today: datetime.date) -> list[Finding]:
    guard = Guard(host_facts["name"], ContainerKeys({}))
    guard.on_host("the policy's waivers", facts, lambda known: apply_waivers(policy, host_facts, known, findings, today))
    return _worst_first(findings + guard.findings)


def _worst_first(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: severity_rank(finding["severity"]))


def _distinct(findings: list[Finding]) -> list[Finding]:
    """Of findings with one id keep the worst: Podman's storage may hold a name twice for a moment."""
    by_id: dict[str, Finding] = {}
    for finding in findings:
        other = by_id.get(finding["id"])
        if other is None or severity_rank(finding["severity"]) < severity_rank(other["severity"]):
            by_id[finding["id"]] = finding
    return list(by_id.values())


def _entry(record: dict[str, Any], status: str, kind: str | None, reason: str | None,
           facts: Facts | None = None) -> dict[str, Any]:
    return {"name": record["host"], "status": status, "kind": kind, "reason": reason,
            "run_as": record.get("run_as"), "only": record.get("only"), "facts": facts}
