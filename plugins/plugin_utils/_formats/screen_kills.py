# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""The first screen's parts on what died and what dies next.

Pure.
"""

from __future__ import annotations

from typing import Any

from .._model.finding import Finding
from .._model.kill_text import describe_cause, describe_outcome, describe_victim
from .._report.tally import Tally, nearest_first
from .._terminal import INDENT, Line, Piece, more_line
from .._text import display_width, format_age, format_time, pad, parse_time, plural
from .screen_context import Context, answered, is_whole, where

_NEWS = "NEW"


def kills(tally: Tally, context: Context, room: int | None) -> list[Line]:
    """Return the part on OOM kills, in so many lines as there is room for."""
    if not tally.kills:
        sure = is_whole(tally) and not tally.waived["oom-killed"]
        text = _no_kills(tally, sure) if answered(tally) else "unknown, no host was checked"
        return [[Piece("title", "OOM KILLS"), Piece("good" if sure else "warn", "  " + text),
                 Piece("dim", _flag_remark(tally))]]
    worst = tally.worst_kills()
    listed = worst
    if room is not None and 1 + 2 * len(worst) > room or len(worst) < tally.oom["killed"]:
        listed = worst[: max(1, (room - 2) // 2)] if room is not None else worst
    head = "%s hit, %s ended by it" % (plural(tally.oom["killed"], "container"), format(tally.oom["lethal"], ","))
    found = [[Piece("title", "OOM KILLS"), Piece("bad", "  " + head), Piece("dim", _flag_remark(tally))]]
    beside = max(display_width(_what(each)) + (len(_NEWS) + 2) * _is_news(each, context) for each in listed)
    column = min(max(display_width(where(each)) for each in listed), max(20, context.width - beside - 6))
    for each in listed:
        found += _kill(each, column, context)
    left = tally.oom["killed"] - len(listed)
    return found + ([more_line(left)] if left else [])


def _no_kills(tally: Tally, sure: bool) -> str:
    if tally.waived["oom-killed"]:
        return "none that is not waived"
    return "none" if sure else "none found where it could be checked"


def _flag_remark(tally: Tally) -> str:
    wrong = tally.oom["flag_wrong"]
    return "; podman's own flag wrong on %s" % format(wrong, ",") if wrong else ""


def _kill(finding: Finding, column: int, context: Context) -> list[Line]:
    evidence = finding["evidence"]
    style = "bad" if finding["severity"] in ("critical", "high") else "warn"
    first = [Piece(style, INDENT + "* "), Piece("title", pad(where(finding), column)),
             Piece(style, "  " + _what(finding))]
    if _is_news(finding, context):
        first.append(Piece("bad", "  " + _NEWS))
    flag = {"missed": "podman says false", "stale": "podman's flag is stale",
            "overstated": "podman says true"}.get(evidence.get("flag_trust") or "", "")
    count = evidence.get("count") or 1
    sure = evidence.get("confidence")
    parts = (
        _when(evidence.get("last_at"), context.now),
        sure if sure in ("certain", "likely") else "not sure",
        describe_victim(evidence),
        flag,
        "%s times" % format(count, ",") if count > 1 else "",
        "removed since" if evidence.get("removed") else "",
    )
    return [first, [Piece("dim", INDENT * 3 + " · ".join(part for part in parts if part))]]


def _what(finding: Finding) -> str:
    return "%s, %s" % (describe_cause(finding["evidence"]), describe_outcome(finding["evidence"]))


def _is_news(finding: Finding, context: Context) -> bool:
    return context.has_previous and finding["state"] == "new"


def _when(value: Any, now: str) -> str:
    moment, current = parse_time(value), parse_time(now)
    if moment is None or current is None:
        return "time unknown"
    text = format_time(value)
    if moment.date() == current.date():
        text = text.split(" ", 1)[1]
    return "%s, %s" % (text, format_age(value, now))


def risks(tally: Tally, context: Context, room: int | None) -> list[Line]:
    """The containers nearest to their limit, one in a line."""
    count = tally.rules["near-limit"]
    if not count:
        return [[Piece("title", "DIES NEXT"), *_none_near(tally)]] if answered(tally) else []
    found = nearest_first(tally.risks)
    listed = found if room is None or len(found) <= room else found[: max(0, room - 1)]
    column = min(max((display_width(where(each)) for each in listed), default=0), max(20, context.width // 2))
    lines = [[Piece("title", "DIES NEXT"), Piece("warn", "  %s near %s limit" % (
        plural(count, "container"), "its" if count == 1 else "their"))]]
    for each in listed:
        style = "bad" if each["severity"] == "high" else "warn"
        lines.append([Piece(style, INDENT + "* "), Piece("title", pad(where(each), column)),
                      Piece(style, "  " + each["summary"])])
    return lines + ([more_line(count - len(listed))] if count > len(listed) and room != 0 else [])


def _none_near(tally: Tally) -> list[Piece]:
    if tally.waived["near-limit"]:
        return [Piece("warn", "  nothing that is not waived")]
    return [Piece("good", "  nothing is near its limit") if is_whole(tally)
            else Piece("warn", "  nothing found where it could be checked")]
