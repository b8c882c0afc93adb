# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prometheus text format: what an audit of the fleet found, for node_exporter's textfile collector.

Counts, and how the audit itself went; what single containers use is in the recorder's metrics, on each host. No
timestamps, which the collector refuses.
"""

from __future__ import annotations

from typing import Any, Iterable, Mapping, TextIO, Union

from ...module_utils._system.prometheus import Family, render_metrics
from .._model.finding import Finding
from .._report.tally import Tally
from .._text import parse_time
from .renderer import Renderer, sanitize

_PREFIX = "podman_memory_audit_"
# (labels, value)
Sample = tuple[Mapping[str, object], Union[int, float]]


class Prometheus(Renderer):
    """Metrics; holds three numbers for each host."""

    def __init__(self, stream: TextIO, head: dict[str, Any], tally: Tally) -> None:
        """Begin with no host."""
        super().__init__(stream, head, tally)
        self._checked: list[Sample] = []
        self._findings: list[Sample] = []
        self._killed: list[Sample] = []

    def add_host(self, entry: dict[str, Any], findings: list[Finding]) -> None:
        """Count a host's findings."""
        labels = {"host": entry["name"]}
        counted = [finding for finding in findings if finding["state"] != "waived"]
        self._checked.append((labels, int(entry["status"] != "not_checked")))
        self._findings.append((labels, len(counted)))
        self._killed.append((labels, sum(finding["rule"] == "oom-killed" for finding in counted)))

    def finish(self) -> None:
        """Write everything."""
        self.stream.write(render_metrics(self._about_the_run() + self._about_the_fleet() + self._about_hosts()))

    def _about_the_run(self) -> list[Family]:
        run = self.head["run"]
        generated = parse_time(self.head["generated_at"])
        began, ended = parse_time(run["started_at"]), parse_time(run["finished_at"])
        return [
            _gauge("info", "Version of the collection that made the report, always 1.",
                   [({"version": run["collection_version"], "schema": self.head["schema"]}, 1)]),
            _gauge("last_success_timestamp_seconds", "When the report was made.",
                   [({}, int(generated.timestamp()))] if generated else []),
            _gauge("duration_seconds", "How long the audit took.",
                   [({}, max(0.0, (ended - began).total_seconds()))] if began and ended else []),
        ]

    def _about_the_fleet(self) -> list[Family]:
        tally = self.tally
        containers = {"running": tally.containers["running"], "removed": tally.containers["removed"],
                      "stopped": tally.containers["total"] - tally.containers["running"]}
        return [
            _gauge("hosts", "Hosts by how far they could be checked.",
                   [({"status": status}, tally.hosts[status]) for status in ("checked", "partial", "not_checked")]),
            _gauge("containers", "Containers that Podman knows, and killed ones that were removed since.",
                   [({"state": state}, containers[state]) for state in ("running", "stopped", "removed")]),
            _gauge("unprotected_containers", "Running containers without a limit, without memory.oom.group, or with a limit "
                   "that drifted.", [({}, tally.unprotected)]),
            _gauge("findings", "Findings by rule, severity and state.",
                   [({"rule": rule, "severity": severity, "state": state}, count)
                    for (rule, severity, state), count in sorted(tally.combined.items())]),
            _gauge("findings_resolved", "Findings of the report before that are no longer found, by rule.",
                   [({"rule": rule}, count) for rule, count in sorted(tally.resolved.items())]),
        ]

    def _about_hosts(self) -> list[Family]:
        return [
            _gauge("host_checked", "Whether a host gave an answer.", self._checked),
            _gauge("host_findings", "New and open findings of a host; 0 says nothing where host_checked is 0.", self._findings),
            _gauge("host_oom_killed_containers", "Containers of a host with OOM kills in the time that was looked at.",
                   self._killed),
        ]


def _gauge(name: str, meaning: str, samples: Iterable[Sample]) -> Family:
    return Family(_PREFIX + name, "gauge", meaning, [
        ([(label, sanitize(text)) for label, text in labels.items()], value) for labels, value in samples])
