# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renderings of a report.json: which formats there are, and one pass over the report for all of them.

They know nothing that the report.json does not say: an old report can be rendered again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from typing import NamedTuple

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


def render_report(report: Report, formats: Iterable[str], tally: Tally | None = None,
                  directory: str | None = None) -> dict[str, str]:
    """Write formats of a report; return {format: path of its file}.

    :param formats: names of FORMATS.
    :param tally: of the report; counted when not given.
    :param directory: where to; beside the report when not given. A file is there whole or not at all.
    :raises ReportError: it cannot be read as a report.
    :raises OSError: a file cannot be written.
    """
    chosen = {name: FORMATS[name] for name in dict.fromkeys(formats)}
    if not chosen:
        return {}
    directory = directory or os.path.dirname(report.path)
    tally = tally or count_report(report)
    files = {name: os.path.join(directory, chosen[name].file) for name in chosen}
    partial = {name: os.path.join(directory, ".%s.%d" % (chosen[name].file, os.getpid())) for name in chosen}
    try:
        with contextlib.ExitStack() as stack:
            # what no encoding can write (lone surrogates) has been made harmless before
            _feed(report, [
                renderer(stack.enter_context(open(partial[name], "w", encoding="utf-8", newline="")), report.head, tally)
                for name, (_file, renderer) in chosen.items()])
        for name, file in files.items():
            os.replace(partial[name], file)
    finally:
        for path in partial.values():
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
    return files


def _feed(report: Report, renderers: list[Renderer]) -> None:
    for entry, findings in report.by_host():
        for renderer in renderers:
            renderer.add_host(entry, findings)
    for _array, _place, finding in report.elements("resolved"):
        for renderer in renderers:
            renderer.add_resolved(finding)
    for renderer in renderers:
        renderer.finish()
