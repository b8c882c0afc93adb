# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Traces of memory in use (recorded/README.md), and what right-sizing's shipped prior is made of."""

import gzip
import math
from typing import NamedTuple

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.pool import samples
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.prior import PriorGroup
from bench import BenchError

DAY = 86400  # seconds; 288 samples
_SAMPLES = 288
_WINDOWS = (3, 5, 8, 14)  # days of history that the prior tells about
_KNOWN = 0.75  # of a window's days, at least
_SPREADS = (0.1, 0.3, 0.6, 1.2, math.inf)  # upper ends of the groups of the prior
_QUANTILES = 40


class Trace(NamedTuple):
    """One machine."""

    name: str
    first: int  # day
    last: int
    peaks: dict  # {day: bytes} of the days with a sample


def read_traces(path):
    """Return the machines of a file.

    :raises BenchError: it is no such file.
    """
    traces = []
    try:
        with (gzip.open if str(path).endswith(".gz") else open)(path, "rt", encoding="ascii") as stream:
            for line in stream:
                if not line.startswith("#"):
                    traces.append(_trace(line.rstrip("\n")))
    except (OSError, ValueError) as error:
        raise BenchError(f"{path} is no file of traces: {error}") from error
    return traces


def _trace(line):
    name, _provisioned, began, kib = line.split(",")
    values = [int(value) if value else None for value in kib.split(" ")]
    first = round(int(began) / DAY)
    days = range(len(values) // _SAMPLES)
    parts = [[value for value in values[day * _SAMPLES:(day + 1) * _SAMPLES] if value is not None] for day in days]
    return Trace(name, first, first + len(days) - 1, {first + day: 1024 * max(part) for day, part in zip(days, parts) if part})


def fit_prior(traces):
    """Return the groups of _rightsize/prior.py for these machines: what followed windows of some lengths, by variation."""
    groups = []
    for days in _WINDOWS:
        seen = [sample for trace in traces for sample in samples(trace.peaks, trace.last + 1, days) if sample.shape.days >= _KNOWN * days]
        for low, high in zip((0.0, *_SPREADS), _SPREADS):
            some = [sample for sample in seen if low <= sample.shape.spread < high]
            if some:
                excesses = sorted(sample.excess for sample in some)
                groups.append(PriorGroup(
                    round(sum(sample.shape.spread for sample in some) / len(some), 2), days, round(len(some) / 7, 1),
                    tuple(round(excesses[int((step + 0.5) / _QUANTILES * len(excesses))], 2) for step in range(_QUANTILES))))
    return groups
