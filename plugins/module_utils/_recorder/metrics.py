# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the recorder knows, as metrics. Pure.

Names: Prometheus' conventions (base units, _total for counters, one _info to join with); the words of
prometheus-podman-exporter and cAdvisor where they mean the same. `id` has Podman's 12 digits.
"""

from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from .._system.prometheus import Family, Number
from .._system.times import SECOND
from .sampler import Sample

METRICS_FILE = "podman_oom_recorder.prom"

_CONTAINER = "podman_oom_container_"
_RECORDER = "podman_oom_recorder_"
_SCOPES = ("container", "ancestor", "host", "oomd")
_EVENTS = {
    "low": "Reclaims below memory.low",
    "high": "Times over memory.high",
    "max": "Times the limit was about to be exceeded",
    "oom": "Times the limit was hit and reclaim failed",
    "oom_kill": "Processes killed by any OOM killer",
    "oom_group_kill": "Times all processes were killed together",
}
_USAGE = {
    "working_set": "Memory in use less inactive page cache.",
    "anon": "Anonymous memory.",
    "peak": "The most memory of this run, page cache included.",
    "swap": "Swap in use.",
}


class RunningContainer(NamedTuple):
    """A running container and what it is called by."""

    name: str
    user: str
    unit: str  # "": none
    image: Optional[str]
    sample: Sample


class Run(NamedTuple):
    """One run of the recorder."""

    version: str  # of the collection
    succeeded_at: float  # when one last succeeded, seconds since the epoch; 0: never
    duration: float  # seconds
    errors: int  # sources that could not be read
    complete_since: float  # seconds since the epoch
    history_bytes: int


# OOM kills by (user, name, unit, scope): (number, time of the last in microseconds).
Kills = Dict[Tuple[str, str, str, str], Tuple[int, int]]


def metric_families(containers: Sequence[RunningContainer], kills: Kills, run: Run) -> List[Family]:
    """Return all of the recorder's metrics."""
    return _about_containers(containers) + _about_kills(containers, kills) + _about_the_run(len(containers), run)


def _identity(container: RunningContainer) -> List[Tuple[str, str]]:
    return [("id", container.sample.ident[:12]), ("name", container.name), ("user", container.user)]


def _about_containers(containers: Sequence[RunningContainer]) -> List[Family]:
    def family(name: str, kind: str, words: str, value: Callable[[Sample], Optional[Number]]) -> Family:
        values = [(_identity(container), value(container.sample)) for container in containers]
        return Family(_CONTAINER + name, kind, words, [(labels, number) for labels, number in values if number is not None])

    return [
        Family(_CONTAINER + "info", "gauge", "A running container, always 1.",
               [(_identity(container) + [("unit", container.unit), ("image", container.image or "")], 1)
                for container in containers]),
        family("memory_limited", "gauge", "Whether a memory limit is enforced, its own or one above it.",
               lambda sample: int(sample.limits["limit"] is not None)),
        family("memory_limit_bytes", "gauge", "The lowest memory limit that the kernel enforces; not there when there is none.",
               lambda sample: sample.limits["limit"]),
        family("oom_group_enabled", "gauge", "Whether memory.oom.group kills all processes together.",
               lambda sample: None if sample.limits["oom_group"] is None else int(sample.limits["oom_group"])),
    ] + [
        family("memory_%s_bytes" % key, "gauge", words, lambda sample, key=key: sample.usage[key])  # type: ignore[misc]
        for key, words in _USAGE.items()
    ] + [
        family("memory_events_%s_total" % key, "counter", words + ", in this run.",
               lambda sample, key=key: (sample.events or {}).get(key))  # type: ignore[misc]
        for key, words in _EVENTS.items()
    ]


def _about_kills(containers: Sequence[RunningContainer], kills: Kills) -> List[Family]:
    """Counters by user, name and unit, not by id: a container that is recreated goes on counting.

    One that runs has them from the start, so that the first kill is an increase.
    """
    totals = {(container.user, container.name, container.unit, scope): 0 for container in containers for scope in _SCOPES}
    last: Dict[Tuple[str, str, str], int] = {}
    for key, (count, at) in kills.items():
        totals[key] = count
        last[key[:3]] = max(at, last.get(key[:3], 0))
    return [
        Family(_CONTAINER + "oom_kills_total", "counter",
               "OOM kills in containers of this name, by whose limit it was: container, ancestor, host, or systemd-oomd (oomd).",
               [([("name", name), ("user", user), ("unit", unit), ("scope", scope)], count)
                for (user, name, unit, scope), count in sorted(totals.items())]),
        Family(_CONTAINER + "last_oom_timestamp_seconds", "gauge", "When the last OOM kill in a container of this name was.",
               [([("name", name), ("user", user), ("unit", unit)], at / SECOND)
                for (user, name, unit), at in sorted(last.items())]),
    ]


def _about_the_run(containers: int, run: Run) -> List[Family]:
    gauges: List[Tuple[str, str, Number]] = [
        ("last_success_timestamp_seconds", "When the recorder last ran to its end.", run.succeeded_at),
        ("duration_seconds", "How long that took.", run.duration),
        ("containers", "Running containers that it found.", containers),
        ("errors", "Sources that it could not read completely.", run.errors),
        ("history_bytes", "Size of its history.", run.history_bytes),
        ("complete_since_timestamp_seconds", "Since when its history lacks no kill.", run.complete_since),
    ]
    info = Family(_RECORDER + "info", "gauge", "The recorder of podman_fleet.memory, always 1.", [([("version", run.version)], 1)])
    return [info] + [Family(_RECORDER + name, "gauge", words, [([], value)]) for name, words, value in gauges]
