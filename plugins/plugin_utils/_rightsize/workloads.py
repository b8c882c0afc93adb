# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The workloads of a host as the facts tell them: days, kills, limit.

Pure. Facts come from hosts, and reports are files: what is not of its type is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .._model.container_facts import Facts, Setting, current_limit, is_infra, memory_usage
from .._model.container_key import ContainerKey, ContainerKeys
from .._text import parse_time
from .history import Day, Kill, Workload

_EPOCH = 719163  # 1970-01-01 as datetime's ordinal


class Known(NamedTuple):
    """A workload with its name."""

    key: ContainerKey
    limit: Setting
    workload: Workload


def day_number(text: object) -> int | None:
    """Return the day since 1970-01-01 of a date or time, None of anything else."""
    moment = parse_time(text)
    return moment.toordinal() - _EPOCH if moment else None


def workloads(facts: Facts, today: int) -> Iterator[Known]:
    """Yield the containers of a host that are there, with the kills of those that they replaced.

    :param today: whether one was killed may be unknown; then it may have been today.
    """
    containers = facts.get("containers") or []
    keys = ContainerKeys(facts)
    removed: dict[tuple[str, str], list[Kill]] = {}
    for one in facts.get("removed") or []:
        key = keys.lookup(one)
        removed.setdefault((key.user, key.stable_name), []).extend(_kills(one.get("oom") or {}, today))
    for container in containers:
        if is_infra(container):
            continue
        key, limit, usage = keys.lookup(container), current_limit(container), memory_usage(container)
        memory = container.get("memory") or {}
        kills = [*_kills(container.get("oom") or {}, today), *removed.get((key.user, key.stable_name), ())]
        pressure = usage.get("pressure_full_avg300")
        yield Known(key, limit, Workload(
            days=list(_days(memory.get("daily"))), kills=kills, limit=limit.value if limit.known else None,
            oom_events=_size((memory.get("events") or {}).get("oom")),
            pressure=pressure if isinstance(pressure, (int, float)) else None))


def _days(daily: object) -> Iterator[Day]:
    for entry in daily if isinstance(daily, list) else ():
        day = day_number(entry.get("day")) if isinstance(entry, dict) else None
        if day is not None:
            yield Day(day, _size(entry.get("working_set_max")), _size(entry.get("peak")), _size(entry.get("samples")) or 0)


def _kills(verdict: Facts, today: int) -> list[Kill]:
    """The kills of a verdict; of all but the last one the limit is not told."""
    if verdict.get("killed") is None:
        return [Kill(today, "unknown", None)]
    last, limit = verdict.get("last_at"), _size(verdict.get("scope_limit"))
    found = [Kill(day, str(entry.get("cause")), limit if entry.get("at") == last else None)
             for entry in verdict.get("history") or [] if isinstance(entry, dict) and (day := day_number(entry.get("at"))) is not None]
    day = day_number(last)
    if verdict["killed"] and day is not None and not any(kill.day == day for kill in found):
        found.append(Kill(day, str(verdict.get("cause")), limit))
    return found


def _size(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
