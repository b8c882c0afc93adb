# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Right-sizing walked forward over traces of memory: share of weeks with a kill, and limits over peaks, beside its peers.

Each week of each machine is decided on 14 days of daily peaks, with what was known of all machines before that day, and with
a prior that is made, as the shipped one, of the other half of the machines (every second one), over all their three months:
never of the machine itself or of its half. `prior=none` is without it, `fleet=none` with nothing else; weeks of machines that
vary like none that is known get no number there and are left out. Limits are as they are before they are rounded up to 16 MiB.

A week counts if it has a sample, and has a kill if one of its days goes over the limit. limits_over_peaks is the sum of all
limits over the sum of all weeks' peaks. `risk` is the same for all machines; `mean_risk` is shared so that it takes the least
memory. For `as_good_as` the mean risk is chosen afterwards, as the factors of the peers were.
"""

import functools
import textwrap
from pathlib import Path
from typing import NamedTuple

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.estimate import raise_after_kill, risk_limit
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.history import WINDOW
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.peers import krr, vpa_target, vpa_upper
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.pool import HORIZON, Pool, shape_of
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.prior import add_prior
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.together import CurvePoint, share_risk
from bench import BenchError, Row
from bench._traces import fit_prior, read_traces

_TRACES = Path(__file__).parent / "recorded" / "memory-traces.csv.gz"
_RISKS = (0.05, 0.10, 0.20)
_MEANS = tuple(step / 200 for step in range(4, 61))
_HALVES = 2
_NEAR = 0.025


class Week(NamedTuple):
    """One machine's week that is decided."""

    trace: int  # its number
    day: int  # on which it begins
    needs: dict  # {day: bytes} of the window
    older: list  # peaks of up to 28 days, oldest first
    peaks: list  # of the week's days with a sample


class Figures(NamedTuple):
    """What limits for all weeks would have done."""

    observed: float  # share of weeks with a kill
    over: float  # limits over peaks
    weeks: int
    kill_days: int

    def text(self):
        """As the lines have it."""
        return f"observed={self.observed:.3f} limits_over_peaks={self.over:.3f} weeks={self.weeks} kill_days={self.kill_days}"


def add_arguments(parser):
    """What the part takes."""
    parser.add_argument("--traces", type=Path, default=_TRACES, help="a file as recorded/README.md says (default: that one)")
    parser.add_argument("--prior", action="store_true", help="print the numbers of _rightsize/prior.py for these traces, and no figures")


def main(options):
    """Print a line for each way to decide; rows for what has a target."""
    traces = read_traces(options.traces)
    if options.prior:
        for group in fit_prior(traces):
            numbers = textwrap.fill(", ".join(map(str, group.excesses)), 110, initial_indent=" " * 8, subsequent_indent=" " * 8)
            print(f"    PriorGroup(spread={group.spread}, days={group.days}, weeks={group.weeks}, excesses=(\n{numbers})),")
        return []
    weeks = list(_weeks(traces))
    peers = {
        "krr": lambda week: krr(list(week.needs.values())),
        "vpa_target": lambda week: vpa_target(list(week.needs.values())),
        "vpa_upper": lambda week: vpa_upper(list(week.needs.values())),
        "max14x1.3": lambda week: 1.3 * max(week.needs.values()),
        "max28x1.15": lambda week: 1.15 * max(week.older),
        "max28x1.3": lambda week: 1.3 * max(week.older),
    }
    found = {name: _figures(weeks, list(map(decide, weeks))) for name, decide in peers.items()}
    rows = _even(traces, weeks)
    rows += _shared(traces, weeks, found)
    rows.append(_fed_back(traces, weeks, found["krr"]))
    for name, figures in found.items():
        print(f"{name} {figures.text()}", flush=True)
    return rows


def _weeks(traces):
    for number, trace in enumerate(traces):
        for day in range(trace.first + WINDOW, trace.last - HORIZON + 2, HORIZON):
            older = {past: trace.peaks[past] for past in range(day - 2 * WINDOW, day) if past in trace.peaks}
            needs = {past: peak for past, peak in older.items() if past >= day - WINDOW}
            peaks = [trace.peaks[later] for later in range(day, day + HORIZON) if later in trace.peaks]
            if needs and peaks:
                yield Week(number, day, needs, list(older.values()), peaks)


def _figures(weeks, limits):
    kills = [[peak > limit for peak in week.peaks] for week, limit in zip(weeks, limits)]
    return Figures(sum(map(any, kills)) / len(weeks), sum(limits) / sum(max(week.peaks) for week in weeks), len(weeks),
                   sum(map(sum, kills)))


def _pools(traces, with_fleet=True, with_prior=True):
    """A function: the pool with which a week is decided."""
    halves = [[trace for number, trace in enumerate(traces) if number % _HALVES == half] for half in range(_HALVES)]
    priors = [fit_prior(halves[1 - half]) for half in range(_HALVES)]

    @functools.cache
    def pool(day, half):
        made = Pool(day)
        for trace in traces if with_fleet else ():
            made.add({past: peak for past, peak in trace.peaks.items() if past < day})
        if with_prior:
            add_prior(made, priors[half])
        return made
    return lambda week: pool(week.day, week.trace % _HALVES)


def _limit(pool, week, risk):
    return risk_limit(pool, shape_of(week.needs), max(week.needs.values()), risk)


def _curve(pool, week):
    least = pool.least_risk(shape_of(week.needs))
    points = [(_limit(pool, week, risk), risk) for risk in sorted({max(risk, least) for risk in _MEANS}, reverse=True)]
    if points[0][0] is None:
        raise BenchError("nothing is known of workloads that vary like one of these: a mean of all has no meaning")
    return [CurvePoint(limit, risk) for limit, risk in points]


def _even(traces, weeks):
    """The same risk for all."""
    rows = []
    for words, pools in (("", _pools(traces)), (" prior=none", _pools(traces, with_prior=False)),
                         (" fleet=none", _pools(traces, with_fleet=False))):
        for risk in _RISKS:
            limits = [_limit(pools(week), week, risk) for week in weeks]
            decided = [number for number, limit in enumerate(limits) if limit is not None]
            figures = _figures([weeks[number] for number in decided], [limits[number] for number in decided])
            print(f"ours risk={risk:.2f}{words} {figures.text()}", flush=True)
            if not words:
                rows.append(Row(f"right-sizing, risk {risk:.2f}", f"{figures.observed:.3f} of {figures.weeks} weeks", "",
                                f"limits {figures.over:.2f} of peaks", f"within {_NEAR}", abs(figures.observed - risk) <= _NEAR))
    return rows


def _shared(traces, weeks, peers):
    """The same mean risk for less memory: figures for the risks, and for the mean risk that does as well as a peer."""
    pools = _pools(traces)
    curves = [_curve(pools(week), week) for week in weeks]
    found = {}
    for mean in _MEANS:
        limits = [0] * len(weeks)
        for day in {week.day for week in weeks}:
            those = [number for number, week in enumerate(weeks) if week.day == day]
            for number, point in zip(those, share_risk([curves[number] for number in those], mean)):
                limits[number] = point.limit
        found[mean] = _figures(weeks, limits)
        if mean in _RISKS:
            print(f"ours mean_risk={mean:.2f} {found[mean].text()}", flush=True)
    rows = []
    for name in ("krr", "max28x1.15"):
        peer = peers[name]
        mean = min((mean for mean in _MEANS if found[mean].observed <= peer.observed), key=lambda mean: found[mean].over, default=_MEANS[0])
        print(f"ours as_good_as={name} mean_risk={mean:.3f} {found[mean].text()}", flush=True)
        rows.append(Row(f"right-sizing, kills as {name}", f"limits {found[mean].over:.2f} of peaks", f"{name} {peer.over:.2f}",
                        f"{found[mean].observed:.3f} of weeks, {name} {peer.observed:.3f}", "≤ its", found[mean].over <= peer.over))
    return rows


def _fed_back(traces, weeks, peer):
    """Kills raise limits at once and are history later: what a killed machine would have used that day is not seen."""
    for mean in (step / 100 for step in range(6, 31, 2)):
        figures = _lived(traces, weeks, mean)
        if figures.over <= peer.over:
            break
    print(f"ours fed_back=yes mean_risk={mean:.2f} {figures.text()}", flush=True)
    return Row("right-sizing, kills fed back", f"{figures.kill_days} days with a kill", f"krr {peer.kill_days}",
               f"limits {figures.over:.2f} of peaks, krr {peer.over:.2f}", "half of its, for no more memory",
               2 * figures.kill_days <= peer.kill_days and figures.over <= peer.over)


def _lived(traces, weeks, mean):
    """Figures of a life with the limits; a day counts as the part of a week that it is."""
    priors = [fit_prior([trace for number, trace in enumerate(traces) if number % _HALVES != half]) for half in range(_HALVES)]
    seen = [{day: peak for day, peak in trace.peaks.items() if day < trace.first + WINDOW} for trace in traces]
    kills = [{} for _trace in traces]
    killed, over, memory, peaks = 0, 0, 0.0, 0.0
    for day in sorted({week.day for week in weeks}):
        pools = []
        for prior in priors:
            pools.append(Pool(day))
            for known in seen:
                pools[-1].add(known)
            add_prior(pools[-1], prior)
        those = [week._replace(needs={past: seen[week.trace][past] for past in week.needs}) for week in weeks if week.day == day]
        points = share_risk([_curve(pools[week.trace % _HALVES], week) for week in those], mean)
        for week, point in zip(those, points):
            recent = [raise_after_kill(limit) for past, limit in kills[week.trace].items() if past >= day - WINDOW]
            limit, before = max([point.limit, *recent]), killed
            for later in range(day, day + HORIZON):
                peak = traces[week.trace].peaks.get(later)
                if peak is not None:
                    memory, peaks = memory + limit, peaks + max(week.peaks)
                    seen[week.trace][later] = min(peak, limit)
                    if peak > limit:
                        killed, kills[week.trace][later], limit = killed + 1, limit, raise_after_kill(limit)
            over += killed > before
    return Figures(over / len(weeks), memory / peaks, len(weeks), killed)
