# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTML file that needs nothing else: no network, no script from elsewhere, no server.

The summary is plain HTML that a browser shows without scripts. The tables of findings, containers and
hosts are data in compressed blocks: an index of all rows, and their details in blocks that the page
opens only when somebody looks. So 50,000 containers are a page that stays usable.

Nothing that a host says can act: it is in base64 in blocks that are not scripts, the page's own script
only makes text of it, and a Content-Security-Policy forbids everything but that script and its style.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import zlib
from typing import Any, TextIO

from .._model.container_key import shown_name
from .._model.finding import SEVERITIES, Finding
from .._model.rules import RULES
from .._report.tally import Tally
from .html_rows import FIELDS, container_row, containers_of, finding_row, findings_by_container, host_row
from .html_summary import page_body
from .renderer import Renderer

_HERE = os.path.dirname(os.path.abspath(__file__))
_INDEX_ROWS, _DETAIL_ROWS = 2000, 200  # of a block

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src '%(script)s'; style-src '%(style)s'; \
img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<title>Podman memory audit</title>
<style>%(css)s</style>
</head>
<body>
"""
_EXPLORER = """<section id="explorer" aria-label="All findings, containers and hosts">
<noscript><p class="notice">The tables below need JavaScript. All of their data is in report.json, beside this file.</p></noscript>
</section>
</main>
"""


class Html(Renderer):
    """One page."""

    def __init__(self, stream: TextIO, head: dict[str, Any], tally: Tally) -> None:
        """Write the summary."""
        super().__init__(stream, head, tally)
        self._script, css = _asset("page.js"), _asset("page.css")
        stream.write(_HEAD % {"css": css, "style": _digest(css), "script": _digest(self._script)})
        stream.write(page_body(head, tally))
        stream.write(_EXPLORER)
        self._blocks = {name: _Blocks(stream, name) for name in FIELDS}

    def add_host(self, entry: dict[str, Any], findings: list[Finding]) -> None:
        """Write a host's rows."""
        containers = containers_of(entry)
        by_id = {(str(container.get("user")), str(container.get("id"))): container for container in containers}
        for finding in findings:
            self._blocks["findings"].add(*finding_row(finding, by_id.get(
                (str(finding["user"]), str(finding["evidence"].get("container_id"))))))
        grouped = findings_by_container(findings)
        for container in containers:
            own = grouped.get((container.get("user"), shown_name(container)), [])
            self._blocks["containers"].add(*container_row(entry["name"], container, own))
        self._blocks["hosts"].add(*host_row(entry, containers, findings))

    def add_resolved(self, finding: dict[str, Any]) -> None:
        """Write one row."""
        self._blocks["findings"].add(*finding_row(finding, None))

    def finish(self) -> None:
        """Write the rest of the blocks, and the script that shows them."""
        for blocks in self._blocks.values():
            blocks.flush()
        about = {"generated_at": self.head["generated_at"], "severities": SEVERITIES, "fields": FIELDS,
                 "rules": {rule.id: rule.title for rule in RULES.values()},
                 "meanings": {rule.id: rule.text for rule in RULES.values()},
                 "unprotected": [rule.id for rule in RULES.values() if rule.unprotected],
                 "detail_rows": _DETAIL_ROWS, "counts": {name: blocks.count for name, blocks in self._blocks.items()}}
        self.stream.write(_block("about", "about", about) + "<script>%s</script>\n</body>\n</html>\n" % self._script)


class _Blocks:
    """The rows of one table, in blocks."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream, self._name = stream, name
        self._index: list[Any] = []
        self._details: list[Any] = []
        self.count = 0

    def add(self, row: list[Any], detail: dict[str, Any]) -> None:
        """Add a row; its detail is shown when it is opened."""
        self._index.append(row)
        self._details.append(detail)
        self.count += 1
        if len(self._index) >= _INDEX_ROWS:
            self._write_index()
        if len(self._details) >= _DETAIL_ROWS:
            self._write_details()

    def flush(self) -> None:
        """Write the rows that are in no block yet."""
        if self._index:
            self._write_index()
        if self._details:
            self._write_details()

    def _write_index(self) -> None:
        self._stream.write(_block(self._name, "index", self._index))
        self._index = []

    def _write_details(self) -> None:
        self._stream.write(_block(self._name, "details", self._details))
        self._details = []


def _block(name: str, part: str, data: Any) -> str:
    # level 1: the rows are much alike; more costs three times as long for a fifth less
    packed = zlib.compress(json.dumps(data, separators=(",", ":")).encode("ascii"), 1)
    return '<script type="application/octet-stream" data-set="%s" data-part="%s">%s</script>\n' % (
        name, part, base64.b64encode(packed).decode("ascii"))


def _asset(name: str) -> str:
    with open(os.path.join(_HERE, name), encoding="utf-8") as stream:
        return stream.read()


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
