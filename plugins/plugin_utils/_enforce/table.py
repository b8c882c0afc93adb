# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of one host as a table, for --diff; after a run with the results.

Pure. Columns as wide as their longest text, so that it can be read and cut with a text editor.
"""

from __future__ import annotations

from typing import Any

from .._model.finding import owner_suffix
from .._text import display_width, human_size, pad, printable
from .result import Row

_HEAD = ("container", "user", "what", "from", "to", "how", "why", "result")


def render_table(rows: list[Row], skipped: list[dict[str, Any]], check_mode: bool) -> str:
    """Return the table as text that ends with a line break.

    :param skipped: {name, user, rule, kind, reason} of what is not changed.
    """
    lines = [_HEAD] + [_line(row, check_mode) for row in rows]
    widths = [max(display_width(line[column]) for line in lines) for column in range(len(_HEAD))]
    text = ["  ".join(pad(cell, width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    if skipped:
        text += ["skipped:", *("  " + describe_skipped(setting) for setting in skipped)]
    return "\n".join(text) + "\n"


def describe_skipped(skipped: dict[str, Any]) -> str:
    """Return what is skipped as one line."""
    name = container_name(skipped["name"], skipped["user"]) if skipped["name"] is not None \
        else printable(skipped["user"] or "the host", 40)
    return "%s: %s%s" % (name, printable(skipped["rule"] + ": " if skipped["rule"] else ""), printable(skipped["reason"]))


def container_name(name: str, user: str | None) -> str:
    """Return a container's name, with its owner unless that is root."""
    return printable(name, 60) + owner_suffix(user)


def _line(row: Row, check_mode: bool) -> tuple[str, ...]:
    why = ", ".join(row["rules"])
    if row["decided_by"]:
        why += " (%s)" % printable(row["decided_by"], 80)
    return (printable(row["container"], 60), printable(row["user"], 40), row["setting"].replace("_", "."),
            format_setting(row["setting"], row["before"]), format_setting(row["setting"], row["after"]),
            format_persistence(row), why, _result(row, check_mode))


def format_setting(setting: str, value: int | None) -> str:
    """Return a setting's value for people: "64 MiB", "none", "on"."""
    if setting == "oom_group":
        return "on" if value else "off"
    if setting == "swap":
        return "unlimited" if value is None else human_size(value) if value else "none"
    return "none" if value is None else human_size(value)


def format_persistence(row: Row) -> str:
    """Return when and how long it holds: "live + persistent"."""
    if row["failed"]:
        return "-"
    parts = (["live"] if row["live"] else []) + (["persistent"] if row["persistent"] else [])
    return " + ".join(parts) if parts else "after a restart" if row["restart_required"] else "-"


def _result(row: Row, check_mode: bool) -> str:
    if row["failed"]:
        return "FAILED: " + printable(row["message"])
    if not row["changed"]:
        return "already set"
    text = "would change" if check_mode else "changed"
    return "%s; %s" % (text, printable(row["message"])) if row["message"] else text
