# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""container_drain from its options to its result: stop what runs, or wait until it is back."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, List, Sequence

from .._system.users import UserError
from .._users.owners import find_owners
from .containers import DrainError
from .starts import RunningContainer, stop_notes
from .users import AskedUser, Options, user_group

_PAUSE = 2  # seconds between two checks
_AT_ONCE = 4  # users who are asked side by side


def drain(params: Dict[str, Any], check_mode: bool) -> Dict[str, Any]:
    """Stop everything that runs, see stop_running(); return the module's result.

    :param params: the module's parameters.
    :raises DrainError: root's containers can't be listed or stopped.
    :raises UserError: a user does not exist.
    """
    owners, unknown = find_owners(params["users"])
    with user_group(owners) as group:
        users = [AskedUser(owner, group, Options(params["executable"], params["timeout"], runtime=True)) for owner in owners]
        containers = stop_running(users, check_mode, params["crun_users"])
    problems = _describe_problems(unknown, users, params)
    notes = stop_notes(containers) + ["not all that runs of %s is known, and it may be running at the reboot: %s" % (
        problem["user"], problem["message"]) for problem in problems]
    return {"changed": bool(containers), "containers": containers, "notes": notes, "problems": problems,
            "runtimes": [user.runtime for user in users if user.runtime]}


def restore(params: Dict[str, Any], check_mode: bool) -> Dict[str, Any]:
    """Wait until the containers that were stopped are back, see wait_for_containers(); return the module's result.

    :raises DrainError: root's containers can't be listed or started.
    """
    expected = params["containers"]
    names = sorted({container["user"] for container in expected})
    try:
        owners, unknown = find_owners(names) if names else ([], [])
    except UserError as exc:
        owners, unknown = [], [{"user": name, "message": str(exc)} for name in names]
    with user_group(owners) as group:
        users = [AskedUser(owner, group, Options(params["executable"], params["timeout"], runtime=False)) for owner in owners]
        missing = wait_for_containers(expected, users, 0 if check_mode else params["wait"], start=not check_mode)
    for name in names:
        absent = [container["name"] for container in missing if container["user"] == name]
        if absent and not _is_required(name, params):
            unknown.append({"user": name, "message": "not back: %s" % ", ".join(absent)})
    missing = [container for container in missing if _is_required(container["user"], params)]
    listed = ", ".join("%s of %s" % (container["name"], container["user"]) for container in missing)
    return {"changed": any(container["returns_by"] == "start" for container in expected), "containers": expected,
            "missing": missing, "msg": "not back: %s" % listed if missing else "all are back",
            "problems": _describe_problems(unknown, users, params)}


def _describe_problems(unknown: Sequence[Dict[str, str]], users: Sequence[AskedUser], params: Dict[str, Any]) -> List[Dict[str, Any]]:
    """The result's `problems`.

    :param unknown: {user, message} of what isn't a process's.
    """
    told = [user.problem for user in users if user.problem]
    problems = [(problem["user"], problem["message"]) for problem in unknown] + [(problem.user, problem.message) for problem in told]
    return [{"user": name, "message": "%s: %s" % (name, message), "required": _is_required(name, params)} for name, message in problems]


def _is_required(name: str, params: Dict[str, Any]) -> bool:
    return not params["required_users"] or name == "root" or name in params["required_users"]


def stop_running(users: Sequence[AskedUser], check_mode: bool, crun_users: Sequence[str] = ()) -> List[RunningContainer]:
    """Stop everything that runs, in check mode nothing; return it in the order of the users.

    Lists the containers of all users before the first is stopped. Users are asked side by side: one who hangs costs the
    others no time.

    :param crun_users: names of those whose containers get the OCI runtime crun then.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        running = list(pool.map(lambda user: user.running(), users))
        if not check_mode:
            stops = [pool.submit(user.stop, containers, "crun" if user.name in crun_users else None)
                     for user, containers in zip(users, running) if containers or user.name in crun_users]
            for stop in stops:
                stop.result()
    return [container for containers in running for container in containers]


def wait_for_containers(expected: Sequence[RunningContainer], users: Sequence[AskedUser], timeout: float,
                        start: bool, clock: Callable[[], float] = time.monotonic,
                        sleep: Callable[[float], None] = time.sleep) -> List[RunningContainer]:
    """Wait until the containers are back; return those that are not.

    :param expected: as stop_running() returned them.
    :param users: who have them; a user's session may need a moment after the boot.
    :param timeout: seconds.
    :param start: whether containers that only we can start are started.
    :raises DrainError: what Podman reported of root's containers at the last check.
    """
    end = clock() + timeout
    while True:
        last = clock() >= end
        try:
            missing = _find_missing(expected, {user.name: user for user in users}, start)
        except DrainError:
            # Right after the boot a storage may be locked, a session not ready.
            if last:
                raise
            missing = list(expected)
        if not missing or last:
            return missing
        sleep(_PAUSE)


def _find_missing(expected: Sequence[RunningContainer], users: Dict[str, AskedUser], start: bool) -> List[RunningContainer]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        running = {(container["user"], container["name"]) for found in pool.map(lambda user: user.running(), users.values())
                   for container in found}
    missing = [container for container in expected
               if container["returns_by"] and (container["user"], container["name"]) not in running]
    for name, user in sorted(users.items()):
        ours = [container["name"] for container in missing if container["returns_by"] == "start" and container["user"] == name]
        if ours and start and not user.inactive:
            user.start(ours)
    return missing
