# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""The HTML page's first screen, as plain HTML: what happened, what comes next, what is not known.

Pure. All text goes through `safe`; there are no style attributes, which the page's policy forbids.
"""

from __future__ import annotations

import html
from typing import Any

from .._model import rules as _told
from .._model.finding import Finding, owner_suffix
from .._model.kill_text import describe_cause, describe_outcome, describe_victim
from .._report import trend as _trend
from .._report.tally import Tally, nearest_first, worst_first
from .._text import format_age, format_time, plural, printable

_KILLS, _RISKS, _GAPS = 6, 6, 8


def safe(value: object, longest: int = 200) -> str:
    """Return a value as text of an HTML page."""
    return html.escape(printable(value, longest))


def body(head: dict[str, Any], tally: Tally) -> str:
    """Return everything between the page's head and its tables."""
    return "".join([
        "<main>", _title(head, tally), _cards(head, tally), '<div class="columns"><div class="stack">', _killed(head, tally),
        _unprotected(tally), '</div><div class="stack">', _next(tally), _gaps(tally), "</div></div>"])


def _title(head: dict[str, Any], tally: Tally) -> str:
    hosts, run = tally.hosts, head["run"]
    answered = hosts["total"] - hosts["not_checked"]
    limit = ", limited to %s" % safe(run["limit"]) if run.get("limit") else ""
    return (
        '<header><div><p class="kind">Podman memory audit</p><h1>%s</h1></div><p class="about"><time datetime="%s">%s</time><br>'
        "%s of %s checked%s, %s</p></header>" % (
            _lead(head, tally), safe(head["generated_at"]), format_time(head["generated_at"]), format(answered, ","),
            plural(hosts["total"], "host"), limit, plural(tally.containers["total"], "container")))


def _lead(head: dict[str, Any], tally: Tally) -> str:
    """The report in one sentence."""
    if tally.hosts["total"] == tally.hosts["not_checked"]:
        return "No host could be checked."
    said = []
    news = sum(each["state"] == "new" for each in tally.kills)
    if tally.kills and head["run"].get("previous"):
        said.append("%s since the last report" % plural(news, "new OOM kill") if news else "No new OOM kill")
    elif tally.kills:
        said.append("%s hit by OOM kills" % plural(tally.oom["killed"], "container"))
    else:
        said.append("No OOM kill found")
    if tally.rules["near-limit"]:
        said.append("%s near %s limit" % (plural(tally.rules["near-limit"], "container"),
                                          "its" if tally.rules["near-limit"] == 1 else "their"))
    if tally.unprotected:
        said.append("%s unprotected" % format(tally.unprotected, ","))
    if tally.hosts["not_checked"]:
        said.append("%s not checked" % plural(tally.hosts["not_checked"], "host"))
    return ", ".join(said) + "."


# -- cards


def _cards(head: dict[str, Any], tally: Tally) -> str:
    running, hosts = tally.containers["running"], tally.hosts
    undecided = sum(group.count for key, group in tally.gaps.items() if key[0] == "container")
    unknown = hosts["not_checked"] + hosts["partial"]
    trend = head.get("trend") or []
    cards = [
        _card("OOM kills", tally.oom["killed"], "bad" if tally.oom["killed"] else _sure(tally),
              "%s ended by it" % format(tally.oom["lethal"], ",") if tally.oom["killed"]
              else "none found" if _sure(tally) == "good" else "none found where it could be checked",
              "oom-killed", _spark(trend, "killed", "OOM kills")),
        _card("Near their limit", tally.rules["near-limit"], "warn" if tally.rules["near-limit"] else _sure(tally),
              "these die next" if tally.rules["near-limit"] else "nothing found", "near-limit",
              _spark(trend, "near_limit", "containers near their limit")),
        _card("Unprotected", tally.unprotected, "warn" if tally.unprotected else _sure(tally),
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


def _sure(tally: Tally) -> str:
    """Whether "none" can be believed."""
    return "warn" if tally.hosts["not_checked"] or tally.hosts["partial"] or tally.gaps else "good"


def _change(head: dict[str, Any], tally: Tally) -> str:
    if not head["run"].get("previous"):
        return "the first report"
    return "+%s new, −%s resolved" % (format(tally.states["new"], ","), format(tally.resolved.total(), ","))


def _card(title: str, count: int, kind: str, note: str, shows: str, spark: str) -> str:
    return ('<a class="card %s" href="#explorer" data-show="%s"><span class="name">%s</span><span class="count">%s</span>'
            '<span class="note">%s</span>%s</a>' % (kind, shows, title, format(count, ","), note, spark))


def _spark(trend: list[dict[str, Any]], key: str, what: str) -> str:
    """The numbers of the reports before as a line; nothing where there is only one."""
    values = _trend.series(trend, key) if trend else []
    if len(values) < 2:
        return ""
    most = max(values) or 1
    step = 96 / (len(values) - 1)
    points = ["%.1f,%.1f" % (2 + step * number, 22 - 20 * value / most) for number, value in enumerate(values)]
    return ('<svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label="%s in the last %s: %s">'
            '<polyline points="%s"/></svg>' % (what, plural(len(values), "report"), ", ".join(map(str, values)), " ".join(points)))


# -- lists


def _killed(head: dict[str, Any], tally: Tally) -> str:
    found = worst_first(tally.kills)
    rows = []
    for each in found[:_KILLS]:
        evidence = each["evidence"]
        sure = evidence.get("confidence")
        rows.append('<li>%s%s<p>%s</p><p class="small">%s</p></li>' % (
            _who(each), '<span class="new">new</span>' if each["state"] == "new" and head["run"].get("previous") else "",
            safe("%s, %s" % (describe_cause(evidence), describe_outcome(evidence))),
            " · ".join(part for part in (
                safe("%s, %s" % (format_time(evidence.get("last_at")), format_age(evidence.get("last_at"), head["generated_at"])))
                if evidence.get("last_at") else "time unknown",
                safe(sure if sure in ("certain", "likely") else "not sure"), safe(describe_victim(evidence)),
                "%s times" % format(evidence.get("count") or 1, ",") if (evidence.get("count") or 1) > 1 else "") if part)))
    none = "None found." if _sure(tally) == "good" else "None found where it could be checked."
    return _section("What was killed", rows, none, tally.oom["killed"] - len(rows), "oom-killed")


def _next(tally: Tally) -> str:
    rows = []
    for each in nearest_first(tally.risks)[:_RISKS]:
        share = each["evidence"].get("share")
        rows.append("<li>%s<p>%s</p>%s</li>" % (_who(each), safe(each["summary"]), _bar(share)))
    none = "Nothing is near its limit." if _sure(tally) == "good" else "Nothing found where it could be checked."
    return _section("What dies next", rows, none, tally.rules["near-limit"] - len(rows), "near-limit")


def _bar(share: Any) -> str:
    if not isinstance(share, (int, float)):
        return ""
    return ('<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect width="100" height="4"/>'
            '<rect class="%s" width="%.1f" height="4"/></svg>' % ("bad" if share >= 0.9 else "warn", 100 * min(share, 1)))


def _unprotected(tally: Tally) -> str:
    rows = ['<li><button type="button" class="link" data-show="%s">%s</button> <span class="number">%s</span><p class="small">%s</p></li>'
            % (rule, _told.rule_title(rule), format(count, ","), safe(_told.RULES[rule].text if rule in _told.RULES else ""))
            for rule, count in tally.rules.most_common() if rule not in _told.RULES or _told.RULES[rule].label]
    return _section("What is unprotected", rows, "Nothing found.", 0, "unprotected")


def _gaps(tally: Tally) -> str:
    groups = sorted(tally.gaps.values(), key=lambda group: -group.host_count)
    rows = []
    for group in groups[:_GAPS]:
        names = list(group.hosts)
        hosts = ", ".join(safe(name, 60) for name in names[:3]) + (" and %d more" % (group.host_count - 3) if group.host_count > 3 else "")
        rows.append("<li><strong>%s</strong><p>%s</p></li>" % (hosts, safe(group.example["summary"], 300)))
    return _section("What could not be checked", rows, "Everything could be.", len(groups) - len(rows), "evidence-missing")


def _section(title: str, rows: list[str], none: str, left: int, shows: str) -> str:
    more = '<p><button type="button" class="link" data-show="%s">and %s more</button></p>' % (shows, format(left, ",")) if left > 0 else ""
    inside = "<ul>%s</ul>%s" % ("".join(rows), more) if rows else '<p class="none">%s</p>' % none
    return '<section class="panel"><h2>%s</h2>%s</section>' % (title, inside)


def _who(each: Finding) -> str:
    user = owner_suffix(each["user"], safe, '<span class="user">%s</span>')
    return '<strong>%s</strong> <span class="host">%s</span>%s ' % (
        safe(each["container"] or "", 60), safe(each["host"], 60), user)
