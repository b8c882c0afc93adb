# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Prometheus text format: what the audit of the fleet found, for node_exporter's textfile collector.

Counts and the audit's own state; what single containers use is the recorder's, on each host. No
timestamps, which the collector refuses; one HELP and TYPE for each family.
"""

from __future__ import annotations

from typing import Any, TextIO

from .._model.finding import Finding
from .._report.tally import Tally
from .._text import parse_time
from .safe import sanitize

_PREFIX = "podman_memory_audit_"
Sample = tuple[dict[str, object], float]


class Prometheus:
    """See Renderer in _render.py; holds three numbers for each host."""

    def __init__(self, stream: TextIO, head: dict[str, Any], tally: Tally) -> None:
        """Only keep what `finish` writes."""
        self._stream, self._head, self._tally = stream, head, tally
        self._checked: list[Sample] = []
        self._findings: list[Sample] = []
        self._killed: list[Sample] = []

    def host(self, entry: dict[str, Any], findings: list[Finding]) -> None:
        """Count a host's findings."""
        labels: dict[str, object] = {"host": entry["name"]}
        counted = [each for each in findings if each["state"] != "waived"]
        self._checked.append((labels, float(entry["status"] != "not_checked")))
        self._findings.append((labels, float(len(counted))))
        self._killed.append((labels, float(sum(each["rule"] == "oom-killed" for each in counted))))

    def resolved(self, each: dict[str, Any]) -> None:
        """All of it is in the tally."""

    def finish(self) -> None:
        """Write everything."""
        tally, run = self._tally, self._head["run"]
        began, ended = parse_time(run["started_at"]), parse_time(run["finished_at"])
        self._family("info", "Version of the collection that made the report, always 1.",
                     [({"version": run["collection_version"], "schema": self._head["schema"]}, 1)])
        self._family("last_success_timestamp_seconds", "When the report was made.",
                     [({}, moment.timestamp())] if (moment := parse_time(self._head["generated_at"])) else [])
        self._family("duration_seconds", "How long the audit took.",
                     [({}, max(0.0, (ended - began).total_seconds()))] if began and ended else [])
        self._family("hosts", "Hosts by how far they could be checked.",
                     [({"status": key}, tally.hosts[key]) for key in ("checked", "partial", "not_checked")])
        self._family("containers", "Containers that Podman knows, and killed ones that are removed since.",
                     [({"state": "running"}, tally.containers["running"]),
                      ({"state": "stopped"}, tally.containers["total"] - tally.containers["running"]),
                      ({"state": "removed"}, tally.containers["removed"])])
        self._family("unprotected_containers", "Running containers without a limit, without memory.oom.group, or with "
                     "a limit that drifted.", [({}, tally.unprotected)])
        self._family("findings", "Findings by rule, severity and state.",
                     [({"rule": rule, "severity": severity, "state": state}, count)
                      for (rule, severity, state), count in sorted(tally.combined.items())])
        self._family("findings_resolved", "Findings of the report before that are no longer found, by rule.",
                     [({"rule": rule}, count) for rule, count in sorted(tally.resolved.items())])
        self._family("host_checked", "Whether a host gave an answer.", self._checked)
        self._family("host_findings", "New and open findings of a host; 0 says nothing where host_checked is 0.",
                     self._findings)
        self._family("host_oom_killed_containers", "Containers of a host with OOM kills in the time that was looked at.",
                     self._killed)

    def _family(self, name: str, meaning: str, samples: list[Sample]) -> None:
        if not samples:
            return
        self._stream.write("# HELP %s%s %s\n# TYPE %s%s gauge\n" % (_PREFIX, name, meaning, _PREFIX, name))
        for labels, value in samples:
            told = ",".join('%s="%s"' % (key, _label(text)) for key, text in labels.items())
            self._stream.write("%s%s%s %s\n" % (_PREFIX, name, "{%s}" % told if told else "", format(value, "g")
                                                if abs(value) < 1e6 else format(value, ".0f")))


def _label(value: object) -> str:
    return sanitize(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
