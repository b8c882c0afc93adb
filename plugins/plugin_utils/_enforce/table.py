# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""The plan of one host as a table, for --diff; after a run with what became of it.

Pure. Columns as wide as their longest text, so that it can be read and cut with a text editor.
"""

from __future__ import annotations

from typing import Any

from .._text import display_width, human_size, pad, printable
from .result import Row

_HEAD = ("container", "user", "what", "from", "to", "how", "why")
_WHAT = {"memory": "memory", "oom_group": "oom.group"}


def render_table(rows: list[Row], skipped: list[dict[str, Any]], check_mode: bool) -> str:
    """Return the table as text that ends with a line break.

    :param skipped: {name, user, rule, kind, reason} of what is left alone.
    """
    head = (*_HEAD, "result")
    lines = [head] + [_line(each, check_mode) for each in rows]
    widths = [max(display_width(line[column]) for line in lines) for column in range(len(head))]
    text = ["  ".join(pad(cell, width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    if skipped:
        text += ["left as it is:", *("  " + describe_skipped(each) for each in skipped)]
    return "\n".join(text) + "\n"


def describe_skipped(skipped: dict[str, Any]) -> str:
    """Return what is left alone as one line."""
    who = name_with_owner(skipped["name"], skipped["user"]) if skipped["name"] is not None else printable(skipped["user"] or "the host", 40)
    return "%s: %s%s" % (who, printable(skipped["rule"] + ": " if skipped["rule"] else ""), printable(skipped["reason"]))


def name_with_owner(name: str, user: str | None) -> str:
    """Return a container's name, and whose it is where it is not root's."""
    return printable(name, 60) + ("" if user in (None, "root") else " (%s)" % printable(user, 40))


def _line(row: Row, check_mode: bool) -> tuple[str, ...]:
    why = "%s%s" % (", ".join(row["rules"]), " (%s)" % printable(row["by"], 80) if row["by"] else "")
    return (printable(row["container"], 60), printable(row["user"], 40), _WHAT[row["what"]], format_setting(row["what"], row["before"]),
            format_setting(row["what"], row["after"]), format_persistence(row), why, _result(row, check_mode))


def format_setting(what: str, setting: int | bool | None) -> str:
    """Return a setting as people say it."""
    if what == "oom_group":
        return "on" if setting else "off"
    return "none" if setting is None else human_size(setting)


def format_persistence(row: Row) -> str:
    """Return when and how long it holds."""
    if row["failed"]:
        return "-"
    held = (["live"] if row["live"] else []) + (["persistent"] if row["persistent"] else [])
    return " + ".join(held) if held else "after a restart" if row["restart_required"] else "-"


def _result(row: Row, check_mode: bool) -> str:
    if row["failed"]:
        return "FAILED: " + printable(row["message"])
    if not row["changed"]:
        return "is so already"
    text = "would change" if check_mode else "changed"
    return "%s; %s" % (text, printable(row["message"])) if row["message"] else text
