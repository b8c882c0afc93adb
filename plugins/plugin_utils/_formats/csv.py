# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CSV (RFC 4180): one row for each finding, the resolved ones too.

Every cell is quoted. A cell that a spreadsheet would take for a formula begins with an apostrophe
(OWASP, CSV Injection); control and invisible characters are written as escapes.
"""

from __future__ import annotations

import csv
from typing import Any, TextIO

from .._model.finding import Finding
from .._report.tally import Tally
from .renderer import Renderer, dig, sanitize

# Full-width forms too: spreadsheets in Japanese and Chinese take them for the same.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
COLUMNS = ("state", "severity", "rule", "host", "user", "container", "unit", "summary", "first_seen", "last_seen",
           "last_kill", "limit_bytes", "working_set_bytes", "detail", "remedy", "waived_because", "waived_until", "id")


def csv_cell(value: object) -> str:
    """Return a value as it stands in the file: harmless text, with an apostrophe before what could be a formula."""
    text = sanitize(value)
    return "'" + text if text.lstrip().startswith(_FORMULA) else text


def csv_row(finding: dict[str, Any], generated_at: str) -> dict[str, object]:
    """Return the values of one element of `findings` or `resolved` by column."""
    evidence = finding.get("evidence") or {}
    return {
        **{column: finding.get(column) for column in COLUMNS},
        "last_seen": finding.get("last_seen") or generated_at,
        "last_kill": evidence.get("last_at") or finding.get("last_at"),
        "limit_bytes": evidence.get("limit"),
        "working_set_bytes": evidence.get("working_set") or dig(evidence, "usage", "working_set"),
        "waived_because": dig(finding, "waiver", "reason"),
        "waived_until": dig(finding, "waiver", "expires"),
    }


class Csv(Renderer):
    """A row for each finding."""

    def __init__(self, stream: TextIO, head: dict[str, Any], tally: Tally) -> None:
        """Write the head of the table."""
        super().__init__(stream, head, tally)
        self._writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        self._writer.writerow(COLUMNS)

    def add_host(self, entry: dict[str, Any], findings: list[Finding]) -> None:
        """Write a host's findings."""
        for finding in findings:
            self.add_resolved(finding)

    def add_resolved(self, finding: dict[str, Any]) -> None:
        """Write one row."""
        row = csv_row(finding, self.head["generated_at"])
        self._writer.writerow([csv_cell(row[column]) for column in COLUMNS])
