# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTML page's summary, as plain HTML: what was killed, what is near its limit, what is unprotected, what is not known.

Pure. All text goes through html_text(); there are no style attributes, which the page's policy forbids.
"""

from __future__ import annotations

import html
from typing import Any

from .._model.finding import Finding, owner_suffix
from .._model.kill_text import describe_cause, describe_outcome, describe_victim
from .._model.quota import fair_share, finding_owner
from .._model.rules import RULES, rule_title
from .._report.tally import Group, Tally, most_stalled_first, nearest_first, worst_first
from .._report.trend import series
from .._text import format_age, format_time, plural, printable

_MAX_KILLS, _MAX_NEAR, _MAX_GAPS = 6, 6, 8  # rows of the lists


def html_text(value: object, max_chars: int = 200) -> str:
    """Return a value as text of an HTML page."""
    return html.escape(printable(value, max_chars))


def page_body(head: dict[str, Any], tally: Tally) -> str:
    """Return everything between the page's head and its tables.

    :param head: what is in no array of the report.json.
    """
    return "".join([
        "<main>", _title(head, tally), _cards(head, tally),
        '<div class="columns"><div class="stack">', _kills(head, tally), _unprotected(tally),
        '</div><div class="stack">', _near_limit(tally), _stalls(tally), _gaps(tally), "</div></div>"])


def _title(head: dict[str, Any], tally: Tally) -> str:
    hosts, run = tally.hosts, head["run"]
    answered = hosts["total"] - hosts["not_checked"]
    limit = ", limited to %s" % html_text(run["limit"]) if run.get("limit") else ""
    return (
        '<header><div><p class="kind">Podman memory audit</p><h1>%s</h1></div><p class="about"><time datetime="%s">%s</time><br>'
        "%s of %s checked%s, %s</p></header>" % (
            _lead(head, tally), html_text(head["generated_at"]), format_time(head["generated_at"]), format(answered, ","),
            plural(hosts["total"], "host"), limit, plural(tally.containers["total"], "container")))


def _lead(head: dict[str, Any], tally: Tally) -> str:
    """The report in one sentence."""
    if tally.hosts["total"] == tally.hosts["not_checked"]:
        return "No host could be checked."
    parts = []
    new_kills = sum(finding["state"] == "new" for finding in tally.kills)
    if tally.kills and head["run"].get("previous"):
        parts.append("%s since the last report" % plural(new_kills, "new OOM kill") if new_kills else "No new OOM kill")
    elif tally.kills:
        parts.append("%s hit by OOM kills" % plural(tally.oom["killed"], "container"))
    else:
        parts.append("No OOM kill found")
    if tally.rules["near-limit"]:
        parts.append("%s near %s limit" % (plural(tally.rules["near-limit"], "container"),
                                           "its" if tally.rules["near-limit"] == 1 else "their"))
    if tally.unprotected:
        parts.append("%s unprotected" % format(tally.unprotected, ","))
    if tally.hosts["not_checked"]:
        parts.append("%s not checked" % plural(tally.hosts["not_checked"], "host"))
    return ", ".join(parts) + "."


# -- cards


def _cards(head: dict[str, Any], tally: Tally) -> str:
    running, hosts = tally.containers["running"], tally.hosts
    undecided = sum(group.count for key, group in tally.gaps.items() if key[0] == "container")
    unknown = hosts["not_checked"] + hosts["partial"]
    trend = head.get("trend") or []
    cards = [
        _card("OOM kills", tally.oom["killed"], "bad" if tally.oom["killed"] else _none_style(tally),
              "%s ended by it" % format(tally.oom["lethal"], ",") if tally.oom["killed"]
              else "none found" if _none_style(tally) == "good" else "none found where it could be checked",
              "oom-killed", _spark(trend, "killed", "OOM kills")),
        _card("Near their limit", tally.rules["near-limit"], "warn" if tally.rules["near-limit"] else _none_style(tally),
              "the next to be killed" if tally.rules["near-limit"] else "nothing found", "near-limit",
              _spark(trend, "near_limit", "containers near their limit")),
        _card("Unprotected", tally.unprotected, "warn" if tally.unprotected else _none_style(tally),
              "of %s" % plural(running, "running container"), "unprotected", _spark(trend, "unprotected", "unprotected containers")),
        _card("Not checked", unknown, "warn" if unknown or undecided else "good",
              ", ".join(part for part in (
                  plural(hosts["not_checked"], "host") if hosts["not_checked"] else "",
                  "%s in part" % plural(hosts["partial"], "host") if hosts["partial"] else "",
                  "%s undecided" % plural(undecided, "container") if undecided else "") if part) or "everything was",
              "evidence-missing", _spark(trend, "not_checked", "hosts that were not checked")),
        _card("Findings", tally.severities.total(), "plain", _change(head, tally), "", _spark(trend, "findings", "findings")),
    ]
    return '<section class="cards" aria-label="Summary">%s</section>' % "".join(cards)


def _none_style(tally: Tally) -> str:
    """good where "none" holds for all hosts, else warn."""
    return "warn" if tally.hosts["not_checked"] or tally.hosts["partial"] or tally.gaps else "good"


def _change(head: dict[str, Any], tally: Tally) -> str:
    if not head["run"].get("previous"):
        return "the first report"
    return "+%s new, −%s resolved" % (format(tally.states["new"], ","), format(tally.resolved.total(), ","))


def _card(title: str, count: int, style: str, note: str, shows: str, spark: str) -> str:
    return ('<a class="card %s" href="#explorer" data-show="%s"><span class="name">%s</span><span class="count">%s</span>'
            '<span class="note">%s</span>%s</a>' % (style, shows, title, format(count, ","), note, spark))


def _spark(trend: list[dict[str, Any]], key: str, what: str) -> str:
    """The numbers of the reports before as a line; nothing where there is only one."""
    values = series(trend, key) if trend else []
    if len(values) < 2:
        return ""
    highest = max(values) or 1
    step = 96 / (len(values) - 1)
    points = ["%.1f,%.1f" % (2 + step * index, 22 - 20 * value / highest) for index, value in enumerate(values)]
    return ('<svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label="%s in the last %s: %s">'
            '<polyline points="%s"/></svg>' % (what, plural(len(values), "report"), ", ".join(map(str, values)), " ".join(points)))


# -- lists


def _kills(head: dict[str, Any], tally: Tally) -> str:
    rows = []
    for finding in fair_share(worst_first(tally.kills), _MAX_KILLS, finding_owner):
        evidence = finding["evidence"]
        confidence, count, last_at = evidence.get("confidence"), evidence.get("count") or 1, evidence.get("last_at")
        is_new = finding["state"] == "new" and head["run"].get("previous")
        facts = (
            html_text("%s, %s" % (format_time(last_at), format_age(last_at, head["generated_at"]))) if last_at else "time unknown",
            html_text(confidence if confidence in ("certain", "likely") else "not sure"),
            html_text(describe_victim(evidence)),
            "%s times" % format(count, ",") if count > 1 else "")
        rows.append('<li>%s%s<p>%s</p><p class="small">%s</p></li>' % (
            _container(finding), '<span class="new">new</span>' if is_new else "",
            html_text("%s, %s" % (describe_cause(evidence), describe_outcome(evidence))),
            " · ".join(fact for fact in facts if fact)))
    none = "None found." if _none_style(tally) == "good" else "None found where it could be checked."
    return _section("OOM kills", rows, none, tally.oom["killed"] - len(rows), "oom-killed")


def _near_limit(tally: Tally) -> str:
    rows = ["<li>%s<p>%s</p>%s</li>" % (_container(finding), html_text(finding["summary"]), _bar(finding["evidence"].get("share")))
            for finding in fair_share(nearest_first(tally.near_limit), _MAX_NEAR, finding_owner)]
    none = "Nothing is near its limit." if _none_style(tally) == "good" else "Nothing found where it could be checked."
    return _section("Near their limit", rows, none, tally.rules["near-limit"] - len(rows), "near-limit")


def _stalls(tally: Tally) -> str:
    rows = ["<li>%s<p>%s</p></li>" % (_container(finding), html_text(finding["summary"]))
            for finding in fair_share(most_stalled_first(tally.stalls), _MAX_NEAR, finding_owner)]
    return _section("Memory stalls", rows, "", tally.rules["memory-stalls"] - len(rows), "memory-stalls") if rows else ""


def _bar(share: Any) -> str:
    if not isinstance(share, (int, float)):
        return ""
    return ('<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect width="100" height="4"/>'
            '<rect class="%s" width="%.1f" height="4"/></svg>' % ("bad" if share >= 0.9 else "warn", 100 * min(share, 1)))


def _unprotected(tally: Tally) -> str:
    rows = ['<li><button type="button" class="link" data-show="%s">%s</button> <span class="number">%s</span><p class="small">%s</p></li>'
            % (html_text(rule), html_text(rule_title(rule)), format(count, ","), html_text(RULES[rule].text if rule in RULES else ""))
            for rule, count in tally.rules.most_common() if rule not in RULES or RULES[rule].label]
    return _section("Unprotected", rows, "Nothing found.", 0, "unprotected")


def _gaps(tally: Tally) -> str:
    groups = sorted(tally.gaps.values(), key=lambda group: -group.host_count)
    rows = []
    for group in fair_share(groups, _MAX_GAPS, Group.owner):
        hosts = ", ".join(html_text(host, 60) for host in group.hosts[:3])
        hosts += " and %d more" % (group.host_count - 3) if group.host_count > 3 else ""
        rows.append("<li><strong>%s</strong><p>%s</p></li>" % (hosts, html_text(group.example["summary"], 300)))
    return _section("Not checked", rows, "Everything was checked.", len(groups) - len(rows), "evidence-missing")


def _section(title: str, rows: list[str], none: str, more: int, shows: str) -> str:
    button = '<p><button type="button" class="link" data-show="%s">and %s more</button></p>' % (
        shows, format(more, ",")) if more > 0 else ""
    content = "<ul>%s</ul>%s" % ("".join(rows), button) if rows else '<p class="none">%s</p>' % none
    return '<section class="panel"><h2>%s</h2>%s</section>' % (title, content)


def _container(finding: Finding) -> str:
    owner = owner_suffix(finding["user"], html_text, '<span class="user">%s</span>')
    return '<strong>%s</strong> <span class="host">%s</span>%s ' % (
        html_text(finding["container"] or "", 60), html_text(finding["host"], 60), owner)
