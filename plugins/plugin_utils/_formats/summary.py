# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The terminal's summary: what was killed, what is near its limit, what is unprotected, what could not be checked, the trend.

Pure: takes a Tally, gives lines of styled pieces. At most 25 lines, or all of it on demand.
Its reader has been woken up by it: worst first, words instead of field names.
"""

from __future__ import annotations

from .._report.tally import Tally
from .._terminal import Line, Piece, truncate_line
from .._text import display_width, format_time, plural
from .summary_context import Context, answered_hosts
from .summary_gaps import gap_lines, trend_lines, unprotected_lines, waived_lines
from .summary_kills import kill_lines, near_limit_lines, stall_lines

_MAX_LINES = 25
_MAX_NEAR = 3  # lines on containers near their limit, and on those that stall
_TIGHT = 9  # lines: with less than that for kills and gaps, other lists get shorter
_MIN_GAPS = 4  # reasons why something was not checked that are shown whatever else there is
_MAX_WIDTH = 140  # longer lines are hard to follow


def summary_lines(tally: Tally, context: Context) -> list[Line]:
    """Return the lines of the summary."""
    context = context._replace(width=max(40, min(context.width, _MAX_WIDTH)))
    unprotected, changes = unprotected_lines(tally, context), waived_lines(tally) + trend_lines(tally, context)
    # header, path and the empty lines between the parts
    room = _MAX_LINES - 2 - 4 - len(unprotected) - len(changes) - bool(changes)
    near = near_limit_lines(tally, context, None if context.everything else max(0, min(_MAX_NEAR, room - _TIGHT)))
    room -= len(near)
    stalls = stall_lines(tally, context, None if context.everything else max(0, min(_MAX_NEAR, room - _TIGHT)))
    room -= len(stalls)
    # each of the two long lists gets what the other leaves free
    gaps = gap_lines(tally, context, max(_MIN_GAPS if room >= _TIGHT else 2, room - len(kill_lines(tally, context, None)) - 1))
    kills = kill_lines(tally, context, None if context.everything else room - len(gaps))
    lines: list[Line] = [_header(tally, context)]
    for part in (kills + near + stalls, unprotected, gaps, changes):
        if part:
            lines += [[]] + part
    return [truncate_line(line, context.width) for line in lines] + [[], _footer(tally, context)]


def _header(tally: Tally, context: Context) -> Line:
    hosts = tally.hosts
    parts = ["%s of %s checked" % (format(answered_hosts(tally), ","), plural(hosts["total"], "host")),
             plural(tally.containers["total"], "container")]
    if hosts["without_podman"]:
        parts.append("%s without Podman" % plural(hosts["without_podman"], "host"))
    head = [Piece("title", "Podman memory audit"), Piece("dim", "  %s  " % format_time(context.now))]
    room = context.width - sum(display_width(piece.text) for piece in head)
    while len(parts) > 1 and display_width(", ".join(parts)) > room:
        parts.pop()  # half a number is worse than none
    return [*head, Piece("plain", ", ".join(parts))]


def _footer(tally: Tally, context: Context) -> Line:
    line = ([Piece("title", "Check mode"), Piece("plain", "  no report is written")] if context.report is None
            else [Piece("title", "Report"), Piece("plain", "  " + context.report)])
    counts = ", ".join("%s %s" % (format(count, ","), severity)
                       for severity, count in tally.summary()["findings"]["by_severity"].items() if count)
    # the path is there to be copied: it is never cut, the counts give way
    if counts and display_width(line[1].text) + display_width(counts) + 12 <= context.width:
        line.append(Piece("dim", "  (%s)" % counts))
    return line
