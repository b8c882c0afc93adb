# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the recorder knows, as metrics. Pure.

Names: Prometheus' conventions (base units, _total for counters, one _info to join with); the words of
prometheus-podman-exporter and cAdvisor where they mean the same. `id` has Podman's 12 digits.
What users call their containers is cleaned, and each user has a limited number of series: node_exporter refuses the whole
file when one of them is there twice.
"""

from collections import Counter
from typing import Callable, Collection, Counter as CounterType, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from .._system.prometheus import Family, Number, Sample as Series
from .._system.times import SECOND
from .quota import NOBODY, allowed
from .record import printable
from .sampler import Sample

METRICS_FILE = "podman_oom_recorder.prom"

_CONTAINER = "podman_oom_container_"
_RECORDER = "podman_oom_recorder_"
_SCOPES = ("container", "nested", "ancestor", "host", "cpuset", "oomd")
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


# OOM kills by (uid, name, unit, scope): (number, time of the last in microseconds).
Kills = Dict[Tuple[int, str, str, str], Tuple[int, int]]


class LeftOut(NamedTuple):
    """What is missing because of a limit, by the owner's uid."""

    cgroups: Mapping[int, int]  # without a sample, at least
    rows: Mapping[int, int]  # of the history, dropped for its size since it began; NOBODY: messages that name no cgroup
    unread: Collection[int]  # who wrote more into the journal than was read


def metric_families(containers: Sequence[RunningContainer], kills: Kills, run: Run, left_out: LeftOut,
                    user_name: Callable[[int], str]) -> List[Family]:
    """Return all of the recorder's metrics.

    :param user_name: returns the name of a uid.
    """
    labelled = _Labels(user_name)
    unique: Dict[Tuple[Tuple[str, str], ...], RunningContainer] = {}
    for container in containers:
        unique.setdefault(tuple(labelled.identity(container)), container)
    named = list(unique.values())
    about_kills, without_series = _about_kills(named, kills, labelled)
    return _about_containers(named, labelled) + about_kills + _about_the_run(len(containers), run) + [
        Family(_RECORDER + "left_out_cgroups", "gauge", "Cgroups without a sample because their owner has too many, at least.",
               labelled.by_user(left_out.cgroups)),
        Family(_RECORDER + "left_out_kill_series", "gauge", "Names whose OOM kills have no metric because the user has too many.",
               labelled.by_user(without_series)),
        Family(_RECORDER + "dropped_rows_total", "counter", "Rows of the history dropped because it was full, by whose they were.",
               labelled.by_user(left_out.rows)),
        Family(_RECORDER + "left_out_journal", "gauge", "Users of whom not all was read because they write too much into the journal: 1.",
               labelled.by_user(dict.fromkeys(left_out.unread, 1))),
    ]


class _Labels:
    """Labels of metrics, of names that users chose."""

    def __init__(self, user_name: Callable[[int], str]) -> None:
        self._user_name = user_name
        self._users: Dict[int, str] = {}

    def user(self, uid: int) -> str:
        if uid not in self._users:
            self._users[uid] = "" if uid == NOBODY else printable(self._user_name(uid))
        return self._users[uid]

    def identity(self, container: RunningContainer) -> List[Tuple[str, str]]:
        return [("id", container.sample.ident[:12]), ("name", printable(container.name)), ("user", self.user(container.sample.uid))]

    def by_user(self, numbers: Mapping[int, int]) -> List[Series]:
        return [([("user", self.user(uid))], number) for uid, number in sorted(numbers.items())]


def _about_containers(containers: Sequence[RunningContainer], labelled: _Labels) -> List[Family]:
    def family(name: str, kind: str, words: str, value: Callable[[Sample], Optional[Number]]) -> Family:
        values = [(labelled.identity(container), value(container.sample)) for container in containers]
        return Family(_CONTAINER + name, kind, words, [(labels, number) for labels, number in values if number is not None])

    return [
        Family(_CONTAINER + "info", "gauge", "A running container, always 1.",
               [(labelled.identity(container) + [("unit", printable(container.unit)), ("image", printable(container.image or ""))],
                 1) for container in containers]),
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


def _about_kills(containers: Sequence[RunningContainer], kills: Kills, labelled: _Labels) -> Tuple[List[Family], Dict[int, int]]:
    """Return (the metrics of kills, {uid: names that have none because the user has too many}).

    Counters are by user, name and unit, not by id: a container that is recreated goes on counting.
    One that runs has them from the start, so that the first kill is an increase. It goes before those that are gone, and
    the latest kills before earlier ones.
    """
    totals: CounterType[Tuple[int, str, str, str]] = Counter()
    last: Dict[Tuple[int, str, str], int] = {}
    for (uid, name, unit, scope), (count, at) in kills.items():
        key = (uid, printable(name), printable(unit))
        totals[key + (scope,)] += count
        last[key] = max(at, last.get(key, 0))
    running = {(each.sample.uid, printable(each.name), printable(each.unit)) for each in containers}
    kept, without = _within_limits(running, last)
    return [
        Family(_CONTAINER + "oom_kills_total", "counter",
               "OOM kills in containers of this name, by whose limit it was: container, nested (a cgroup "
               "inside it), ancestor, host, cpuset (some NUMA nodes), or systemd-oomd (oomd).",
               [([("name", name), ("user", labelled.user(uid)), ("unit", unit), ("scope", scope)], totals[(uid, name, unit, scope)])
                for uid, name, unit in kept for scope in _SCOPES
                if (uid, name, unit) in running or (uid, name, unit, scope) in totals]),
        Family(_CONTAINER + "last_oom_timestamp_seconds", "gauge", "When the last OOM kill in a container of this name was.",
               [([("name", name), ("user", labelled.user(uid)), ("unit", unit)], last[(uid, name, unit)] / SECOND)
                for uid, name, unit in kept if (uid, name, unit) in last]),
    ], without


def _within_limits(running: Set[Tuple[int, str, str]], last: Dict[Tuple[int, str, str], int],
                   ) -> Tuple[List[Tuple[int, str, str]], Dict[int, int]]:
    """Return ((uid, name, unit) that have metrics, {uid: how many have none})."""
    by_uid: Dict[int, List[Tuple[int, str, str]]] = {}
    for key in sorted(running.union(last), key=lambda key: (key not in running, -last.get(key, 0), key)):
        by_uid.setdefault(key[0], []).append(key)
    shares = allowed({uid: len(keys) for uid, keys in by_uid.items()})
    kept = sorted(key for uid, keys in by_uid.items() for key in keys[:shares[uid]])
    return kept, {uid: len(keys) - shares[uid] for uid, keys in by_uid.items() if len(keys) > shares[uid]}


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
