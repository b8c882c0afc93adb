# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Markdown summary for tickets and pull requests: the parts of the terminal's summary as short tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from .._model.finding import SEVERITIES, Finding, owner_suffix
from .._model.kill_text import describe_cause, describe_outcome
from .._model.quota import fair_share, finding_owner
from .._model.rules import RULES, rule_title
from .._report.tally import Group, Tally, most_stalled_first, nearest_first, worst_first
from .._text import format_time, plural, printable
from .renderer import Renderer

_MAX_ROWS = 20  # of each table: a comment on a pull request is not an archive
_SPECIAL = re.compile(r"([\\`*_\[\]#|~$])")


def markdown_text(value: object, max_chars: int = 200) -> str:
    """Return a value as Markdown that shows it and does nothing: no link, no markup, no HTML, no mention."""
    escaped = _SPECIAL.sub(r"\\\1", printable(value, max_chars).replace("&", "&amp;")).replace("<", "&lt;").replace(">", "&gt;")
    # a zero-width space keeps it from being a mention or an address that becomes a link
    return re.sub(r"(@|://|www\.)", r"\1&#8203;", escaped)


class Markdown(Renderer):
    """Short tables of what the tally has kept."""

    def finish(self) -> None:
        """Write everything."""
        self.stream.write("\n\n".join([*_counts(self.head, self.tally), *_parts(self.tally)]) + "\n")


def _counts(head: dict[str, Any], tally: Tally) -> list[str]:
    hosts, running = tally.hosts, tally.containers["running"]
    answered = hosts["total"] - hosts["not_checked"]
    by_severity = ", ".join(
        "%d %s" % (tally.severities[severity], severity) for severity in SEVERITIES if tally.severities[severity])
    rows = [
        ("Hosts checked", "%d of %d" % (answered, hosts["total"])),
        ("Containers", "%d, %d running" % (tally.containers["total"], running)),
        ("OOM kills", "%s hit, %d ended by it" % (plural(tally.oom["killed"], "container"), tally.oom["lethal"])),
        ("Near their limit", str(tally.rules["near-limit"])),
        ("Unprotected", "%d of %s" % (tally.unprotected, plural(running, "running container"))),
        ("Findings", by_severity or "none"),
    ]
    if tally.rules["memory-stalls"]:
        rows.insert(4, ("Memory stalls", str(tally.rules["memory-stalls"])))
    if head["run"].get("previous"):
        rows.append(("Since the last report", "%d new, %d resolved" % (tally.states["new"], tally.resolved.total())))
    if tally.waived:
        rows.append(("Waived", str(tally.waived.total())))
    return ["# Podman memory audit, %s" % format_time(head["generated_at"]), _table(("", ""), rows)]


def _parts(tally: Tally) -> list[str]:
    parts = [
        *_list("OOM kills", worst_first(tally.kills), tally.oom["killed"], _kill, ("container", "what happened", "when", "sure", "")),
        *_list("Near their limit", nearest_first(tally.near_limit), tally.rules["near-limit"], _summary, ("container", "how near", "")),
        *_list("Memory stalls", most_stalled_first(tally.stalls), tally.rules["memory-stalls"], _summary,
               ("container", "how much", "")),
    ]
    unprotected = [(rule_title(rule), str(count)) for rule, count in tally.rules.most_common()
                   if rule not in RULES or RULES[rule].label]
    if unprotected:
        parts += ["## Unprotected", _table(("finding", "how many"), unprotected)]
    gaps = [(plural(group.host_count, "host"), markdown_text(group.example["summary"]),
             ", ".join(markdown_text(host, 60) for host in group.hosts[:3]) + (", …" if group.host_count > 3 else ""))
            for group in fair_share(list(tally.gaps.values()), _MAX_ROWS, Group.owner)]
    if gaps:
        parts += ["## Not checked", _table(("where", "what", ""), gaps), *_more(len(tally.gaps) - len(gaps))]
    return parts + _list("Resolved", tally.resolved_findings, tally.resolved.total(), _resolved, ("container", "was", "since"))


def _list(title: str, findings: list[Finding], count: int, row: Callable[[Finding], tuple[str, ...]],
          head: tuple[str, ...]) -> list[str]:
    if not findings:
        return []
    listed = fair_share(findings, _MAX_ROWS, finding_owner)
    return ["## " + title, _table(head, [row(finding) for finding in listed]), *_more(count - len(listed))]


def _more(count: int) -> list[str]:
    return ["… and %d more" % count] if count > 0 else []


def _container(finding: Finding) -> str:
    return "**%s** %s%s" % (markdown_text(finding["host"], 60), markdown_text(finding["container"] or "", 60),
                            owner_suffix(finding["user"], markdown_text))


def _kill(finding: Finding) -> tuple[str, ...]:
    evidence = finding["evidence"]
    return (_container(finding), markdown_text("%s, %s" % (describe_cause(evidence), describe_outcome(evidence))),
            format_time(evidence.get("last_at")), markdown_text(evidence.get("confidence")), finding["state"])


def _summary(finding: Finding) -> tuple[str, ...]:
    return _container(finding), markdown_text(finding["summary"]), finding["state"]


def _resolved(finding: Finding) -> tuple[str, ...]:
    return (_container(finding), "%s: %s" % (markdown_text(rule_title(finding["rule"])), markdown_text(finding["summary"])),
            format_time(finding["first_seen"]))


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| %s |" % " | ".join(line) for line in lines)
