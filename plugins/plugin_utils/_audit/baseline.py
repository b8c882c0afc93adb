# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The baseline: what the report before knew, and which of it this run could have found again.

Holds the places of a host's findings in the old file, never the findings of all hosts. A finding that is not found again
is resolved only where this run looked for it; where a source could not be read, or a user or a container was not asked
for, it is carried over.
"""

from __future__ import annotations

import datetime
from array import array
from collections.abc import Iterator
from typing import Any, NamedTuple

from .._model.container_facts import is_running
from .._model.container_key import shown_name
from .._model.finding import Finding
from .._report.report_file import Report
from .._text import parse_time

# What a host that is never checked again has left is forgotten after this time.
MAX_AGE = datetime.timedelta(days=90)


class BaselineFinding(NamedTuple):
    """A finding that an earlier report had, as `carried_over` holds it."""

    id: str
    host: str
    rule: str
    severity: str
    user: str | None
    container: str | None
    unit: str | None
    summary: str
    first_seen: str  # ISO 8601, as all times
    last_seen: str
    last_at: str | None  # of an OOM kill: when the last one was


class Baseline:
    """The report before this one; it knows nothing when there is none."""

    def __init__(self, report: Report | None = None) -> None:
        """Read all of its findings once, so that nothing goes wrong later.

        :raises ReportError: it cannot be read.
        """
        self._report = report
        self._places: dict[str, array[int]] = {}  # by host
        self.generated_at: str | None = None
        self.trend: list[dict[str, Any]] = []
        if report is None:
            return
        self.generated_at = report.head["generated_at"]
        self.trend = report.head["trend"]
        for _array, place, finding in report.elements("findings", "carried_over"):
            self._places.setdefault(finding["host"], array("Q")).append(place)

    def pop_host(self, host: str) -> dict[str, BaselineFinding]:
        """Return a host's findings, by id; those of each host can be had once."""
        places = self._places.pop(host, None)
        if places is None or self._report is None:
            return {}
        return {finding["id"]: self._baseline_finding(finding) for finding in self._report.read(places)}

    def pop_other_hosts(self) -> Iterator[BaselineFinding]:
        """Yield the findings of the hosts that were not asked for."""
        for host in list(self._places):
            yield from self.pop_host(host).values()

    def _baseline_finding(self, finding: dict[str, Any]) -> BaselineFinding:
        """Of an element of `findings` or `carried_over`."""
        fields: dict[str, Any] = {field: finding.get(field) for field in BaselineFinding._fields}
        fields.update(last_seen=finding.get("last_seen") or self.generated_at,
                      last_at=(finding.get("evidence") or finding).get("last_at"))
        return BaselineFinding(**fields)


def set_state(finding: Finding, before: dict[str, BaselineFinding], now: str) -> None:
    """Set `state` and `first_seen` of a finding, and take it out of `before`, which is left with what was not found again.

    A container that was killed again since is news, however old the finding is.
    """
    known = before.pop(finding["id"], None)
    finding["first_seen"] = known.first_seen if known else now
    is_killed_again = known is not None and finding["rule"] == "oom-killed" and (
        str(finding["evidence"].get("last_at") or "") > str(known.last_at or ""))
    if finding.get("waiver"):
        finding["state"] = "waived"
    else:
        finding["state"] = "new" if known is None or is_killed_again else "open"


def is_recent(finding: BaselineFinding, now: str) -> bool:
    """Whether to carry over a finding that this run could not look for (--limit, a host that is down).

    Without it, all of a host's findings would be new again after one night in which it was down.
    """
    last, moment = parse_time(finding.last_seen), parse_time(now)
    return last is not None and moment is not None and moment - last <= MAX_AGE


class Scope:
    """What this run looked at on one host."""

    def __init__(self, entry: dict[str, Any], findings: list[Finding]) -> None:
        """:param entry: the host's element of `hosts`; findings: its findings in this run."""
        facts = entry.get("facts") or {}
        self._is_complete = entry["status"] == "checked" and entry.get("only") is None
        self._is_answered = entry["status"] != "not_checked"
        self._only = entry.get("only")
        self._sources = {(source.get("name"), source.get("user")): source.get("status") for source in facts.get("sources") or []
                         if isinstance(source.get("name"), str) and isinstance(source.get("user"), (str, type(None)))}
        self._containers = {(container.get("user"), shown_name(container)): container for container in facts.get("containers") or []}
        self._undecided = {(finding["user"], finding["container"]) for finding in findings
                           if finding["rule"] == "evidence-missing" and finding["evidence"].get("scope") == "container"}

    def covers(self, finding: BaselineFinding) -> bool:
        """Whether this run would have found it, were it still there."""
        if not self._is_answered:
            return False
        if finding.container is None:
            return self._covers_host(finding)
        if self._sources.get(("podman", finding.user)) != "ok" or (finding.user, finding.container) in self._undecided:
            return False
        if self._only is not None and finding.container not in self._only:
            return False
        container = self._containers.get((finding.user, finding.container))
        if container is None:
            # of a removed container only the records tell
            return finding.rule != "oom-killed" or self._sources.get(("kernel_log", None)) == "ok"
        has_usage = (container.get("memory") or {}).get("usage") is not None
        return finding.rule not in ("near-limit", "memory-stalls") or has_usage or not is_running(container)

    def _covers_host(self, finding: BaselineFinding) -> bool:
        if finding.rule == "evidence-missing":
            return finding.user is None or ("podman", finding.user) in self._sources
        # a sum, or what a waiver would match, is known when all containers are
        return finding.rule == "cgroup-v1" or self._is_complete
