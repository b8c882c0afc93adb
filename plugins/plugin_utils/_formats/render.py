# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Renderings of a report.json: which formats there are, and one pass over the report for all of them.

A renderer takes one host at a time and writes to its file at once, so none of them holds the fleet.
It knows nothing that the report.json does not say: an old report can be rendered again.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any, Iterable, Protocol, TextIO

from .._model.finding import Finding
from .._report import reader as _reader
from .._report.tally import Tally
from . import (
    csv as _render_csv,
    html as _render_html,
    junit as _render_junit,
    markdown as _render_markdown,
    prometheus as _render_prometheus,
    sarif as _render_sarif,
)


class Renderer(Protocol):
    """One format of one report."""

    def __init__(self, stream: TextIO, head: dict[str, Any], tally: Tally) -> None:
        """:param head: what stands before the arrays of the report.json; tally: of all of it."""

    def host(self, entry: dict[str, Any], findings: list[Finding]) -> None:
        """Take the next host."""

    def resolved(self, each: dict[str, Any]) -> None:
        """Take the next element of `resolved`, after all hosts."""

    def finish(self) -> None:
        """Write what is left; the stream is closed by others."""


# By name: (file beside report.json, its renderer).
FORMATS: dict[str, tuple[str, type[Renderer]]] = {
    "html": ("report.html", _render_html.Html),
    "csv": ("report.csv", _render_csv.Csv),
    "junit": ("report.junit.xml", _render_junit.Junit),
    "sarif": ("report.sarif", _render_sarif.Sarif),
    "markdown": ("report.md", _render_markdown.Markdown),
    "prometheus": ("podman_memory_audit.prom", _render_prometheus.Prometheus),
}


def count_report(path: str) -> Tally:
    """Return what the report at a path amounts to.

    :raises OSError, ValueError, KeyError, TypeError, AttributeError: when it cannot be read as a report.
    """
    tally = Tally()
    for name, each in _reader.elements(path, "hosts", "findings", "resolved"):
        {"hosts": tally.add_host, "findings": tally.add_finding, "resolved": tally.add_resolved}[name](each)
    return tally


def render_report(path: str, formats: Iterable[str], tally: Tally | None = None, directory: str | None = None) -> dict[str, str]:
    """Write formats of the report.json at a path; return {format: path of its file}.

    :param formats: names of FORMATS.
    :param directory: where to; beside the report when not given. A file is there whole or not at all.
    """
    wanted = {name: FORMATS[name] for name in dict.fromkeys(formats)}
    if not wanted:
        return {}
    directory = directory or os.path.dirname(path)
    tally = tally or count_report(path)
    head = _reader.head(path)
    files = {name: os.path.join(directory, file) for name, (file, _kind) in wanted.items()}
    partial = {name: os.path.join(directory, ".%s.%d" % (wanted[name][0], os.getpid())) for name in wanted}
    try:
        with contextlib.ExitStack() as stack:
            # what no encoding can write (lone surrogates) has been made harmless before
            renderers = [kind(stack.enter_context(open(partial[name], "w", encoding="utf-8", newline="")), head, tally)
                         for name, (_file, kind) in wanted.items()]
            _feed(path, renderers)
        for name, file in files.items():
            os.replace(partial[name], file)
    finally:
        for left in partial.values():
            with contextlib.suppress(FileNotFoundError):
                os.unlink(left)
    return files


def _feed(path: str, renderers: list[Renderer]) -> None:
    for entry, findings in _reader.by_host(path):
        for each in renderers:
            each.host(entry, findings)
    for _name, gone in _reader.elements(path, "resolved"):
        for each in renderers:
            each.resolved(gone)
    for each in renderers:
        each.finish()
