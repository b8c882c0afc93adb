# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict matrix as text: rows are containers, columns hosts and users."""

from __future__ import annotations

SHORT = {True: "yes", False: "no", None: "?"}


def cell(told):
    """What the facts say, short: killed cause lethal flag."""
    if told is None:
        return "(absent)"
    oom = told["oom"]
    return "%s %s %s %s" % (SHORT[oom["killed"]], oom["cause"], SHORT[oom["lethal"]], oom["flag_trust"])


def table(cells):
    """Return the lines of a table; cells: {(row, column): text}."""
    rows = list(dict.fromkeys(row for row, _column in cells))
    columns = list(dict.fromkeys(column for _row, column in cells))
    grid = [["killed cause lethal flag"] + columns]
    grid += [[row] + [cells.get((row, column), "") for column in columns] for row in rows]
    widths = [max(len(line[index]) for line in grid) for index in range(len(grid[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in grid]
