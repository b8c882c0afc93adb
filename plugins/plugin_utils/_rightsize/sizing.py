# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recommendations for a report: its hosts are read twice, once for what the fleet did and once for each workload's number.

What one host or user says about a fleet's weeks is bounded, so that nobody's history decides about the others.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from .._report.report_file import Report, ReportError
from .._text import human_size, plural
from .estimate import Bounds, Recommendation, Why, recommend
from .history import Workload, is_cache, need_by_day
from .pool import Pool
from .prior import add_prior
from .together import HostFit, fit_host
from .workloads import Known, day_number, workloads

_MAX_OF_HOST, _MAX_OF_USER = 200, 100  # workloads of one host and of one user of it that tell about the fleet
_MAX_SHORT, _MAX_GIVERS = 200, 10  # hosts that are too small, and workloads of each of them that could give
_EPOCH = datetime.date(1970, 1, 1)


class Row(NamedTuple):
    """A workload of a report and its recommendation."""

    host: str
    known: Known
    found: Recommendation


class HostRow(NamedTuple):
    """A host whose limits don't fit into it if all recommendations are followed."""

    host: str
    fit: HostFit


class Sizing:
    """The recommendations for one report."""

    def __init__(self, report: Report, risk: float) -> None:
        """Read what the fleet did.

        :raises ReportError: the report cannot be read.
        """
        today = day_number(report.head["generated_at"])
        if today is None:
            raise ReportError("%s does not say when it was made" % report.path)
        self._report, self._today, self._bounds = report, today, Bounds(risk=risk)
        self._pool = Pool(today)
        self._short: list[HostRow] = []
        add_prior(self._pool)
        for _name, facts in self._hosts():
            of_user: Counter[str] = Counter()
            for number, known in enumerate(workloads(facts, today)):
                of_user[known.key.user] += 1
                if number < _MAX_OF_HOST and of_user[known.key.user] <= _MAX_OF_USER:
                    self._pool.add(_past(known.workload))

    def rows(self) -> Iterator[Row]:
        """Yield a row for each container of the report."""
        for name, facts in self._hosts():
            rows = [Row(name, known, self._recommend(known)) for known in workloads(facts, self._today)]
            yield from rows
            memory = (facts.get("host") or {}).get("memory_total")
            limits = {_label(row): limit for row in rows if (limit := _future_limit(row)) is not None}
            if isinstance(memory, int) and limits:
                fit = fit_host(memory, limits, {_label(row): row.found.need for row in rows if row.found.need is not None})
                if fit.short:
                    self._short.append(HostRow(name, fit._replace(could_give=fit.could_give[:_MAX_GIVERS])))
                    if len(self._short) > 2 * _MAX_SHORT:
                        self._short = self.short_hosts()

    def short_hosts(self) -> list[HostRow]:
        """Return the hosts of all rows so far whose limits don't fit into them, those that lack most first, at most 200."""
        return sorted(self._short, key=lambda row: -row.fit.short)[:_MAX_SHORT]

    def _recommend(self, known: Known) -> Recommendation:
        found = recommend(known.workload, self._pool, self._today, self._bounds)
        # what limit it has is not known: nothing can be said about a change
        return found if known.limit.known or found.limit is None else found._replace(action="unknown")

    def _hosts(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for _array, _place, entry in self._report.elements("hosts"):
            if entry.get("facts"):
                yield entry["name"], entry["facts"]


def row_values(row: Row) -> dict[str, Any]:
    """Return a row as it is in recommendations.json and in the module's result."""
    found, key = row.found, row.known.key
    return {
        "host": row.host, "user": key.user, "container": key.name, "unit": key.unit, "status": found.status, "action": found.action,
        "limit": row.known.limit.value, "limit_known": row.known.limit.known, "recommended": found.limit, "risk": _rounded(found.risk),
        "present_risk": _rounded(found.present_risk), "need": found.need, "reaches_limit": day_text(found.reaches_limit),
        "why": {**found.why._asdict(), "first_day": day_text(found.why.first_day), "last_day": day_text(found.why.last_day),
                "spread": _rounded(found.why.spread), "ratio": _rounded(found.why.ratio), "weeks": round(found.why.weeks),
                "text": why_text(found)},
        "curve": [{"limit": point.limit, "risk": _rounded(point.risk)} for point in found.curve],
    }


def why_text(found: Recommendation) -> str:
    """Return in words how a number came about, or why there is none."""
    why = found.why
    if found.status == "insufficient_data":
        return "its peaks are known of %s: 3 days before today are needed, and weeks of workloads like it" % plural(why.days, "day")
    if found.status == "leak_suspected" and found.reaches_limit is not None:
        return "it grows steadily and reaches its limit on %s: more memory only delays that" % day_text(found.reaches_limit)
    if found.status == "leak_suspected":
        return "three kills in 14 days, each at a higher limit of its own: more memory only delays the next one"
    without = ", without page cache" if why.without_peak else ""
    parts = ["needs %s (largest of %s%s)" % (human_size(found.need), plural(why.days, "day"), without)]
    if why.ratio is not None:
        parts.append("× %.2f for a risk of %.1f %% a week, by what %.0f weeks of workloads that vary like it did" % (
            why.ratio, 100 * why.asked_risk, why.weeks))
    parts += _exceptions(why)
    parts.append("KRR %s, VPA %s" % (human_size(why.krr), human_size(why.vpa)))
    return "; ".join(parts)


def _exceptions(why: Why) -> list[str]:
    texts = []
    if why.raised_from is not None:
        texts.append("raised because it was killed at its limit of %s" % human_size(why.raised_from))
    if why.other_kills:
        texts.append("%s not by its own limit, or not known whose, and raises nothing" % plural(why.other_kills, "kill was", "kills were"))
    return texts


def day_text(day: int | None) -> str | None:
    """Return a day as "2026-11-30"."""
    return None if day is None else (_EPOCH + datetime.timedelta(days=day)).isoformat()


def _past(workload: Workload) -> dict[int, int]:
    return need_by_day(workload, is_cache(workload, workload.days, workload.kills))


def _future_limit(row: Row) -> int | None:
    """The limit that it has when the recommendations are followed."""
    return row.found.limit if row.found.action in ("set", "raise", "lower") else row.known.limit.value


def _label(row: Row) -> str:
    return "%s/%s" % (row.known.key.user, row.known.key.stable_name)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
