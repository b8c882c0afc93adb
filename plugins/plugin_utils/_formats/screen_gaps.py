# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""The first screen's parts on what is unprotected, what is waived, what changed, and what could not be checked.

Pure.
"""

from __future__ import annotations

from .._model.finding import Finding, owner_suffix
from .._model.rules import RULES, Rule
from .._report.tally import Group, Tally
from .._terminal import INDENT, Line, Piece, more_line
from .._text import display_width, format_time, pad, plural, printable, truncate
from .screen_context import Context, who

_ROWS = 6  # kinds of what is unprotected


def unprotected(tally: Tally, context: Context) -> list[Line]:
    """Return the part on containers and hosts that something is missing of."""
    found = [_row(tally, rule, context) for rule in RULES.values() if rule.label and tally.rules[rule.id]]
    if len(found) > _ROWS and not context.everything:
        found = [*found[: _ROWS - 1], more_line(len(found) - _ROWS + 1, "kinds")]
    running = tally.containers["running"]
    if tally.unprotected:
        head = Piece("warn", "  %s of %s" % (format(tally.unprotected, ","), plural(running, "running container")))
    elif tally.hosts["total"] == tally.hosts["not_checked"]:
        head = Piece("warn", "  unknown")
    else:
        head = Piece("good", "  none of %s" % plural(running, "running container"))
    return [[Piece("title", "UNPROTECTED"), head], *found]


# The number is what matters here, not only which container.
_SAID = ("limit-drift", "limit-not-persistent", "memory-limit-out-of-bounds")
_LABEL = 22  # columns
_LEFT = 7 + _LABEL + 2  # columns before the names


def _row(tally: Tally, about: Rule, context: Context) -> Line:
    """One rule: how many, and as many of them by name as there is room for."""
    rule, label = about.id, about.label or ""
    group, count, stopped = tally.examples[rule], tally.rules[rule], tally.stopped[rule]
    samples = tally.samples.get(rule, [])
    if about.about == "host":
        count = total = group.host_count
        label, names = plural(count, "host").split(" ")[1] + " " + label, list(group.hosts)
    else:
        names, total = _by_host(samples, with_summary=rule in _SAID), count - stopped
    if rule == "oom-group-mismatch" and group.example["evidence"].get("wanted"):
        label = "no memory.oom.group"
    remark = "" if not stopped else "all stopped" if not total else " (%s stopped)" % format(stopped, ",")
    rest = _names(names, total, context.width - _LEFT - display_width(remark)) if total else ""
    return [Piece("warn" if total else "dim", "%6s " % format(count, ",")), Piece("plain", pad(label, _LABEL)),
            Piece("dim", "  " + rest + remark)]


def _names(names: list[str], total: int, width: int) -> str:
    """Return as many names as fit into a width, and how many more there are."""
    suffix = ", +%s more"
    room = width - len(suffix % format(total, ","))
    kept: list[str] = []
    for name in names:
        if kept and display_width(", ".join([*kept, name])) > room:
            break
        kept.append(name)
    left = total - len(kept)
    text = ", ".join(kept)
    return truncate(text, max(room, 12)) + suffix % format(left, ",") if left > 0 else truncate(text, max(width, 12))


def _by_host(samples: list[Finding], with_summary: bool) -> list[str]:
    """The containers' names; of several of one host, the first one names it."""
    names, last = [], None
    for each in samples:
        name = who(each) + (" " + each["summary"] if with_summary else "")
        names.append(name if each["host"] == last else "%s: %s" % (printable(each["host"], 60), name))
        last = each["host"]
    return names


def waived(tally: Tally) -> list[Line]:
    """Return the part on what somebody has decided to live with."""
    if not tally.waived:
        return []
    text = ", ".join("%s %s" % (format(count, ","), rule) for rule, count in tally.waived.most_common())
    return [[Piece("title", "WAIVED"), Piece("dim", "  " + text)]]


def trend(tally: Tally, context: Context) -> list[Line]:
    """Return the part on what changed since the report before."""
    if not context.has_previous:
        return []
    gone = tally.resolved.total()
    text = "  %s new, %s open, %s resolved" % tuple(
        format(count, ",") for count in (tally.states["new"], tally.states["open"], gone))
    since = ", since %s" % format_time(context.previous_at) if context.previous_at else ""
    return [[Piece("title", "TREND"), Piece("bad" if tally.states["new"] else "good" if gone else "plain", text),
             Piece("dim", since)]]


def gaps(tally: Tally, context: Context, room: int) -> list[Line]:
    """Return the part on what could not be checked, in so many lines as there is room for."""
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
    return found + ([more_line(left, "reasons" if left > 1 else "reason")] if left else [])


_ORDER = {"host": 0, "privilege": 1, "source": 2, "container": 3}


def _gap(scope: str, group: Group, context: Context) -> Line:
    names = list(group.hosts)
    hosts = printable(names[0], 40) if group.host_count == 1 else plural(group.host_count, "host")
    evidence = group.example["evidence"]
    if scope == "host":
        kind = str(evidence["kind"]).replace("_", " ")
        text = _reason(kind, printable(evidence["message"]))
    elif scope == "container":
        text = "%s: %s" % (plural(group.count, "container"), group.example["summary"])
    else:
        user = group.example["user"] if scope == "source" else None
        text = group.example["summary"] + owner_suffix(user, template=" (user %s)")
    others = ""
    if group.host_count > 1:
        some = ", ".join(printable(name, 40) for name in names[:3])
        others = "  (%s%s)" % (some, ", …" if group.host_count > 3 else "")
        text = truncate(text, max(20, context.width - 22 - display_width(others)))
    return [Piece("warn", INDENT * 2 + pad(hosts, 16)), Piece("plain", "  " + text), Piece("dim", others)]


def _reason(kind: str, message: str) -> str:
    """The kind and Ansible's message, without saying the same twice and with the end that tells most."""
    text = message.replace("Failed to connect to the host via ssh: ", "").strip()
    if kind in ("failed", "earlier", "waiting", "become", "timeout", "bad facts") or text.lower().startswith(kind):
        return text  # says it already
    return "%s: %s" % (kind, text)
