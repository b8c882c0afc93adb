# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask each user's process to list, stop and start that user's containers; root's own are a part of this process.

Somebody who gives no answer, or one that can't be, is a problem to tell, and keeps nobody else from being asked.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from .._door.grammar import BOOLEAN, ID, NAME, SIZE, UNIT, items, nullable, prose, record, text, words
from .._door.schema import INVALID, Checker
from .._system.command import runtime_dir
from .._users.group import UserGroup
from .._users.owners import Owner
from .containers import DrainError, answer_user
from .starts import RunningContainer, supports_cgroup_v2

_MAX_ANSWER = 1024 * 1024  # bytes
_MAX_CONTAINERS = 2000  # of one user; each is about 300 bytes
_STOPS = 3  # units, containers, infra containers: each may take the seconds that the operator gave
_CONTAINER = record({
    "id": ID, "name": NAME, "unit": nullable(UNIT), "restart_policy": nullable(text(40, "^[a-z-]+$")), "infra": BOOLEAN,
    "limit": nullable(SIZE), "returns_by": nullable(words("unit", "restart_service", "start")), "why": nullable(prose(1000)),
}, optional=[])
_LOOK = Checker(record({
    "running": items(_CONTAINER, _MAX_CONTAINERS),
    "runtime": nullable(record({"name": nullable(text(60)), "version": nullable(text(100))}, optional=[])),
}, optional=[]))


class Options(NamedTuple):
    """Options of the module for each user."""

    executable: str
    timeout: float  # seconds for each command
    runtime: bool  # whether the OCI runtime of new containers is asked for as well


class Problem(NamedTuple):
    """What is not known of a user, or could not be done."""

    user: str
    message: str


class AskedUser:
    """One user's containers, as the user's process tells of them.

    Its methods note what goes wrong in `problem` and go on as if there were no containers; for root they raise
    DrainError.

    :param group: user_group() of this user and others.
    """

    def __init__(self, owner: Owner, group: UserGroup, options: Options) -> None:
        self._owner = owner
        self._group = group
        self._options = options
        self.name = owner.identity.name
        self.problem: Optional[Problem] = None
        self.runtime: Optional[Dict[str, Any]] = None  # {user, name, version, cgroup_v2}, where it was asked for

    @property
    def inactive(self) -> bool:
        """Whether nothing of this user's runs, because there is no session and no lingering manager."""
        return self._owner.identity.uid != 0 and runtime_dir(self._owner.identity) is None

    def running(self) -> List[RunningContainer]:
        """Return the containers that run, and set `runtime`."""
        self.problem = None
        if self.inactive:
            return []
        answer = self._ask(1, do="look", runtime=self._options.runtime)
        if self.problem:
            return []
        checked = _LOOK.check(answer, now=0)
        if checked.violations:
            self._note("what is said of some containers is not valid, and is left out: %s %s" % (
                ".".join(str(part) for part in checked.violations[0].path), checked.violations[0].problem))
        if checked.value is INVALID:
            return []
        runtime = checked.value["runtime"]
        if runtime:
            self.runtime = dict(runtime, user=self.name, cgroup_v2=supports_cgroup_v2(runtime["name"], runtime["version"]))
        return [dict(container, user=self.name) for container in checked.value["running"]]

    def stop(self, containers: Sequence[RunningContainer], runtime: Optional[str] = None) -> None:
        """Stop containers that running() returned.

        :param runtime: that all existing containers get then.
        """
        self._ask(_STOPS, do="stop", containers=list(containers), runtime=runtime)

    def start(self, names: Sequence[str]) -> None:
        """Start containers that were stopped for the reboot and that nothing else starts."""
        self._ask(1, do="start", names=list(names))

    def _ask(self, times: int, **request: Any) -> Any:
        """:param times: of the seconds for a command that it may take."""
        options = self._options
        reply = self._group.ask_one(
            self._owner.identity.uid, dict(request, identity=list(self._owner.identity), session=not self.inactive,
                                           executable=options.executable, timeout=options.timeout),
            times * options.timeout, _MAX_ANSWER)
        if reply.error is not None:
            self._note(reply.error)
        return reply.answer

    def _note(self, message: str) -> None:
        if self._owner.identity.uid == 0:
            raise DrainError("root: %s" % message)
        self.problem = Problem(self.name, message)


def user_group(owners: Sequence[Owner]) -> UserGroup:
    """Return the processes of all users, see UserGroup. It forks when it is entered: before there are threads."""
    return UserGroup([owner.identity for owner in owners], answer_user)
