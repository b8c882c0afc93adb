# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much of one user's is looked at and told: who has thousands of containers takes nothing from the others.

Pure.
"""

import json
from collections import Counter
from typing import Any, Counter as CounterType, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, TypeVar

from .._door.facts import MAX_CONTAINERS, MAX_ERRORS, MAX_FACTS_SIZE, MAX_REMOVED
from .._recorder.quota import fair_shares
from .attribution import ContainerKey

_MAX_ROOT = 2000  # a host of continuous integration has some hundred a week
_MAX_USER = 500

_Item = TypeVar("_Item")


def newest_of_each(killed: Mapping[ContainerKey, int]) -> Tuple[List[ContainerKey], Dict[int, int]]:
    """Return (the containers with the newest kills of each user, {uid: number of those that are left out}).

    :param killed: time of the last kill of each container.
    """
    by_owner: Dict[int, List[ContainerKey]] = {}
    for key in sorted(killed, key=lambda key: killed[key], reverse=True):
        by_owner.setdefault(key[1], []).append(key)
    most = {owner: _MAX_USER if owner else _MAX_ROOT for owner in by_owner}
    kept = [key for owner, keys in by_owner.items() for key in keys[:most[owner]]]
    return kept, {owner: len(keys) - most[owner] for owner, keys in by_owner.items() if len(keys) > most[owner]}


def share_out_facts(facts: Dict[str, Any]) -> Dict[str, Any]:
    """Return the facts with the containers, removed ones and errors of each user that there is room for.

    Whose containers are left out has a source that is partial.
    """
    sources, errors = [dict(source) for source in facts["sources"]], list(facts["errors"])
    fitting = dict(facts, sources=sources)
    for key, what, most, size in (("containers", "containers", MAX_CONTAINERS, MAX_FACTS_SIZE // 2),
                                  ("removed", "removed containers", MAX_REMOVED, MAX_FACTS_SIZE // 4)):
        fitting[key], left_out = share_out(facts[key], most, size)
        for user, number in left_out.items():
            message = "too many or too large %s: %d of them are left out" % (what, number)
            errors.append({"source": "podman", "user": user, "message": message})
            for source in sources:
                if source["name"] == "podman" and source["user"] == user and source["status"] == "ok":
                    source.update(status="partial", detail=message)
    kept, left_out = share_out(errors, MAX_ERRORS // 2, MAX_FACTS_SIZE // 16)
    fitting["errors"] = [{"source": "podman", "user": user, "message": "%d more errors, which are left out" % number}
                         for user, number in left_out.items()] + kept
    return fitting


def share_out(entries: Sequence[Dict[str, Any]], most: int, size: int) -> Tuple[List[Dict[str, Any]], Dict[Optional[str], int]]:
    """Return (at most so many entries of one of the facts' lists, {user: number of those that are left out}).

    Who has few or small ones has all of them in it.

    :param entries: each with a `user`; size: bytes of all that are kept, as JSON.
    """
    sizes = [len(json.dumps(entry)) for entry in entries]
    counts: CounterType[Optional[str]] = Counter(entry["user"] for entry in entries)
    sums: CounterType[Optional[str]] = Counter()
    for entry, length in zip(entries, sizes):
        sums[entry["user"]] += length
    count_left, size_left = fair_shares(counts, most), fair_shares(sums, size)
    kept: List[Dict[str, Any]] = []
    left_out: CounterType[Optional[str]] = Counter()
    for entry, length in zip(entries, sizes):
        user = entry["user"]
        if count_left[user] > 0 and length <= size_left[user]:
            count_left[user] -= 1
            size_left[user] -= length
            kept.append(entry)
        else:
            left_out[user] += 1
    return kept, dict(left_out)


def parts(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    """Yield the items in parts of at most this size."""
    for begin in range(0, len(items), size):
        yield items[begin:begin + size]
