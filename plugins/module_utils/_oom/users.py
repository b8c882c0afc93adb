# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask each user for the containers, in a process that is the user; who gives no answer costs the others nothing.

answer_user() runs in the user's process, everything else in the module's.
"""

import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from .._door.answer import clean_answer
from .._door.document import DoorError
from .._podman.cli import ListedContainer
from .._podman.inspect import Container
from .._podman.listing import PodmanAnswer, podman_info, query_containers, unanswered
from .._system.command import Identity
from .._system.host import Host
from .._system.times import SECOND
from .._system.users import User
from .._users.deadline import Deadline
from .._users.group import Reply, UserGroup
from .._users.owners import Owner
from .._users.process import UserProcessError
from .._users.storage import StorageError, find_storage
from .containers import read_next_starts

_LOOK = 10.0  # seconds to find the storage, which is a look into a few files
_NO_STORAGE = Reply(None, None)


class UserAnswer(NamedTuple):
    """What a user's own process says of the user's containers."""

    podman: PodmanAnswer
    info: Optional[Dict[str, Any]]  # the facts' `host.podman` by this user, None: not asked or not answered
    next_starts: Dict[str, Dict[str, Any]]  # by id, see read_next_starts()
    main_pids: Dict[str, int]  # by id: of the last run's main process, where Podman still has it


class UserProcesses:
    """The processes of all users; a context manager. It forks: enter it before there are threads.

    :param owners: who may have containers.
    :param request: {words, executable, timeout}: names and ids of containers, Podman, seconds for each command.
    :param seconds: for all of them.
    :param at_once: how many are asked side by side.
    """

    def __init__(self, owners: Sequence[Owner], request: Dict[str, Any], seconds: float, at_once: int) -> None:
        self.asked: List[Owner] = []  # by ask()
        self._owners = owners
        self._request = request
        self._at_once = at_once
        self._deadline = Deadline(seconds, len(owners), at_once)
        self._group = UserGroup([owner.identity for owner in owners], answer_user)

    def __enter__(self) -> "UserProcesses":
        self._group.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._group.__exit__(*exception)

    def ask(self, pool: ThreadPoolExecutor) -> "List[Future[UserAnswer]]":
        """Start asking everybody who has containers, or whose silence has to be said; return their Futures."""
        with ThreadPoolExecutor(self._at_once) as looking:
            storages = list(zip(self._owners, looking.map(self._find_storage, self._owners)))
        asked = [(owner, storage) for owner, storage in storages if storage != _NO_STORAGE or owner.named]
        self.asked = [owner for owner, _storage in asked]
        self._deadline.waiting = len(asked)
        # `podman info` takes as long as inspecting a hundred containers; one user's is enough
        able = next((owner for owner, storage in asked if storage.answer is not None and (owner.session or owner.identity.uid == 0)), None)
        return [pool.submit(self._ask, owner, storage, owner is able) for owner, storage in asked]

    def _find_storage(self, owner: Owner) -> Reply:
        """The path of the user's storage, None for none."""
        reply = self._ask_process(owner, min(_LOOK, self._deadline.share()), in_slice=False, storage=None)
        if reply.answer is not None and not isinstance(reply.answer, str):
            return Reply(None, "its answer is no path")
        return reply

    def _ask_process(self, owner: Owner, seconds: float, in_slice: bool, **more: Any) -> Reply:
        request = dict(self._request, identity=list(owner.identity), session=owner.session, **more)
        return self._group.ask_one(owner.identity.uid, request, seconds, in_slice=in_slice)

    def _ask(self, owner: Owner, storage: Reply, info: bool) -> UserAnswer:
        user = User(owner.identity, storage.answer, owner.session)
        reply = storage if storage.error is not None else self._ask_process(
            owner, self._deadline.share(), in_slice=True, storage=[storage.answer], info=info)
        try:
            if reply.error is not None:
                raise UserProcessError(reply.error)
            return _parse(reply.answer, user)
        except UserProcessError as exc:
            return UserAnswer(unanswered(user, self._request["words"], str(exc)), None, {}, {})


def answer_user(request: Dict[str, Any]) -> Any:
    """Handle a request in the user's process.

    :param request: {words, executable, timeout, identity, session, storage, info}; storage: None to be asked where it
        is, else [path] to be asked for the containers; info: whether also for `podman info`.
    """
    identity = Identity(*request["identity"])
    if request["storage"] is None:
        return _find_storage(identity, request["session"])
    executable, timeout = request["executable"], request["timeout"]
    user = User(identity, request["storage"][0], request["session"])
    with ThreadPoolExecutor(1) as pool:
        info = pool.submit(podman_info, user, executable, timeout) if request["info"] else None
        answer = query_containers(user, request["words"], executable, timeout)
        next_starts = read_next_starts(answer, timeout)
    host = Host()
    pids = {container.ident: host.main_pid(container.pidfile) for container in answer.containers if not container.running}
    return {
        "podman": dict(answer._asdict(), user=None, listed=[dict(entry._asdict()) for entry in answer.listed],
                       containers=[dict(container._asdict(), create_command=[]) for container in answer.containers]),
        "info": info.result() if info else None, "next_starts": next_starts,
        "main_pids": {ident: pid for ident, pid in pids.items() if pid},
    }


def _find_storage(identity: Identity, session: bool) -> Optional[str]:
    """Return find_storage().

    :raises StorageError: nothing can be said of the containers of somebody who is there and whose home directory is not.
    """
    storage = find_storage(identity)
    if storage is None and session and not os.path.isdir(identity.home):
        raise StorageError("%s is not there, so it is not known whether there are containers" % identity.home)
    return storage


def _parse(said: Any, user: User) -> UserAnswer:
    """Return the UserAnswer in what a user's process said, as far as it passes the door.

    :raises UserProcessError: it is no such answer.
    """
    try:
        answer = clean_answer(said, user.identity.name, int(time.time() * SECOND))
    except DoorError as exc:
        raise UserProcessError("its answer %s" % exc)
    podman = answer["podman"]
    return UserAnswer(
        PodmanAnswer(**dict(
            podman, user=user, listed=[ListedContainer(**entry) for entry in podman["listed"]],
            containers=[Container(**container) for container in podman["containers"]])),
        answer["info"], answer["next_starts"], answer["main_pids"])
