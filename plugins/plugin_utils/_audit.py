# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""One report of one run: hosts in, report.json out, and what it amounts to.

No Ansible. Holds one host's facts in memory at a time.
"""

from __future__ import annotations

import datetime
import os
from typing import Any, Iterable, NamedTuple

from ansible_collections.podman_fleet.memory.plugins.plugin_utils import _findings, _policy, _previous, _publish
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report import FILE, Writer
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._tally import Tally
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._text import iso


class Outcome(NamedTuple):
    """What became of a run."""

    tally: Tally
    generated_at: str
    path: str | None  # of report.json; None when nothing was to be written
    has_previous: bool
    warnings: list[str]


class Audit:
    """The report of a run."""

    def __init__(self, reports: str, previous: str | None, moment: datetime.datetime,
                 policy: _policy.Policy = _policy.BUILT_IN) -> None:
        """:param reports: the directory of all reports; previous: the report.json before this one."""
        self._reports = reports
        self._moment = moment
        self._policy = policy
        self._today = moment.astimezone(datetime.timezone.utc).date()
        self._now = iso(moment)
        self._tally = Tally()
        self._warnings: list[str] = []
        self._has_previous = False
        self._before = self._known(previous)

    def _known(self, previous: str | None) -> dict[str, _previous.Known]:
        if previous is None:
            return {}
        try:
            before = _previous.known(previous)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
            self._warnings.append("%s cannot be read (%s): all findings count as new" % (previous, exc))
            return {}
        self._has_previous = True
        return before

    def write(self, records: Iterable[dict[str, Any]], run: dict[str, Any]) -> Outcome:
        """Write the report and let `latest` point to it.

        :param records: of each host, as audit_collect leaves them.
        :param run: the report's `run`, without finished_at.
        """
        def build(directory: str) -> None:
            writer = Writer(directory)
            try:
                checked = self._pass(records, writer)
                for each in _previous.carried(self._before, checked, self._now):
                    writer.add("carried", each)
                finished = iso(datetime.datetime.now(datetime.timezone.utc))
                writer.finish({"generated_at": self._now, "run": {**run, "finished_at": finished},
                               "summary": self._tally.summary()})
            finally:
                writer.close()

        directory = _publish.publish(self._reports, self._moment, build)
        return self._outcome(os.path.join(directory, FILE))

    def count(self, records: Iterable[dict[str, Any]]) -> Outcome:
        """Only say what the report would amount to (check mode)."""
        self._pass(records, None)
        return self._outcome(None)

    def _pass(self, records: Iterable[dict[str, Any]], writer: Writer | None) -> set[str]:
        """Take one host after the other; return the names of those that were checked."""
        checked = set()
        for record in records:
            entry, findings = _findings.of_record(record, self._policy, self._today)
            self._tally.add_host(entry)
            if entry["status"] != "not_checked":
                checked.add(entry["name"])
            if writer:
                writer.add("hosts", entry)
            for finding in findings:
                _previous.mark(finding, self._before, self._now)
                self._tally.add_finding(finding)
                if writer:
                    writer.add("findings", finding)
        return checked

    def _outcome(self, path: str | None) -> Outcome:
        return Outcome(self._tally, self._now, path, self._has_previous, self._warnings)
