# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One report of the reports of parts of a fleet (slices): what one run over all of them would have written.

Each host is in one slice. Nothing is taken from a slice that is not complete. What a slice says of earlier reports (state,
first_seen, resolved, carried_over, trend) is of its own history; the merged report has its own. Holds the hosts' names
and where in the files they and their findings are, and one host's facts at a time.
"""

from __future__ import annotations

import glob
import os
from array import array
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .._report.publish import latest_report
from .._report.report_file import FILE, Report, ReportError, report_path
from .._text import parse_time
from .audit import Audit, Evaluated, Outcome


class SliceError(ReportError):
    """A slice cannot be part of a merged report; the message says which one and why."""


class _Location(NamedTuple):
    """Where a host is."""

    report: Report
    entry: int  # its place in `hosts`
    findings: array[int]  # places of its findings


class Slices:
    """The reports of all slices."""

    def __init__(self, given: Iterable[str]) -> None:
        """:param given: paths of report.json, of its directory, or of the directory of all of a slice's reports; or patterns.

        :raises SliceError: one is missing, broken, of another schema, or has a host that another one has.
        """
        self._reports: list[Report] = []
        self._locations: dict[str, _Location] = {}
        for path_or_pattern in given:
            for path in _expand(path_or_pattern):
                self._add(_find_report(path))
        if not self._reports:
            raise SliceError("slices: there is none")

    def _add(self, path: str) -> None:
        if path in (report.path for report in self._reports):
            raise SliceError("slices: %s is named twice" % path)
        try:
            report = Report(path)
            locations = _locate_hosts(report)
        except ReportError as exc:
            raise SliceError("slices: %s" % exc) from exc
        summary = report.head["summary"]
        expected = (summary["hosts"]["total"], summary["findings"]["total"] + summary["findings"]["waived"])
        actual = (len(locations), sum(len(location.findings) for location in locations.values()))
        if actual != expected:
            raise SliceError("slices: %s is not complete: it has %d of %d hosts and %d of %d findings" % (
                path, actual[0], expected[0], actual[1], expected[1]))
        for host in locations:
            if host in self._locations:
                raise SliceError("slices: host %r is in %s and in %s; each host belongs in one slice" % (
                    host, self._locations[host].report.path, path))
        self._reports.append(report)
        self._locations.update(locations)

    def count(self) -> int:
        """Return how many slices there are."""
        return len(self._reports)

    def hosts(self) -> list[str]:
        """Return all hosts, in the order of the slices."""
        return list(self._locations)

    def generated_at(self) -> str:
        """Return when the last of them was made."""
        return max(report.head["generated_at"] for report in self._reports)

    def run(self) -> dict[str, Any]:
        """Return the merged report's `run`, as far as the slices tell: from the first one's start to the last one's end."""
        runs = [report.head["run"] for report in self._reports]
        limits = {run["limit"] for run in runs}
        return {
            "collection_version": runs[0]["collection_version"],
            "ansible_version": runs[0]["ansible_version"],
            "check_mode": False,
            # slices that were cut by --limit are each a part of something whole
            "limit": limits.pop() if len(limits) == 1 else None,
            "started_at": min(run["started_at"] for run in runs),
            "finished_at": max(run["finished_at"] for run in runs),
            "slices": [
                {"report": report.path, "generated_at": report.head["generated_at"], "controller": run["controller"],
                 "limit": run["limit"], "hosts": report.head["summary"]["hosts"]["total"]}
                for report, run in zip(self._reports, runs)],
        }

    def warnings(self) -> list[str]:
        """Return what may make the merged report differ from that of one run."""
        versions = sorted({report.head["run"]["collection_version"] for report in self._reports})
        if len(versions) == 1:
            return []
        return ["the slices were made by different versions of the collection (%s), which may judge differently"
                % ", ".join(versions)]

    def evaluated(self, order: Iterable[str]) -> Iterator[Evaluated]:
        """Yield (entry, findings) of each host, one at a time.

        :param order: names in the order of the inventory; hosts that are not among them come after those.
        :raises ReportError: a slice changed since.
        """
        names = dict.fromkeys(host for host in order if host in self._locations)
        names.update(dict.fromkeys(self._locations))
        for name in names:
            location = self._locations[name]
            entry, *findings = location.report.read([location.entry, *location.findings])
            yield entry, findings


def merge_slices(slices: Slices, reports: str, order: Iterable[str], run: dict[str, Any], formats: Iterable[str] = (),
                 write: bool = True) -> Outcome:
    """Write the merged report below `reports` and return what it amounts to.

    Findings are compared with those of the latest report there, so that it has to be the directory of merged
    reports and not that of a slice.

    :param order: the inventory's hosts, in its order; may be empty.
    :param run: what the slices cannot know of the report's `run`.
    :param formats: what to write beside report.json, of render.FORMATS.
    :param write: False: only return what it would amount to (check mode).
    :raises ReportError: a slice's time is none, or it changed while it was read.
    :raises OSError: the report cannot be written.
    """
    moment = parse_time(slices.generated_at())
    if moment is None:
        raise SliceError("slices: generated_at %r is not a time" % slices.generated_at())
    previous = _previous_report(reports, slices.generated_at())
    audit = Audit(reports, previous, moment, formats=formats)
    evaluated = slices.evaluated(order)
    outcome = (audit.write_evaluated(evaluated, {**slices.run(), **run, "previous": previous}) if write
               else audit.count_evaluated(evaluated))
    return outcome._replace(warnings=slices.warnings() + outcome.warnings)


def _previous_report(reports: str, generated_at: str) -> str | None:
    """Return the report to compare with; when the latest is of the same slices, the one that it was compared with."""
    latest = latest_report(reports)
    if latest is None:
        return None
    path = os.path.join(latest, FILE)
    try:
        head = Report(path).head
    except ReportError:
        return path  # Audit says what is wrong with it
    if head["generated_at"] != generated_at or "slices" not in head["run"]:
        return path
    before = head["run"]["previous"]
    # removed since, as too old: compared with itself, nothing is new that was not
    return before if before is None or os.path.exists(before) else path


def _expand(given: str) -> list[str]:
    """Return the paths that a path or a pattern of the shell means."""
    if os.path.exists(given) or not glob.has_magic(given):
        return [given]
    paths = sorted(glob.glob(given))
    if not paths:
        raise SliceError("slices: %s: nothing matches it" % given)
    return paths


def _find_report(given: str) -> str:
    """Return the path of the report.json that is meant."""
    path = report_path(given)
    if not os.path.exists(path) or os.path.isdir(path):
        latest = latest_report(os.path.abspath(given))
        path = report_path(latest) if latest else path
    if not os.path.isfile(path):
        raise SliceError("slices: %s: there is no report; did that slice's run end before it could write one?" % path)
    return os.path.realpath(path)


def _locate_hosts(report: Report) -> dict[str, _Location]:
    """Return where each host of a report is.

    :raises ReportError: it cannot be read, or a host is in it twice, or findings are of no host of it.
    """
    locations: dict[str, _Location] = {}
    for _array, place, entry in report.elements("hosts"):
        if entry["name"] in locations:
            raise ReportError("%s: host %r is in it twice" % (report.path, entry["name"]))
        locations[entry["name"]] = _Location(report, place, array("Q"))
    for _array, place, finding in report.elements("findings"):
        if finding["host"] not in locations:
            raise ReportError("%s: a finding is of host %r, which it lacks" % (report.path, finding["host"]))
        locations[finding["host"]].findings.append(place)
    return locations
