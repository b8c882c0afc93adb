# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many killed containers of one user are looked at: who makes thousands of them takes nothing from the others.

Pure.
"""

from typing import Dict, Iterator, List, Mapping, Sequence, Tuple, TypeVar

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


def parts(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    """Yield the items in parts of at most this size."""
    for begin in range(0, len(items), size):
        yield items[begin:begin + size]
