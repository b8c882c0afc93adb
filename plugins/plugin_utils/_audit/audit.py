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
from typing import Any, Callable, Iterable, Iterator, NamedTuple

from .._formats import render as _render
from .._model.finding import Finding
from .._policy import policy as _policy
from .._report import publish as _publish, trend as _trend
from .._report.report_file import FILE, Writer
from .._report.tally import Tally
from .._rules import evaluate as _findings
from .._text import format_iso
from . import baseline as _previous
from .again import Looked

# a host's entry in the report, and its findings
Judged = tuple[dict[str, Any], list[Finding]]


class Outcome(NamedTuple):
    """What became of a run."""

    tally: Tally
    generated_at: str
    path: str | None  # of report.json; None when nothing was to be written
    has_previous: bool
    previous_at: str | None  # when the report before this one was made
    warnings: list[str]


class Audit:
    """The report of a run."""

    def __init__(self, reports: str, previous: str | None, moment: datetime.datetime,
                 policy: _policy.Policy = _policy.BUILT_IN, formats: Iterable[str] = ()) -> None:
        """:param reports: the directory of all reports; previous: the report.json before this one.

        :param formats: what to write beside report.json, of _render.FORMATS.
        """
        self._reports = reports
        self._formats = tuple(formats)
        self._moment = moment
        self._policy = policy
        self._today = moment.astimezone(datetime.timezone.utc).date()
        self._now = format_iso(moment)
        self._tally = Tally()
        self._warnings: list[str] = []
        self._has_previous = False
        self._before = self._known(previous)

    def _known(self, previous: str | None) -> _previous.Previous:
        try:
            before = _previous.Previous(previous)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
            self._warnings.append("%s cannot be read (%s): all findings count as new" % (previous, exc))
            return _previous.Previous()
        self._has_previous = previous is not None
        return before

    def write(self, records: Iterable[dict[str, Any]], run: dict[str, Any]) -> Outcome:
        """Write the report and let `latest` point to it.

        :param records: of each host, as audit_collect leaves them.
        :param run: the report's `run`, without finished_at.
        """
        return self.write_judged(self._judged(records), run)

    def write_judged(self, judged: Iterable[Judged], run: dict[str, Any]) -> Outcome:
        """Write the report of hosts whose findings are known; `run` may have a finished_at."""
        def build(directory: str) -> None:
            writer = Writer(directory)
            try:
                self._pass(judged, writer)
                about = {"finished_at": format_iso(datetime.datetime.now(datetime.timezone.utc)), **run,
                         # one that could not be read was compared with nothing
                         "previous": run["previous"] if self._has_previous else None}
                summary = self._tally.summary()
                path = writer.finish({"generated_at": self._now, "run": about, "summary": summary,
                                      "trend": _trend.extend_trend(self._before.trend, self._now, about["limit"], summary)})
            finally:
                writer.close()
            _render.render_report(path, self._formats, self._tally)

        directory = _publish.publish(self._reports, self._moment, build)
        return self._outcome(os.path.join(directory, FILE))

    def count(self, records: Iterable[dict[str, Any]]) -> Outcome:
        """Only say what the report would amount to (check mode)."""
        return self.count_judged(self._judged(records))

    def count_judged(self, judged: Iterable[Judged]) -> Outcome:
        """Do that for hosts whose findings are known."""
        self._pass(judged, None)
        return self._outcome(None)

    def _judged(self, records: Iterable[dict[str, Any]]) -> Iterator[Judged]:
        for record in records:
            yield _findings.evaluate_record(record, self._policy, self._today)

    def _pass(self, judged: Iterable[Judged], writer: Writer | None) -> None:
        """Take one host after the other, and at last what is known of hosts that were not asked."""
        add = writer.add if writer else _nowhere
        for entry, findings in judged:
            self._tally.add_host(entry)
            add("hosts", entry)
            before = self._before.of_host(entry["name"])
            for finding in findings:
                _previous.mark(finding, before, self._now)
                self._tally.add_finding(finding)
                add("findings", finding)
            looked = Looked(entry, findings)
            for seen in before.values():
                if looked.at(seen):
                    gone = _previous.resolved(seen)
                    self._tally.add_resolved(gone)
                    add("resolved", gone)
                else:
                    self._carry(seen, add)
        for seen in self._before.others():
            self._carry(seen, add)

    def _carry(self, seen: _previous.Known, add: Callable[[str, dict[str, Any]], None]) -> None:
        if _previous.remembered(seen, self._now):
            add("carried_over", seen._asdict())

    def _outcome(self, path: str | None) -> Outcome:
        return Outcome(self._tally, self._now, path, self._has_previous, self._before.generated_at, self._warnings)


def _nowhere(_array: str, _element: dict[str, Any]) -> None:
    """In check mode nothing is written."""
