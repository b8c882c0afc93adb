# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recommendations as files and on the terminal: recommendations.json and .csv, and a short table."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple, TextIO

from .._formats.csv import csv_cell
from .._model.quota import fair_share
from .._text import human_size, pad, plural, printable
from .sizing import HostRow, Row, row_values

FILES = ("recommendations.json", "recommendations.csv")
SCHEMA = "podman_fleet.memory/recommendations/v1"
_COLUMNS = ("host", "user", "container", "unit", "status", "action", "limit", "recommended", "risk", "present_risk", "need",
            "reaches_limit")
_MAX_ROWS = 200  # that are returned
# What comes first: what is about to be killed, then what gives memory back.
_ORDER = ("leak_suspected", "raise", "lower", "set", "unknown", "keep", "insufficient_data")
_WIDTHS = (24, 28, 18, 12, 12, 12, 8)
_HEAD = ("host", "container", "what", "limit", "better", "need", "risk")


class Written(NamedTuple):
    """What became of the rows."""

    counts: dict[str, int]  # by _ORDER
    rows: list[dict[str, Any]]  # row_values() of the most urgent ones, no host's or user's crowding out the others
    files: dict[str, str]  # path by "json" and "csv"


def write_rows(rows: Iterable[Row], directory: str | None, head: dict[str, Any]) -> Written:
    """Write all rows; without a directory only count them.

    :param head: what recommendations.json says of itself.
    :raises OSError: they could not be written; files of the same names are as they were.
    """
    drafts = [os.path.join(directory, ".%s.new" % name) for name in FILES] if directory is not None else [os.devnull] * len(FILES)
    paths = {}
    try:
        with open(drafts[0], "w", encoding="ascii") as document, open(drafts[1], "w", encoding="utf-8", newline="") as table:
            counts, urgent = _write(rows, document, table, head)
        if directory is not None:
            for draft, name in zip(drafts, FILES):
                paths[name.rpartition(".")[2]] = path = os.path.join(directory, name)
                os.replace(draft, path)
    finally:
        for draft in drafts:
            if directory is not None and os.path.exists(draft):
                os.unlink(draft)
    return Written({kind: counts[kind] for kind in _ORDER}, urgent, paths)


def _write(rows: Iterable[Row], document: TextIO, table: TextIO, head: dict[str, Any]) -> tuple[Counter[str], list[dict[str, Any]]]:
    """Return how many there are of each kind, and the most urgent ones."""
    counts: Counter[str] = Counter()
    kept: list[dict[str, Any]] = []
    cells = csv.writer(table, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    cells.writerow([*_COLUMNS, "why"])
    document.write(json.dumps({"schema": SCHEMA, **head})[:-1] + ', "recommendations": [')
    for number, row in enumerate(rows):
        values = row_values(row)
        document.write(("\n" if not number else ",\n") + json.dumps(values))
        cells.writerow([csv_cell(values[column]) for column in _COLUMNS] + [csv_cell(values["why"]["text"])])
        counts[_kind(values)] += 1
        kept.append(values)
        if len(kept) > 2 * _MAX_ROWS:
            kept = _urgent(kept)
    document.write("\n]}\n")
    return counts, _urgent(kept)


def table_lines(written: Written, short: list[HostRow], most: int) -> list[str]:
    """Return lines for the terminal: at most so many workloads, and the hosts that are too small."""
    shown = [row for row in written.rows if _kind(row) not in ("keep", "insufficient_data")]
    counts = ["%s %s" % (format(count, ","), kind.replace("_", " ")) for kind, count in written.counts.items() if count]
    lines = ["Right-sizing: " + (", ".join(counts) or "no containers")]
    if shown:
        lines.append(_line(_HEAD))
    for row in shown[:most]:
        lines.append(_line((
            row["host"], row["container"] if row["user"] == "root" else "%s (%s)" % (row["container"], row["user"]),
            _kind(row).replace("_", " "), human_size(row["limit"]) if row["limit"] is not None else "none" if row["limit_known"] else "unknown",
            human_size(row["recommended"]) if row["recommended"] is not None else row["reaches_limit"] or "no number",
            human_size(row["need"]), "%.1f %%" % (100 * row["risk"]) if row["risk"] is not None else "")))
    changed = sum(written.counts[kind] for kind in ("leak_suspected", "raise", "lower", "set", "unknown"))
    if changed > min(len(shown), most):
        lines.append("  … and %s more" % format(changed - min(len(shown), most), ","))
    for one in short[:most]:
        lines.append("%s is %s too small for these limits%s" % (
            printable(one.host, 60), human_size(one.fit.short), "".join(
                "; %s has %s above its need" % (printable(name, 60), human_size(spare)) for name, spare in one.fit.could_give[:3])))
    if len(short) > most:
        lines.append("  … and %s more" % plural(len(short) - most, "host"))
    return lines


def _kind(values: dict[str, Any]) -> str:
    return values["action"] if values["status"] == "ok" else values["status"]


def _urgent(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ordered = sorted(rows, key=lambda row: (_ORDER.index(_kind(row)), -abs((row["recommended"] or 0) - (row["limit"] or 0))))
    return fair_share(ordered, _MAX_ROWS, lambda row: (row["host"], row["user"]))


def _line(cells: Iterable[object]) -> str:
    return "  " + "  ".join(pad(printable(cell, width), width) for cell, width in zip(cells, _WIDTHS)).rstrip()
