# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask each user for the containers, in a process that is the user; who gives no answer costs the others nothing.

answer_user() runs in the user's process, everything else in the module's.
"""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

from .._door.answer import clean_answer
from .._door.document import DoorError
from .._podman.cli import ListedContainer
from .._podman.inspect import Container
from .._podman.listing import PodmanAnswer, podman_info, query_containers, unanswered
from .._system.command import Identity
from .._system.host import Host
from .._system.times import SECOND
from .._system.users import User
from .._users.owners import Owner
from .._users.process import UserProcess, UserProcessError
from .._users.storage import find_storage
from .containers import read_next_starts

_LOOK = 10.0  # seconds to find the storage, which is a look into a few files


class UserAnswer(NamedTuple):
    """What a user's own process says of the user's containers."""

    podman: PodmanAnswer
    info: Optional[Dict[str, Any]]  # the facts' `host.podman` by this user, None: not asked or not answered
    next_starts: Dict[str, Dict[str, Any]]  # by id, see read_next_starts()
    main_pids: Dict[str, int]  # by id: of the last run's main process, where Podman still has it


class Deadline:
    """The time that is left for a host, shared out among its users.

    :param seconds: for all of them.
    :param users: how many.
    :param at_once: how many are asked side by side.
    """

    def __init__(self, seconds: float, users: int, at_once: int) -> None:
        self._end = time.monotonic() + seconds
        self.waiting = users  # that have not had their share
        self._at_once = at_once
        self._lock = threading.Lock()

    def share(self) -> float:
        """Return the seconds for the next user: so that all that wait have as much."""
        with self._lock:
            left = max(0.0, self._end - time.monotonic())
            share = left * min(1.0, self._at_once / max(1, self.waiting))
            self.waiting -= 1
        return share


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
        self._stack = ExitStack()
        self._processes: List[Union[UserProcess, UserProcessError]] = []
        self._storages: List[Union[Optional[str], UserProcessError]] = []

    def __enter__(self) -> "UserProcesses":
        for owner in self._owners:
            try:
                self._processes.append(self._stack.enter_context(UserProcess(owner.identity, answer_user)))
            except UserProcessError as exc:
                self._processes.append(exc)
        return self

    def __exit__(self, *_exception: Any) -> None:
        self._stack.close()

    def ask(self, pool: ThreadPoolExecutor) -> "List[Future[UserAnswer]]":
        """Start asking everybody who has containers, or whose silence has to be said; return their Futures."""
        with ThreadPoolExecutor(self._at_once) as looking:
            self._storages = list(looking.map(self._find_storage, range(len(self._owners))))
        able = [index for index, owner in enumerate(self._owners)
                if isinstance(self._storages[index], str) and (owner.session or owner.identity.uid == 0)]
        asked = [index for index, owner in enumerate(self._owners) if self._storages[index] is not None or owner.named]
        self.asked = [self._owners[index] for index in asked]
        self._deadline.waiting = len(asked)
        # `podman info` takes as long as inspecting a hundred containers; one user's is enough
        return [pool.submit(self._ask, index, index in able[:1]) for index in asked]

    def _find_storage(self, index: int) -> Union[Optional[str], UserProcessError]:
        try:
            said = self._process(index).ask(self._about(index, storage=None), min(_LOOK, self._deadline.share()), in_slice=False)
        except UserProcessError as exc:
            return exc
        return said if said is None or isinstance(said, str) else UserProcessError("its answer is no path")

    def _process(self, index: int) -> UserProcess:
        process = self._processes[index]
        if isinstance(process, UserProcessError):
            raise process
        return process

    def _about(self, index: int, **more: Any) -> Dict[str, Any]:
        owner = self._owners[index]
        return dict(self._request, identity=list(owner.identity), session=owner.session, **more)

    def _ask(self, index: int, info: bool) -> UserAnswer:
        owner, storage = self._owners[index], self._storages[index]
        user = User(owner.identity, None, owner.session)
        try:
            if isinstance(storage, UserProcessError):
                raise storage
            user = user._replace(storage=storage)
            said = self._process(index).ask(self._about(index, storage=[storage], info=info), self._deadline.share())
            return _parse(said, user)
        except UserProcessError as exc:
            return UserAnswer(unanswered(user, self._request["words"], str(exc)), None, {}, {})


def answer_user(request: Dict[str, Any]) -> Any:
    """Handle a request in the user's process.

    :param request: {words, executable, timeout, identity, session, storage, info}; storage: None to be asked where it
        is, else [path] to be asked for the containers; info: whether also for `podman info`.
    """
    identity = Identity(*request["identity"])
    if request["storage"] is None:
        return find_storage(identity)
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
