# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The processes of several users, asked side by side: what one of them does costs the others nothing."""

import os
import resource
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

from .._system.command import Identity
from .process import MAX_ANSWER, Handler, UserProcess, UserProcessError

_AT_ONCE = 4  # users
_DESCRIPTORS_EACH = 2  # in root's process
_DESCRIPTORS_LEFT = 128  # for all else that root does meanwhile


class Reply(NamedTuple):
    """What a user's process answered."""

    answer: Any  # a JSON value
    error: Optional[str]  # why there is no answer


class UserGroup:
    """A context manager. It forks: enter it before there are threads.

    :param identities: of the users; only root can have processes of others.
    :param handler: see UserProcess.
    """

    def __init__(self, identities: Sequence[Identity], handler: Handler) -> None:
        self._identities = identities
        self._handler = handler
        self._stack = ExitStack()
        self._processes: Dict[int, Union[UserProcess, UserProcessError]] = {}  # by uid

    def __enter__(self) -> "UserGroup":
        room = _room_for_processes(len(self._identities))
        for identity in self._identities:
            if len(self._processes) >= room and identity.uid != os.geteuid():
                self._processes[identity.uid] = UserProcessError(
                    "no process of %s can be started: this one may open files for %d users only (ulimit -n)" % (identity.name, room))
                continue
            try:
                self._processes[identity.uid] = self._stack.enter_context(UserProcess(identity, self._handler))
            except UserProcessError as exc:
                self._processes[identity.uid] = exc
        return self

    def __exit__(self, *_exception: Any) -> None:
        self._stack.close()

    def ask(self, requests: Dict[int, Any], seconds: float, max_answer: int = MAX_ANSWER, in_slice: bool = True) -> Dict[int, Reply]:
        """Ask some of the users; return the replies by uid.

        :param requests: JSON values by uid.
        :param seconds: for each user; see UserProcess.ask() for the others.
        """
        uids: List[int] = list(requests)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return dict(zip(uids, pool.map(lambda uid: self.ask_one(uid, requests[uid], seconds, max_answer, in_slice), uids)))

    def ask_one(self, uid: int, request: Any, seconds: float, max_answer: int = MAX_ANSWER, in_slice: bool = True) -> Reply:
        """Ask one user; see UserProcess.ask(). Why a process has ended is the answer to all later requests."""
        process = self._processes[uid]
        if isinstance(process, UserProcessError):
            return Reply(None, str(process))
        try:
            return Reply(process.ask(request, seconds, max_answer, in_slice), None)
        except UserProcessError as exc:
            if process.ended:
                self._processes[uid] = exc
            return Reply(None, str(exc))


def _room_for_processes(wanted: int) -> int:
    """Return how many processes there are descriptors for; raise the soft limit of descriptors if it needs that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    needed = wanted * _DESCRIPTORS_EACH + _DESCRIPTORS_LEFT
    enough = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if enough > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))
        soft = enough
    return max(0, soft - _DESCRIPTORS_LEFT) // _DESCRIPTORS_EACH
