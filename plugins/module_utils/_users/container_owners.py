# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which users have container storage: each is asked in a process that is the user."""

from typing import Any, Dict, List, Sequence, Tuple

from .._system.command import Identity
from .group import UserGroup
from .owners import Owner, find_owners
from .storage import find_storage

_LOOK = 10  # seconds to find the storage, which is a look into a few files
_MAX_ANSWER = 16 * 1024  # bytes


def find_container_owners(names: Sequence[str]) -> Tuple[List[Owner], List[Dict[str, str]]]:
    """Return find_owners() without those who have no container storage, unless they are named.

    Who does not say so within seconds is taken for somebody who has.

    :raises UserError: there is not one user left.
    """
    owners, problems = find_owners(names)
    asked = [owner.identity for owner in owners if not owner.named]
    with UserGroup(asked, _answer) as group:
        replies = group.ask({identity.uid: list(identity) for identity in asked}, _LOOK, _MAX_ANSWER, in_slice=False)
    without = {uid for uid, reply in replies.items() if reply.error is None and reply.answer is None}
    return [owner for owner in owners if owner.identity.uid not in without], problems


def _answer(identity: Any) -> Any:
    return find_storage(Identity(*identity))
