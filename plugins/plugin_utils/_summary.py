# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""The first screen: what was killed, what is unprotected, what could not be checked.

Pure: takes a Tally, gives lines of styled pieces. At most 25 lines, or all of it on demand.
Its reader has been woken up by it: worst first, words instead of field names.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._finding import Finding
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rule_kills import outcome, victim, why
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._tally import Group, Tally
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._text import (
    ago, cells, clip, clock, pad, parse_time, plural, shown)

_LINES = 25
_LIST = 4  # reasons why something was not checked that are shown whatever else there is
_WIDEST = 140  # longer lines are hard to follow
_INDENT = "  "
_NEWS = "NEW"


class Piece(NamedTuple):
    """Text of one style: title, bad, warn, good, dim or plain."""

    style: str
    text: str


Line = list[Piece]


class Context(NamedTuple):
    """What the summary has to know beside the counts."""

    now: str  # generated_at
    report: str | None  # path; None in check mode
    has_previous: bool  # without an earlier report everything is new, and nobody has to be told
    width: int
    everything: bool  # all of every list


def lines(tally: Tally, context: Context) -> list[Line]:
    """Return the lines of the summary."""
    context = context._replace(width=max(40, min(context.width, _WIDEST)))
    unprotected = _unprotected(tally, context)
    waived = _waived(tally)
    # header, path and the empty lines between the parts
    room = _LINES - 2 - 4 - len(unprotected) - len(waived)
    # each of the two long lists gets what the other leaves free
    gaps = _gaps(tally, context, max(_LIST, room - len(_kills(tally, context, None)) - 1))
    kills = _kills(tally, context, None if context.everything else room - len(gaps))
    found: list[Line] = [_header(tally, context)]
    for part in (kills, unprotected, gaps):
        found += [[]] + part
    found += waived
    return [fit(line, context.width) for line in found] + [[], _footer(tally, context)]


def plain(found: list[Line]) -> str:
    """Return the lines without styles."""
    return "\n".join("".join(piece.text for piece in line).rstrip() for line in found)


def fit(line: Line, width: int) -> Line:
    """Cut a line at the terminal's edge."""
    fitted = []
    for piece in line:
        text = clip(piece.text, width) if width > 0 else ""
        width -= cells(text)
        if text:
            fitted.append(Piece(piece.style, text))
        if text != piece.text:
            break
    return fitted


def _header(tally: Tally, context: Context) -> Line:
    hosts = tally.hosts
    answered = hosts["total"] - hosts["not_checked"]
    parts = ["%s of %s checked" % (format(answered, ","), plural(hosts["total"], "host")),
             plural(tally.containers["total"], "container")]
    if hosts["without_podman"]:
        parts.append("%s without Podman" % plural(hosts["without_podman"], "host"))
    head = [Piece("title", "Podman memory audit"), Piece("dim", "  %s  " % clock(context.now))]
    room = context.width - sum(cells(piece.text) for piece in head)
    while len(parts) > 1 and cells(", ".join(parts)) > room:
        parts.pop()  # half a number is none
    return [*head, Piece("plain", ", ".join(parts))]


def _footer(tally: Tally, context: Context) -> Line:
    line = ([Piece("title", "Check mode"), Piece("plain", "  no report is written")] if context.report is None
            else [Piece("title", "Report"), Piece("plain", "  " + context.report)])
    counts = ", ".join("%s %s" % (format(count, ","), severity)
                       for severity, count in tally.summary()["findings"]["by_severity"].items() if count)
    # the path is there to be copied: it is never cut, the counts give way
    if counts and cells(line[1].text) + cells(counts) + 12 <= context.width:
        line.append(Piece("dim", "  (%s)" % counts))
    return line


# -- OOM kills


def _kills(tally: Tally, context: Context, room: int | None) -> list[Line]:
    if not tally.kills:
        unknown = sum(group.count for key, group in tally.gaps.items() if key[0] == "container")
        answered = tally.hosts["total"] - tally.hosts["not_checked"]
        sure = answered and not unknown and not tally.hosts["partial"] and not tally.waived["oom-killed"]
        text = _no_kills(tally, sure) if answered else "unknown, no host was checked"
        return [[Piece("title", "OOM KILLS"), Piece("good" if sure else "warn", "  " + text),
                 Piece("dim", _flag_remark(tally))]]
    worst = tally.worst_kills()
    listed = worst
    if room is not None and 1 + 2 * len(worst) > room or len(worst) < tally.oom["killed"]:
        listed = worst[: max(1, (room - 2) // 2)] if room is not None else worst
    head = "%s hit, %s ended by it" % (plural(tally.oom["killed"], "container"), format(tally.oom["lethal"], ","))
    found = [[Piece("title", "OOM KILLS"), Piece("bad", "  " + head), Piece("dim", _flag_remark(tally))]]
    beside = max(cells(_what(each)) + (len(_NEWS) + 2) * _is_news(each, context) for each in listed)
    column = min(max(cells(_where(each)) for each in listed), max(20, context.width - beside - 6))
    for each in listed:
        found += _kill(each, column, context)
    left = tally.oom["killed"] - len(listed)
    return found + ([_more(left)] if left else [])


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
    first = [Piece(style, _INDENT + "* "), Piece("title", pad(_where(finding), column)),
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
        victim(evidence),
        flag,
        "%s times" % format(count, ",") if count > 1 else "",
        "removed since" if evidence.get("removed") else "",
    )
    return [first, [Piece("dim", _INDENT * 3 + " · ".join(part for part in parts if part))]]


def _what(finding: Finding) -> str:
    return "%s, %s" % (why(finding["evidence"]), outcome(finding["evidence"]))


def _is_news(finding: Finding, context: Context) -> bool:
    return context.has_previous and finding["state"] == "new"


def _when(value: Any, now: str) -> str:
    moment, current = parse_time(value), parse_time(now)
    if moment is None or current is None:
        return "time unknown"
    text = clock(value)
    if moment.date() == current.date():
        text = text.split(" ", 1)[1]
    return "%s, %s" % (text, ago(value, now))


def _where(finding: Finding) -> str:
    return "%s %s" % (shown(finding["host"], 60), _who(finding))


def _who(finding: Finding) -> str:
    user = "" if finding["user"] in (None, "root") else " (%s)" % shown(finding["user"], 40)
    return shown(finding["container"] or "", 60) + user


def _by_host(samples: list[Finding], with_summary: bool) -> list[str]:
    """The containers' names; of several of one host, the first one names it."""
    names, last = [], None
    for each in samples:
        name = _who(each) + (" " + each["summary"] if with_summary else "")
        names.append(name if each["host"] == last else "%s: %s" % (shown(each["host"], 60), name))
        last = each["host"]
    return names


# -- what is unprotected


def _unprotected(tally: Tally, context: Context) -> list[Line]:
    found = [_row(tally, rule, context) for rule in _LABELS if tally.rules[rule]]
    running = tally.containers["running"]
    if tally.unprotected:
        head = Piece("warn", "  %s of %s" % (format(tally.unprotected, ","), plural(running, "running container")))
    elif tally.hosts["total"] == tally.hosts["not_checked"]:
        head = Piece("warn", "  unknown")
    else:
        head = Piece("good", "  none of %s" % plural(running, "running container"))
    return [[Piece("title", "UNPROTECTED"), head], *found]


_LABELS = {
    "memory-limit-missing": "no memory limit",
    "memory-limit-out-of-bounds": "limit out of bounds",
    "oom-group-mismatch": "wrong memory.oom.group",
    "limit-not-persistent": "lost at next start",
    "limit-drift": "limit drifted",
    "host-overcommitted": "overcommitted",
    "cgroup-v1": "on cgroup v1",
    "waiver-expired": "past a waiver",
}
_OF_HOSTS = ("host-overcommitted", "cgroup-v1", "waiver-expired")
# The number is what matters here, not only which container.
_SAID = ("limit-drift", "limit-not-persistent", "memory-limit-out-of-bounds")
_LABEL = 22  # columns
_LEFT = 7 + _LABEL + 2  # columns before the names


def _row(tally: Tally, rule: str, context: Context) -> Line:
    """One rule: how many, and as many of them by name as there is room for."""
    group, count, stopped = tally.examples[rule], tally.rules[rule], tally.stopped[rule]
    samples = tally.samples.get(rule, [])
    label = _LABELS[rule]
    if rule in _OF_HOSTS:
        count = total = group.host_count
        label, names = plural(count, "host").split(" ")[1] + " " + label, list(group.hosts)
    else:
        names, total = _by_host(samples, with_summary=rule in _SAID), count - stopped
    if rule == "oom-group-mismatch" and group.example["evidence"].get("wanted"):
        label = "no memory.oom.group"
    remark = "" if not stopped else "all stopped" if not total else " (%s stopped)" % format(stopped, ",")
    rest = _names(names, total, context.width - _LEFT - cells(remark)) if total else ""
    return [Piece("warn" if total else "dim", "%6s " % format(count, ",")), Piece("plain", pad(label, _LABEL)),
            Piece("dim", "  " + rest + remark)]


def _names(names: list[str], total: int, width: int) -> str:
    """Return as many names as fit into a width, and how many more there are."""
    more = ", +%s more"
    room = width - len(more % format(total, ","))
    kept: list[str] = []
    for name in names:
        if kept and cells(", ".join([*kept, name])) > room:
            break
        kept.append(name)
    left = total - len(kept)
    text = ", ".join(kept)
    return clip(text, max(room, 12)) + more % format(left, ",") if left > 0 else clip(text, max(width, 12))


# -- what somebody has decided to live with


def _waived(tally: Tally) -> list[Line]:
    if not tally.waived:
        return []
    text = ", ".join("%s %s" % (format(count, ","), rule) for rule, count in tally.waived.most_common())
    return [[], [Piece("title", "WAIVED"), Piece("dim", "  " + text)]]


# -- what could not be checked


def _gaps(tally: Tally, context: Context, room: int) -> list[Line]:
    groups = sorted(tally.gaps.items(), key=lambda item: (_ORDER.get(item[0][0], 9), -item[1].host_count))
    if not groups:
        waived = tally.waived["evidence-missing"]
        return [[Piece("title", "NOT CHECKED"), Piece("warn", "  nothing that is not waived") if waived
                 else Piece("good", "  nothing")]]
    heads = []
    if tally.hosts["not_checked"]:
        heads.append(plural(tally.hosts["not_checked"], "host"))
    if tally.hosts["partial"]:
        heads.append("%s in part" % plural(tally.hosts["partial"], "host"))
    unknown = sum(group.count for key, group in groups if key[0] == "container")
    if unknown:
        heads.append("%s undecided" % plural(unknown, "container"))
    listed = groups if context.everything or len(groups) <= room else groups[: room - 1]
    found = [[Piece("title", "NOT CHECKED"), Piece("warn", "  " + ", ".join(heads))]]
    found += [_gap(key[0], group, context) for key, group in listed]
    left = len(groups) - len(listed)
    return found + ([_more(left, "reasons" if left > 1 else "reason")] if left else [])


_ORDER = {"host": 0, "privilege": 1, "source": 2, "container": 3}


def _gap(scope: str, group: Group, context: Context) -> Line:
    names = list(group.hosts)
    hosts = shown(names[0], 40) if group.host_count == 1 else plural(group.host_count, "host")
    evidence = group.example["evidence"]
    if scope == "host":
        kind = str(evidence["kind"]).replace("_", " ")
        text = _reason(kind, shown(evidence["message"]))
    elif scope == "container":
        text = "%s: %s" % (plural(group.count, "container"), group.example["summary"])
    else:
        user = group.example["user"] if scope == "source" else None
        text = group.example["summary"] + (" (user %s)" % shown(user) if user not in (None, "root") else "")
    others = ""
    if group.host_count > 1:
        some = ", ".join(shown(name, 40) for name in names[:3])
        others = "  (%s%s)" % (some, ", …" if group.host_count > 3 else "")
        text = clip(text, max(20, context.width - 22 - cells(others)))
    return [Piece("warn", _INDENT * 2 + pad(hosts, 16)), Piece("plain", "  " + text), Piece("dim", others)]


def _reason(kind: str, message: str) -> str:
    """The kind and Ansible's message, without saying the same twice and with the end that tells most."""
    text = message.replace("Failed to connect to the host via ssh: ", "").strip()
    if kind in ("failed", "earlier", "waiting", "become", "timeout", "bad facts") or text.lower().startswith(kind):
        return text  # says it already
    return "%s: %s" % (kind, text)


def _more(count: int, what: str = "") -> Line:
    text = "… and %s more" % format(count, ",")
    return [Piece("dim", _INDENT * 2 + text + (" " + what if what else ""))]
