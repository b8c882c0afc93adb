# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Count a report while its hosts and findings pass by, and keep what the summary lists.

Pure, in bounded memory: counts of everything, the worst of what is listed. Takes what a report
holds and nothing else, so an old report.json can be counted again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from .._model.container_facts import is_running
from .._model.finding import SEVERITIES, Finding, severity_rank
from .._model.quota import Owner, fair_share, finding_owner
from .._model.rules import RULES

MAX_ITEMS = 200  # kills and examples of each list
_MAX_GROUPS = 500  # different reasons why something could not be checked
_MAX_GROUPS_OF_HOST = 20  # of those, of which one host is the first
_FLAG_WRONG = ("missed", "stale", "overstated")
# "ssh: connect to host 10.0.0.3 port 22: Connection timed out" is one reason for all hosts
_HOST_PART = re.compile(r"(ssh: )?connect to (host|address) \S+ port \d+: ")


class Group:
    """Findings with the same reason."""

    def __init__(self, example: Finding) -> None:
        """:param example: its evidence is that of all of them."""
        self.example = example
        self.count = 0
        self.hosts: list[str] = []  # the first MAX_ITEMS of them
        self.host_count = 0
        self._last: str | None = None

    def add(self, finding: Finding) -> None:
        """Count one more; the findings of a host come one after the other."""
        self.count += 1
        if finding["host"] != self._last:
            self._last = finding["host"]
            self.host_count += 1
            if len(self.hosts) < MAX_ITEMS:
                self.hosts.append(finding["host"])

    def owner(self) -> Owner:
        """Return (host, user) whose reason it is; one of several hosts is nobody's alone."""
        return (self.hosts[0], self.example["user"]) if self.host_count == 1 else (id(self), None)


def worst_first(findings: list[Finding]) -> list[Finding]:
    """Return findings with the worst first, of equal ones the new, then those killed last."""
    latest = sorted(findings, key=lambda finding: str(finding["evidence"].get("last_at") or ""), reverse=True)
    return sorted(latest, key=lambda finding: (severity_rank(finding["severity"]), finding["state"] != "new"))


def nearest_first(findings: list[Finding]) -> list[Finding]:
    """Return findings of near-limit: worst first, of equal ones the fullest."""
    return sorted(findings, key=lambda finding: (severity_rank(finding["severity"]), -(finding["evidence"].get("share") or 0)))


def most_stalled_first(findings: list[Finding]) -> list[Finding]:
    """Return findings of memory-stalls: worst first, of equal ones those that waited most."""
    return sorted(findings, key=lambda finding: (
        severity_rank(finding["severity"]), -(finding["evidence"].get("pressure_full_avg300") or 0)))


def _added(findings: list[Finding], finding: Finding, order: Callable[[list[Finding]], list[Finding]]) -> list[Finding]:
    """Add one to a list that never grows beyond twice what is kept of it."""
    findings.append(finding)
    return fair_share(order(findings), MAX_ITEMS, finding_owner) if len(findings) > 2 * MAX_ITEMS else findings


def _as_they_come(findings: list[Finding]) -> list[Finding]:
    return findings


class Tally:
    """What a report amounts to. Findings that are waived, and resolved ones, are counted as that and nowhere else."""

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self.hosts: Counter[str] = Counter()  # total, checked, partial, not_checked, without_podman
        self.not_checked: Counter[str] = Counter()  # hosts, by kind of reason: unreachable, failed, …
        self.containers: Counter[str] = Counter()  # total, running, removed
        self.oom: Counter[str] = Counter()  # containers: killed, lethal, flag_wrong; and all kills
        self.unprotected = 0  # running containers
        self.severities: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()
        self.states: Counter[str] = Counter()  # new, open
        self.stopped: Counter[str] = Counter()  # by rule: findings on containers that do not run
        self.waived: Counter[str] = Counter()  # by rule
        self.resolved: Counter[str] = Counter()  # by rule
        self.combined: Counter[tuple[str, str, str]] = Counter()  # rule, severity, state; waived ones too
        # up to MAX_ITEMS (or twice as many) of each
        self.worst: list[Finding] = []  # of all that count
        self.new: list[Finding] = []
        self.new_by_host: Counter[str] = Counter()
        self.kills: list[Finding] = []
        self.near_limit: list[Finding] = []
        self.stalls: list[Finding] = []
        self.resolved_findings: list[dict[str, Any]] = []
        self.examples: dict[str, Group] = {}  # by rule, of all other rules
        self.samples: dict[str, list[Finding]] = {}  # by rule, the same, without containers that do not run
        self.gaps: dict[tuple[str, ...], Group] = {}  # by (scope, …): what could not be checked
        self._groups_of_host: Counter[str] = Counter()
        self._host_ids: tuple[str, set[tuple[str, str]]] = ("", set())  # the last host, its containers that are counted as unprotected

    def add_host(self, entry: dict[str, Any]) -> None:
        """Count an element of the report's `hosts`."""
        self.hosts["total"] += 1
        self.hosts[entry["status"]] += 1
        if entry["kind"]:
            self.not_checked[entry["kind"]] += 1
        facts = entry.get("facts") or {}
        podman = [source.get("status") for source in facts.get("sources") or [] if source.get("name") == "podman"]
        if podman and all(status == "absent" for status in podman):
            self.hosts["without_podman"] += 1
        containers = facts.get("containers") or []
        self.containers["total"] += len(containers)
        self.containers["running"] += sum(map(is_running, containers))
        self.containers["removed"] += len(facts.get("removed") or [])
        self.oom["flag_wrong"] += sum((container.get("oom") or {}).get("flag_trust") in _FLAG_WRONG for container in containers)

    def add_finding(self, finding: Finding) -> None:
        """Count an element of the report's `findings`."""
        rule = finding["rule"]
        self.combined[rule, finding["severity"], finding["state"]] += 1
        if finding["state"] == "waived":
            self.waived[rule] += 1
            return
        self.severities[finding["severity"]] += 1
        self.rules[rule] += 1
        self.states[finding["state"]] += 1
        self.worst = _added(self.worst, finding, worst_first)
        if finding["state"] == "new":
            self.new = _added(self.new, finding, worst_first)
            self.new_by_host[finding["host"]] += 1
        if rule == "oom-killed":
            self._add_kill(finding)
        elif rule == "evidence-missing":
            self._add_gap(finding)
        elif rule == "near-limit":
            self.near_limit = _added(self.near_limit, finding, nearest_first)
        elif rule == "memory-stalls":
            self.stalls = _added(self.stalls, finding, most_stalled_first)
        else:
            self._add_example(finding)

    def add_resolved(self, finding: dict[str, Any]) -> None:
        """Count an element of the report's `resolved`."""
        self.resolved[finding["rule"]] += 1
        self.resolved_findings = _added(self.resolved_findings, finding, _as_they_come)

    def _add_kill(self, finding: Finding) -> None:
        evidence = finding["evidence"]
        self.oom["killed"] += 1
        self.oom["lethal"] += bool(evidence.get("lethal") or evidence.get("lethal_count"))
        self.oom["kills"] += evidence.get("count") or 1
        self.kills = _added(self.kills, finding, worst_first)

    def _add_example(self, finding: Finding) -> None:
        rule, evidence = finding["rule"], finding["evidence"]
        is_stopped = evidence.get("running") is False
        self.stopped[rule] += is_stopped
        group = self.examples.setdefault(rule, Group(finding))
        group.add(finding)
        if not is_stopped:
            self.samples[rule] = _added(self.samples.get(rule, []), finding, _as_they_come)
        if rule in RULES and RULES[rule].unprotected and not is_stopped:
            host, counted = self._host_ids
            if host != finding["host"]:
                counted = set()
                self._host_ids = (finding["host"], counted)
            container = (str(finding["user"]), str(evidence.get("container_id")))
            self.unprotected += container not in counted
            counted.add(container)

    def _add_gap(self, finding: Finding) -> None:
        evidence = finding["evidence"]
        scope, message = str(evidence.get("scope")), str(evidence.get("message") or "")
        if scope == "host":
            message = _HOST_PART.sub("", message).replace(finding["host"], "")
        key: tuple[str, ...] = (scope, str(evidence.get("kind")), str(finding["user"]) if scope == "source" else "", message)
        if key not in self.gaps:
            self._groups_of_host[finding["host"]] += 1
            if len(self.gaps) >= _MAX_GROUPS or self._groups_of_host[finding["host"]] > _MAX_GROUPS_OF_HOST:
                key = (scope, "other")
        self.gaps.setdefault(key, Group(finding)).add(finding)

    def summary(self) -> dict[str, Any]:
        """Return the counts as the report's `summary` holds them."""
        return {
            "hosts": {key: self.hosts[key] for key in ("total", "checked", "partial", "not_checked", "without_podman")},
            "not_checked": dict(sorted(self.not_checked.items())),
            "containers": {key: self.containers[key] for key in ("total", "running", "removed")},
            "findings": {
                "total": self.severities.total(),
                "new": self.states["new"],
                "resolved": self.resolved.total(),
                "waived": self.waived.total(),
                "by_severity": {key: self.severities[key] for key in SEVERITIES},
                "by_rule": {key: self.rules[key] for key in RULES},
            },
            "oom": {key: self.oom[key] for key in ("killed", "lethal", "kills", "flag_wrong")},
            "unprotected": self.unprotected,
        }
