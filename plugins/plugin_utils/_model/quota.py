# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of many a bounded list shows: no host, and no user of a host, crowds out the others.

Pure. How many findings, lines or reasons there are of a host is up to that host.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")
Owner = tuple[Hashable, Hashable]  # host and user


def host_quota(most: int) -> int:
    """Return how many places of a list are a host's before it competes with others for what is left of them."""
    return max(1, min(3, most - 1), most // 5)


def fair_share(items: Sequence[Item], most: int, owner: Callable[[Item], Owner]) -> list[Item]:
    """Return at most so many, in their order: first of all what is within the quotas, then what comes first.

    Half of a host's quota is that of one of its users.

    :param items: in the order of their importance.
    """
    if len(items) <= most:
        return list(items)
    per_host = host_quota(most)
    per_user = (per_host + 1) // 2
    hosts: Counter[Hashable] = Counter()
    users: Counter[Owner] = Counter()
    within, beyond = [], []
    for index, item in enumerate(items):
        host, user = owner(item)
        if hosts[host] < per_host and users[host, user] < per_user:
            hosts[host] += 1
            users[host, user] += 1
            within.append(index)
        else:
            beyond.append(index)
    return [items[index] for index in sorted((within + beyond)[:max(0, most)])]


def finding_owner(finding: dict[str, Any]) -> Owner:
    """Return (host, user) of a finding."""
    return finding["host"], finding["user"]
