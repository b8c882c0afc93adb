# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""A Markdown summary for tickets and pull requests: the first screen's parts as short tables.

Written when all is counted; what it lists is what the tally has kept.
"""

from __future__ import annotations

import re
from typing import Any, TextIO

from .._model import rules as _told
from .._model.finding import SEVERITIES, Finding, owner_suffix
from .._model.kill_text import describe_cause, describe_outcome
from .._report.tally import Tally, nearest_first, worst_first
from .._text import format_time, plural, printable

_ROWS = 20  # of each table: a comment on a pull request is no archive
_SPECIAL = re.compile(r"([\\`*_\[\]#|~$])")


def text(value: object, longest: int = 200) -> str:
    """Return a value as Markdown that shows it and does nothing: no link, no markup, no HTML, no mention."""
    escaped = _SPECIAL.sub(r"\\\1", printable(value, longest).replace("&", "&amp;")).replace("<", "&lt;").replace(">", "&gt;")
    # a zero-width space keeps it from being a mention or an address that becomes a link
    return re.sub(r"(@|://|www\.)", r"\1&#8203;", escaped)


class Markdown:
    """See Renderer in _render.py."""

    def __init__(self, stream: TextIO, head: dict[str, Any], tally: Tally) -> None:
        """Only keep what `finish` writes."""
        self._stream, self._head, self._tally = stream, head, tally

    def host(self, entry: dict[str, Any], findings: list[Finding]) -> None:
        """All of it is in the tally."""

    def resolved(self, each: dict[str, Any]) -> None:
        """All of it is in the tally."""

    def finish(self) -> None:
        """Write everything."""
        self._stream.write("\n\n".join([*_counts(self._head, self._tally), *_parts(self._head, self._tally)]) + "\n")


def _counts(head: dict[str, Any], tally: Tally) -> list[str]:
    hosts, running = tally.hosts, tally.containers["running"]
    answered = hosts["total"] - hosts["not_checked"]
    by_severity = ", ".join("%d %s" % (tally.severities[each], each) for each in SEVERITIES if tally.severities[each])
    rows = [
        ("Hosts checked", "%d of %d" % (answered, hosts["total"])),
        ("Containers", "%d, %d running" % (tally.containers["total"], running)),
        ("OOM kills", "%s hit, %d ended by it" % (plural(tally.oom["killed"], "container"), tally.oom["lethal"])),
        ("Near their limit", str(tally.rules["near-limit"])),
        ("Unprotected", "%d of %s" % (tally.unprotected, plural(running, "running container"))),
        ("Findings", by_severity or "none"),
    ]
    if head["run"].get("previous"):
        rows.append(("Since the last report", "%d new, %d resolved" % (tally.states["new"], tally.resolved.total())))
    if tally.waived:
        rows.append(("Waived", str(tally.waived.total())))
    return ["# Podman memory audit, %s" % format_time(head["generated_at"]), _table(("", ""), rows)]


def _parts(head: dict[str, Any], tally: Tally) -> list[str]:
    parts = [
        *_list("OOM kills", worst_first(tally.kills), tally.oom["killed"], _kill, ("container", "what happened", "when", "sure", "")),
        *_list("Near their limit", nearest_first(tally.risks), tally.rules["near-limit"], _plain, ("container", "how near", "")),
    ]
    unprotected = [(_told.rule_title(rule), str(count)) for rule, count in tally.rules.most_common()
                   if rule not in _told.RULES or _told.RULES[rule].label]
    if unprotected:
        parts += ["## What is unprotected", _table(("finding", "how many"), unprotected)]
    gaps = [(plural(group.host_count, "host"), text(group.example["summary"]),
             ", ".join(text(name, 60) for name in list(group.hosts)[:3]) + (", …" if group.host_count > 3 else ""))
            for group in list(tally.gaps.values())[:_ROWS]]
    if gaps:
        parts += ["## What could not be checked", _table(("where", "what", ""), gaps), *_more(len(tally.gaps) - len(gaps))]
    if tally.gone:
        parts += _list("Resolved", tally.gone, tally.resolved.total(), _gone, ("container", "was", "since"))
    return parts


def _list(title: str, found: list[Any], count: int, made: Any, head: tuple[str, ...]) -> list[str]:
    if not found:
        return []
    listed = found[:_ROWS]
    return ["## " + title, _table(head, [made(each) for each in listed]), *_more(count - len(listed))]


def _more(left: int) -> list[str]:
    return ["… and %d more" % left] if left > 0 else []


def _who(finding: Finding) -> str:
    user = owner_suffix(finding["user"], text)
    return "**%s** %s%s" % (text(finding["host"], 60), text(finding["container"] or "", 60), user)


def _kill(finding: Finding) -> tuple[str, ...]:
    evidence = finding["evidence"]
    return (_who(finding), text("%s, %s" % (describe_cause(evidence), describe_outcome(evidence))),
            format_time(evidence.get("last_at")), text(evidence.get("confidence")), finding["state"])


def _plain(finding: Finding) -> tuple[str, ...]:
    return _who(finding), text(finding["summary"]), finding["state"]


def _gone(each: dict[str, Any]) -> tuple[str, ...]:
    return _who(each), "%s: %s" % (_told.rule_title(each["rule"]), text(each["summary"])), format_time(each["first_seen"])


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| %s |" % " | ".join(line) for line in lines)
