# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renderings of a report.json: which formats there are, and one pass over the report for all of them.

They know nothing that the report.json does not say: an old report can be rendered again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from .._model.finding import Finding
from .._report.report_file import Report
from .._report.tally import Tally
from .csv import Csv
from .html import Html
from .junit import Junit
from .markdown import Markdown
from .prometheus import Prometheus
from .renderer import Renderer
from .sarif import Sarif


class Format(NamedTuple):
    """One format of a report."""

    file: str  # its name beside report.json
    renderer: type[Renderer]


FORMATS = {
    "html": Format("report.html", Html),
    "csv": Format("report.csv", Csv),
    "junit": Format("report.junit.xml", Junit),
    "sarif": Format("report.sarif", Sarif),
    "markdown": Format("report.md", Markdown),
    "prometheus": Format("podman_memory_audit.prom", Prometheus),
}


def count_report(report: Report) -> Tally:
    """Return what a report amounts to.

    :raises ReportError: it cannot be read as a report.
    """
    tally = Tally()
    add = {"hosts": tally.add_host, "findings": tally.add_finding, "resolved": tally.add_resolved}
    for array, _place, element in report.elements(*add):
        add[array](element)
    return tally


class RenderError(Exception):
    """Some formats could not be written; the others are."""

    def __init__(self, problems: dict[str, str]) -> None:
        """:param problems: by format, why."""
        super().__init__("; ".join("%s: %s" % problem for problem in problems.items()))
        self.problems = problems


class _Output:
    """One format that is being written. What goes wrong with it ends it, and none of the others."""

    def __init__(self, path: str, renderer: type[Renderer]) -> None:
        """:param path: of its file, which is there whole or not at all."""
        self.path = path
        self.problem: str | None = None
        self._partial = os.path.join(os.path.dirname(path), ".%s.%d" % (os.path.basename(path), os.getpid()))
        self._renderer_class = renderer
        self._files = contextlib.ExitStack()

    def begin(self, head: dict[str, Any], tally: Tally) -> None:
        """Open the file; head and tally are the report's."""
        def create() -> None:
            # what no encoding can write (lone surrogates) has been made harmless before
            stream = self._files.enter_context(open(self._partial, "w", encoding="utf-8", newline=""))
            self._renderer = self._renderer_class(stream, head, tally)
        self._attempt(create)

    def add_host(self, entry: dict[str, Any], findings: list[Finding]) -> None:
        """Write an element of `hosts` and its findings."""
        self._attempt(lambda: self._renderer.add_host(entry, findings))

    def add_resolved(self, finding: dict[str, Any]) -> None:
        """Write an element of `resolved`."""
        self._attempt(lambda: self._renderer.add_resolved(finding))

    def finish(self) -> None:
        """Write what is left."""
        def finish() -> None:
            self._renderer.finish()  # looked up here: there may be none
        self._attempt(finish)

    def _attempt(self, step: Callable[[], None]) -> None:
        """Take a step of writing it, unless one before has failed."""
        if self.problem is None:
            try:
                step()
            except Exception as exc:
                self.problem = "%s: %s" % (type(exc).__name__, exc)

    def end(self) -> None:
        """Put the file to its place, if nothing went wrong; leave nothing else behind."""
        self._attempt(self._files.close)
        self._attempt(lambda: os.replace(self._partial, self.path))
        with contextlib.suppress(OSError):
            self._files.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._partial)


def render_report(report: Report, formats: Iterable[str], tally: Tally | None = None,
                  directory: str | None = None) -> dict[str, str]:
    """Write formats of a report; return {format: path of its file}.

    :param formats: names of FORMATS.
    :param tally: of the report; counted when not given.
    :param directory: where to; beside the report when not given. A file is there whole or not at all.
    :raises ReportError: it cannot be read as a report.
    :raises RenderError: some formats could not be written; the others are.
    """
    chosen = {name: FORMATS[name] for name in dict.fromkeys(formats)}
    if not chosen:
        return {}
    directory = directory or os.path.dirname(report.path)
    tally = tally or count_report(report)
    outputs = {name: _Output(os.path.join(directory, file), renderer) for name, (file, renderer) in chosen.items()}
    try:
        for output in outputs.values():
            output.begin(report.head, tally)
        _feed(report, list(outputs.values()))
    except BaseException:
        for output in outputs.values():
            output.problem = output.problem or "the report could not be read"
        raise
    finally:
        for output in outputs.values():
            output.end()
    problems = {name: output.problem for name, output in outputs.items() if output.problem}
    if problems:
        raise RenderError(problems)
    return {name: output.path for name, output in outputs.items()}


def _feed(report: Report, outputs: list[_Output]) -> None:
    for entry, findings in report.by_host():
        for output in outputs:
            output.add_host(entry, findings)
    for _array, _place, finding in report.elements("resolved"):
        for output in outputs:
            output.add_resolved(finding)
    for output in outputs:
        output.finish()
