# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Count a report while its hosts and findings pass by, and keep what the first screen shows.

Pure, in bounded memory: counts of everything, the worst of what is listed. Takes what a report
holds and nothing else, so an old report.json can be counted again.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Callable

from .._model import container_facts as _limits
from .._model.finding import SEVERITIES, Finding, severity_rank
from .._model.rules import RULES

_KEPT = 200  # kills and examples of each list
_GROUPS = 500  # different reasons why something could not be checked
_FLAG_WRONG = ("missed", "stale", "overstated")
# "ssh: connect to host 10.0.0.3 port 22: Connection timed out" is one reason for all hosts
_HOST_PART = re.compile(r"(ssh: )?connect to (host|address) \S+ port \d+: ")


class Group:
    """Findings with the same reason."""

    def __init__(self, example: Finding) -> None:
        """:param example: its evidence is that of all of them."""
        self.example = example
        self.count = 0
        self.hosts: dict[str, None] = {}  # in order; up to _KEPT of them
        self.host_count = 0
        self._last: str | None = None

    def add(self, finding: Finding) -> None:
        """Count one more; the findings of a host come one after the other."""
        self.count += 1
        if finding["host"] != self._last:
            self._last = finding["host"]
            self.host_count += 1
            if len(self.hosts) < _KEPT:
                self.hosts[finding["host"]] = None


def worst_first(found: list[Finding]) -> list[Finding]:
    """Return findings with the worst first, of equal ones the new, then those killed last."""
    latest = sorted(found, key=lambda each: each["evidence"].get("last_at") or "", reverse=True)
    return sorted(latest, key=lambda each: (severity_rank(each["severity"]), each["state"] != "new"))


def nearest_first(found: list[Finding]) -> list[Finding]:
    """Return findings of near-limit: worst first, of equal ones the fullest."""
    return sorted(found, key=lambda each: (severity_rank(each["severity"]), -(each["evidence"].get("share") or 0)))


def _kept(found: list[Finding], finding: Finding, order: Callable[[list[Finding]], list[Finding]]) -> list[Finding]:
    """Add one to a list that never grows beyond twice what is kept of it."""
    found.append(finding)
    return order(found)[:_KEPT] if len(found) > 2 * _KEPT else found


class Tally:
    """What a report amounts to."""

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self.hosts: Counter[str] = Counter()
        self.containers: Counter[str] = Counter()
        self.severities: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()
        self.oom: Counter[str] = Counter()
        self.states: Counter[str] = Counter()
        self.stopped: Counter[str] = Counter()  # by rule: findings on containers that do not run
        self.waived: Counter[str] = Counter()  # by rule; counted nowhere else
        self.resolved: Counter[str] = Counter()  # by rule; counted nowhere else
        self.combined: Counter[tuple[str, str, str]] = Counter()  # rule, severity, state; waived ones too
        self.worst: list[Finding] = []  # of all that count
        self.news: list[Finding] = []  # new findings, the worst of them
        self.risks: list[Finding] = []  # near-limit, the nearest of them
        self.gone: list[dict[str, Any]] = []  # resolved ones, the first of them
        self.unprotected = 0
        self.kinds: Counter[str] = Counter()  # of hosts that were not checked: unreachable, failed, …
        self.kills: list[Finding] = []
        self.examples: dict[str, Group] = {}
        self.samples: dict[str, list[Finding]] = {}
        self.gaps: dict[tuple[str, ...], Group] = {}
        self._seen: tuple[str, set[str]] = ("", set())

    def add_host(self, entry: dict[str, Any]) -> None:
        """Count an element of the report's `hosts`."""
        self.hosts["total"] += 1
        self.hosts[entry["status"]] += 1
        if entry["kind"]:
            self.kinds[entry["kind"]] += 1
        facts = entry.get("facts") or {}
        podman = {source.get("status") for source in facts.get("sources") or [] if source.get("name") == "podman"}
        if podman == {"absent"}:
            self.hosts["without_podman"] += 1
        containers = facts.get("containers") or []
        self.containers["total"] += len(containers)
        self.containers["running"] += sum(_limits.is_running(each) for each in containers)
        self.containers["removed"] += len(facts.get("removed") or [])
        self.oom["flag_wrong"] += sum(
            (each.get("oom") or {}).get("flag_trust") in _FLAG_WRONG for each in containers)

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
        self.worst = _kept(self.worst, finding, worst_first)
        if finding["state"] == "new":
            self.news = _kept(self.news, finding, worst_first)
        if rule == "oom-killed":
            self._add_kill(finding)
        elif rule == "evidence-missing":
            self._add_gap(finding)
        elif rule == "near-limit":
            self.risks = _kept(self.risks, finding, nearest_first)
        else:
            self._add_example(finding)

    def add_resolved(self, each: dict[str, Any]) -> None:
        """Count an element of the report's `resolved`."""
        self.resolved[each["rule"]] += 1
        if len(self.gone) < _KEPT:
            self.gone.append(each)

    def _add_kill(self, finding: Finding) -> None:
        evidence = finding["evidence"]
        self.oom["killed"] += 1
        self.oom["lethal"] += bool(evidence.get("lethal"))
        self.oom["kills"] += evidence.get("count") or 1
        self.kills = _kept(self.kills, finding, worst_first)

    def worst_kills(self) -> list[Finding]:
        """Return the kills that were kept: worst first, of equal ones the new, then the latest."""
        return worst_first(self.kills)

    def _add_example(self, finding: Finding) -> None:
        rule, evidence = finding["rule"], finding["evidence"]
        is_stopped = evidence.get("running") is False
        self.stopped[rule] += is_stopped
        group = self.examples.setdefault(rule, Group(finding))
        group.add(finding)
        sample = self.samples.setdefault(rule, [])
        if len(sample) < _KEPT and not is_stopped:
            sample.append(finding)
        if rule in RULES and RULES[rule].unprotected and not is_stopped:
            if self._seen[0] != finding["host"]:
                self._seen = (finding["host"], set())
            ident = evidence["container_id"]
            self.unprotected += ident not in self._seen[1]
            self._seen[1].add(ident)

    def _add_gap(self, finding: Finding) -> None:
        evidence = finding["evidence"]
        scope, message = evidence["scope"], str(evidence.get("message") or "")
        if scope == "host":
            message = _HOST_PART.sub("", message).replace(finding["host"], "")
        key = (scope, str(evidence.get("kind")), str(finding["user"]) if scope == "source" else "", message)
        if key not in self.gaps and len(self.gaps) >= _GROUPS:
            key = (scope, "other")
        self.gaps.setdefault(key, Group(finding)).add(finding)

    def summary(self) -> dict[str, Any]:
        """Return the counts as the report's `summary` holds them."""
        return {
            "hosts": {key: self.hosts[key] for key in
                      ("total", "checked", "partial", "not_checked", "without_podman")},
            "not_checked": dict(sorted(self.kinds.items())),
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
