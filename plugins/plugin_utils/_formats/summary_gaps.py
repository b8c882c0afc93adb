# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The summary's parts on what is unprotected, what is waived, what changed, and what could not be checked.

Pure.
"""

from __future__ import annotations

from .._model.finding import Finding
from .._model.quota import fair_share, finding_owner
from .._model.rules import RULES, Rule
from .._report.tally import Group, Tally
from .._terminal import INDENT, Line, Piece, more_line
from .._text import display_width, format_time, pad, plural, printable, truncate
from .summary_context import Context, describe_container

_MAX_ROWS = 6  # rules that make something unprotected
# The number is what matters here, not only which container.
_WITH_SUMMARY = ("limit-drift", "limit-not-persistent", "memory-limit-out-of-bounds")
_FIRST_NAMES = 6  # of a rule's containers, before one host has more than its share
_LABEL_WIDTH = 22
_NAMES_COLUMN = 7 + _LABEL_WIDTH + 2
_SCOPE_ORDER = {"host": 0, "privilege": 1, "source": 2, "container": 3}


def unprotected_lines(tally: Tally, context: Context) -> list[Line]:
    """Return the part on containers and hosts that lack some protection."""
    rows = [_rule_row(tally, rule, context) for rule in RULES.values() if rule.label and tally.rules[rule.id]]
    if len(rows) > _MAX_ROWS and not context.everything:
        rows = [*rows[: _MAX_ROWS - 1], more_line(len(rows) - _MAX_ROWS + 1, "kinds")]
    running = tally.containers["running"]
    if tally.unprotected:
        head = Piece("warn", "  %s of %s" % (format(tally.unprotected, ","), plural(running, "running container")))
    elif tally.hosts["total"] == tally.hosts["not_checked"]:
        head = Piece("warn", "  unknown")
    else:
        head = Piece("good", "  none of %s" % plural(running, "running container"))
    return [[Piece("title", "UNPROTECTED"), head], *rows]


def _rule_row(tally: Tally, rule: Rule, context: Context) -> Line:
    """One rule: how many, and as many of them by name as there is room for."""
    group, count, stopped, label = tally.examples[rule.id], tally.rules[rule.id], tally.stopped[rule.id], rule.label or ""
    if rule.about == "host":
        count = total = group.host_count
        label, names = ("host " if count == 1 else "hosts ") + label, group.hosts
    else:
        names, total = _container_names(tally.samples.get(rule.id, []), rule.id in _WITH_SUMMARY), count - stopped
    if rule.id == "oom-group-mismatch" and group.example["evidence"].get("wanted"):
        label = "no memory.oom.group"
    remark = "" if not stopped else "all stopped" if not total else " (%s stopped)" % format(stopped, ",")
    listed = _fitting_names(names, total, context.width - _NAMES_COLUMN - display_width(remark)) if total else ""
    return [Piece("warn" if total else "dim", "%6s " % format(count, ",")), Piece("plain", pad(label, _LABEL_WIDTH)),
            Piece("dim", "  " + listed + remark)]


def _fitting_names(names: list[str], total: int, width: int) -> str:
    """Return as many names as fit into a width, and how many more there are."""
    suffix = ", +%s more"
    room = width - len(suffix % format(total, ","))
    count = 1
    while count < len(names) and display_width(", ".join(names[: count + 1])) <= room:
        count += 1
    text, unlisted = ", ".join(names[:count]), total - min(count, len(names))
    return truncate(text, max(room, 12)) + suffix % format(unlisted, ",") if unlisted > 0 else truncate(text, max(width, 12))


def _container_names(findings: list[Finding], with_summary: bool) -> list[str]:
    """The containers' names; of several of one host, the first one names it."""
    # few of them fit into a line
    first = fair_share(findings, _FIRST_NAMES, finding_owner)
    shown = {id(finding) for finding in first}
    names, host = [], None
    for finding in first + [finding for finding in findings if id(finding) not in shown]:
        name = describe_container(finding) + (" " + finding["summary"] if with_summary else "")
        names.append(name if finding["host"] == host else "%s: %s" % (printable(finding["host"], 60), name))
        host = finding["host"]
    return names


def waived_lines(tally: Tally) -> list[Line]:
    """Return the part on findings that the policy waives."""
    if not tally.waived:
        return []
    text = ", ".join("%s %s" % (format(count, ","), rule) for rule, count in tally.waived.most_common())
    return [[Piece("title", "WAIVED"), Piece("dim", "  " + text)]]


def trend_lines(tally: Tally, context: Context) -> list[Line]:
    """Return the part on what changed since the report before."""
    if not context.has_previous:
        return []
    resolved = tally.resolved.total()
    text = "  %s new, %s open, %s resolved" % tuple(
        format(count, ",") for count in (tally.states["new"], tally.states["open"], resolved))
    since = ", since %s" % format_time(context.previous_at) if context.previous_at else ""
    return [[Piece("title", "TREND"), Piece("bad" if tally.states["new"] else "good" if resolved else "plain", text),
             Piece("dim", since)]]


def gap_lines(tally: Tally, context: Context, room: int) -> list[Line]:
    """Return the part on what could not be checked, in so many lines as there is room for."""
    groups = sorted(tally.gaps.items(), key=lambda item: (_SCOPE_ORDER.get(item[0][0], 9), -item[1].host_count))
    if not groups:
        waived = tally.waived["evidence-missing"]
        return [[Piece("title", "NOT CHECKED"), Piece("warn", "  nothing that is not waived") if waived
                 else Piece("good", "  nothing")]]
    counts = []
    if tally.hosts["not_checked"]:
        counts.append(plural(tally.hosts["not_checked"], "host"))
    if tally.hosts["partial"]:
        counts.append("%s in part" % plural(tally.hosts["partial"], "host"))
    undecided = sum(group.count for key, group in groups if key[0] == "container")
    if undecided:
        counts.append("%s undecided" % plural(undecided, "container"))
    listed = groups if context.everything or len(groups) <= room else fair_share(groups, room - 1, lambda item: item[1].owner())
    lines = [[Piece("title", "NOT CHECKED"), Piece("warn", "  " + ", ".join(counts))]]
    lines += [_gap(key[0], group, context) for key, group in listed]
    unlisted = len(groups) - len(listed)
    return lines + ([more_line(unlisted, "reasons" if unlisted > 1 else "reason")] if unlisted else [])


def _gap(scope: str, group: Group, context: Context) -> Line:
    hosts = printable(group.hosts[0], 40) if group.host_count == 1 else plural(group.host_count, "host")
    evidence = group.example["evidence"]
    if scope == "host":
        text = _reason(str(evidence.get("kind")).replace("_", " "), printable(evidence.get("message")))
    elif scope == "container":
        text = "%s: %s" % (plural(group.count, "container"), group.example["summary"])
    else:
        user = group.example["user"] if scope == "source" else None
        text = group.example["summary"] + (" (user %s)" % printable(user) if user not in (None, "root") else "")
    examples = ""
    if group.host_count > 1:
        examples = "  (%s%s)" % (", ".join(printable(host, 40) for host in group.hosts[:3]), ", …" if group.host_count > 3 else "")
        text = truncate(text, max(20, context.width - 22 - display_width(examples)))
    return [Piece("warn", INDENT * 2 + pad(hosts, 16)), Piece("plain", "  " + text), Piece("dim", examples)]


def _reason(kind: str, message: str) -> str:
    """The kind and Ansible's message, without saying the same twice and with the end that tells most."""
    text = message.replace("Failed to connect to the host via ssh: ", "").strip()
    if kind in ("failed", "earlier", "waiting", "become", "timeout", "bad facts") or text.lower().startswith(kind):
        return text  # says it already
    return "%s: %s" % (kind, text)
