# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One report of one run: hosts in, report.json out, and what it amounts to.

Holds one host's facts in memory at a time.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from .._formats.render import RenderError, render_report
from .._model.finding import Finding
from .._policy.policy import BUILT_IN, Policy
from .._report.publish import publish
from .._report.report_file import FILE, Report, ReportError, Writer
from .._report.tally import Tally
from .._report.trend import extend_trend
from .._rules.evaluate import evaluate_record
from .._text import format_iso
from .baseline import Baseline, BaselineFinding, Scope, is_recent, set_state

# a host's entry in the report, and its findings
Evaluated = tuple[dict[str, Any], list[Finding]]


class Outcome(NamedTuple):
    """What a run came to."""

    tally: Tally
    generated_at: str
    path: str | None  # of report.json; None when nothing was to be written
    has_previous: bool
    previous_at: str | None  # when the report before this one was made
    warnings: list[str]
    failed_formats: dict[str, str]  # by format that could not be written: why


class Audit:
    """The report of a run."""

    def __init__(self, reports: str, previous: str | None, moment: datetime.datetime,
                 policy: Policy = BUILT_IN, formats: Iterable[str] = ()) -> None:
        """:param reports: the directory of all reports; previous: the report.json before this one.

        :param formats: what to write beside report.json, of render.FORMATS.
        """
        self._reports = reports
        self._formats = tuple(formats)
        self._moment = moment
        self._policy = policy
        self._today = moment.astimezone(datetime.timezone.utc).date()
        self._now = format_iso(moment)
        self._tally = Tally()
        self._warnings: list[str] = []
        self._failed_formats: dict[str, str] = {}
        self._has_previous = False
        self._baseline = self._load_baseline(previous)

    def _load_baseline(self, previous: str | None) -> Baseline:
        if previous is None:
            return Baseline()
        try:
            baseline = Baseline(Report(previous))
        except ReportError as exc:
            self._warnings.append("%s: all findings count as new" % exc)
            return Baseline()
        self._has_previous = True
        return baseline

    def write(self, records: Iterable[dict[str, Any]], run: dict[str, Any]) -> Outcome:
        """Write the report and let `latest` point to it.

        :param records: of each host, as audit_collect leaves them.
        :param run: the report's `run`, without finished_at.
        :raises OSError: it cannot be written.
        :raises ReportError: the report before it changed meanwhile.
        """
        return self.write_evaluated(self._evaluate(records), run)

    def write_evaluated(self, evaluated: Iterable[Evaluated], run: dict[str, Any]) -> Outcome:
        """Write the report of hosts whose findings are known; `run` may have a finished_at."""
        def build(directory: str) -> None:
            writer = Writer(directory)
            try:
                self._process(evaluated, writer.add)
                about = {"finished_at": format_iso(datetime.datetime.now(datetime.timezone.utc)), **run,
                         # one that could not be read was compared with nothing
                         "previous": run["previous"] if self._has_previous else None}
                summary = self._tally.summary()
                path = writer.finish({"generated_at": self._now, "run": about, "summary": summary,
                                      "trend": extend_trend(self._baseline.trend, self._now, about["limit"], summary)})
            finally:
                writer.close()
            try:
                if self._formats:
                    render_report(Report(path), self._formats, self._tally)
            except RenderError as exc:
                self._failed_formats = exc.problems

        directory = publish(self._reports, self._moment, build)
        return self._outcome(os.path.join(directory, FILE))

    def count(self, records: Iterable[dict[str, Any]]) -> Outcome:
        """Return what the report would amount to (check mode)."""
        return self.count_evaluated(self._evaluate(records))

    def count_evaluated(self, evaluated: Iterable[Evaluated]) -> Outcome:
        """Return that for hosts whose findings are known."""
        self._process(evaluated, lambda _array, _element: None)
        return self._outcome(None)

    def _evaluate(self, records: Iterable[dict[str, Any]]) -> Iterator[Evaluated]:
        for record in records:
            yield evaluate_record(record, self._policy, self._today)

    def _process(self, evaluated: Iterable[Evaluated], add: Callable[[str, dict[str, Any]], None]) -> None:
        """Take one host after the other, and at last what is known of hosts that were not asked.

        :param add: takes (array of the report, element).
        """
        for entry, findings in evaluated:
            self._tally.add_host(entry)
            add("hosts", entry)
            before = self._baseline.pop_host(entry["name"])
            for finding in findings:
                set_state(finding, before, self._now)
                self._tally.add_finding(finding)
                add("findings", finding)
            scope = Scope(entry, findings)
            for known in before.values():
                if scope.covers(known):
                    resolved = {**known._asdict(), "state": "resolved"}
                    self._tally.add_resolved(resolved)
                    add("resolved", resolved)
                else:
                    self._carry_over(known, add)
        for known in self._baseline.pop_other_hosts():
            self._carry_over(known, add)

    def _carry_over(self, known: BaselineFinding, add: Callable[[str, dict[str, Any]], None]) -> None:
        if is_recent(known, self._now):
            add("carried_over", known._asdict())

    def _outcome(self, path: str | None) -> Outcome:
        return Outcome(tally=self._tally, generated_at=self._now, path=path, has_previous=self._has_previous,
                       previous_at=self._baseline.generated_at, warnings=self._warnings,
                       failed_formats=self._failed_formats)
