# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The summary's parts on what was killed, what is near its limit, and what waits for memory.

Pure.
"""

from __future__ import annotations

from typing import Any

from .._model.finding import Finding
from .._model.kill_text import describe_cause, describe_outcome, describe_victim
from .._model.quota import fair_share, finding_owner
from .._report.tally import Tally, most_stalled_first, nearest_first, worst_first
from .._terminal import INDENT, Line, Piece, more_line
from .._text import display_width, format_age, format_time, pad, parse_time, plural
from .summary_context import Context, answered_hosts, describe_host_container, is_complete

_NEW = "NEW"


def kill_lines(tally: Tally, context: Context, room: int | None) -> list[Line]:
    """Return the part on OOM kills, in so many lines as there is room for; None: all of them."""
    if not tally.kills:
        is_sure = is_complete(tally) and not tally.waived["oom-killed"]
        text = _no_kills(tally, is_sure) if answered_hosts(tally) else "unknown, no host was checked"
        return [[Piece("title", "OOM KILLS"), Piece("good" if is_sure else "warn", "  " + text),
                 Piece("dim", _flag_remark(tally))]]
    listed = worst_first(tally.kills)
    if room is not None and (1 + 2 * len(listed) > room or len(listed) < tally.oom["killed"]):
        listed = fair_share(listed, max(1, (room - 2) // 2), finding_owner)
    head = "%s hit, %s ended by it" % (plural(tally.oom["killed"], "container"), format(tally.oom["lethal"], ","))
    lines = [[Piece("title", "OOM KILLS"), Piece("bad", "  " + head), Piece("dim", _flag_remark(tally))]]
    beside = max(display_width(_what(finding)) + (len(_NEW) + 2) * _is_marked(finding, context) for finding in listed)
    column = min(max(display_width(describe_host_container(finding)) for finding in listed), max(20, context.width - beside - 6))
    for finding in listed:
        lines += _kill(finding, column, context)
    unlisted = tally.oom["killed"] - len(listed)
    return lines + ([more_line(unlisted)] if unlisted else [])


def _no_kills(tally: Tally, is_sure: bool) -> str:
    if tally.waived["oom-killed"]:
        return "none that is not waived"
    return "none" if is_sure else "none found where it could be checked"


def _flag_remark(tally: Tally) -> str:
    wrong = tally.oom["flag_wrong"]
    return "; podman's own flag wrong on %s" % format(wrong, ",") if wrong else ""


def _kill(finding: Finding, column: int, context: Context) -> list[Line]:
    evidence = finding["evidence"]
    style = "bad" if finding["severity"] in ("critical", "high") else "warn"
    first = [Piece(style, INDENT + "* "), Piece("title", pad(describe_host_container(finding), column)),
             Piece(style, "  " + _what(finding))]
    if _is_marked(finding, context):
        first.append(Piece("bad", "  " + _NEW))
    flag = {"missed": "podman says false", "stale": "podman's flag is stale",
            "overstated": "podman says true"}.get(str(evidence.get("flag_trust")), "")
    count = evidence.get("count") or 1
    confidence = evidence.get("confidence")
    parts = (
        _when(evidence.get("last_at"), context.now),
        confidence if confidence in ("certain", "likely") else "not sure",
        describe_victim(evidence),
        flag,
        "%s times" % format(count, ",") if count > 1 else "",
        "removed since" if evidence.get("removed") else "",
    )
    return [first, [Piece("dim", INDENT * 3 + " · ".join(part for part in parts if part))]]


def _what(finding: Finding) -> str:
    return "%s, %s" % (describe_cause(finding["evidence"]), describe_outcome(finding["evidence"]))


def _is_marked(finding: Finding, context: Context) -> bool:
    return context.has_previous and finding["state"] == "new"


def _when(value: Any, now: str) -> str:
    moment, current = parse_time(value), parse_time(now)
    if moment is None or current is None:
        return "time unknown"
    text = format_time(value)
    if moment.date() == current.date():
        text = text.split(" ", 1)[1]
    return "%s, %s" % (text, format_age(value, now))


def near_limit_lines(tally: Tally, context: Context, room: int | None) -> list[Line]:
    """Return the part on the containers nearest to their limit, one in a line; None: all of them."""
    count = tally.rules["near-limit"]
    if not count:
        return [[Piece("title", "NEAR LIMIT"), *_none_near(tally)]] if answered_hosts(tally) else []
    head = "  %s near %s limit" % (plural(count, "container"), "its" if count == 1 else "their")
    return [[Piece("title", "NEAR LIMIT"), Piece("warn", head)],
            *_containers(nearest_first(tally.near_limit), count, context, room)]


def _none_near(tally: Tally) -> list[Piece]:
    if tally.waived["near-limit"]:
        return [Piece("warn", "  nothing that is not waived")]
    return [Piece("good", "  nothing is near its limit") if is_complete(tally)
            else Piece("warn", "  nothing found where it could be checked")]


def stall_lines(tally: Tally, context: Context, room: int | None) -> list[Line]:
    """Return the part on containers that wait for memory, nothing where there is none."""
    count = tally.rules["memory-stalls"]
    if not count:
        return []
    head = "  %s for memory" % ("%s waits" % plural(count, "container") if count == 1 else "%s wait" % plural(count, "container"))
    return [[Piece("title", "MEMORY STALLS"), Piece("warn", head)],
            *_containers(most_stalled_first(tally.stalls), count, context, room)]


def _containers(findings: list[Finding], count: int, context: Context, room: int | None) -> list[Line]:
    """One line for each finding, as far as there is room."""
    listed = findings if room is None or len(findings) <= room else fair_share(findings, room - 1, finding_owner)
    column = min(max((display_width(describe_host_container(finding)) for finding in listed), default=0),
                 max(20, context.width // 2))
    lines = []
    for finding in listed:
        style = "bad" if finding["severity"] == "high" else "warn"
        lines.append([Piece(style, INDENT + "* "), Piece("title", pad(describe_host_container(finding), column)),
                      Piece(style, "  " + finding["summary"])])
    return lines + ([more_line(count - len(listed))] if count > len(listed) and room != 0 else [])
