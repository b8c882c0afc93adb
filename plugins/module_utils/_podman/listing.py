# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask Podman for one user's containers, in two processes; errors are part of the answer."""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from .._system.command import CommandNotFound, current_identity, find_executable
from .._system.users import User
from .cli import ListedContainer, Podman, PodmanError, select_containers
from .inspect import Container, InspectError, parse_container


class PodmanAnswer(NamedTuple):
    """What Podman says of one user's containers."""

    user: User
    listed: List[ListedContainer]  # all of the user's containers
    containers: List[Container]  # those that were asked for
    unmatched: List[str]  # words that name none of them
    complete: bool  # `listed` is all there is
    sources: List[Dict[str, Any]]  # entry for the facts' `sources`
    errors: List[Dict[str, Any]]  # entries for the facts' `errors`


def query_containers(user: User, words: Sequence[str], executable: str, timeout: float) -> PodmanAnswer:
    """Ask Podman for one user's containers. Never raises: errors are in the answer.

    :param words: names, IDs or prefixes of IDs; empty: all.
    :param timeout: seconds for each of two processes.
    """
    name = user.identity.name
    obstacle = _obstacle(user, executable)
    if obstacle:
        return _empty_answer(user, words, *obstacle)
    podman = Podman(executable, user.identity, timeout)
    try:
        listed = podman.list_containers()
    except PodmanError as exc:
        return _empty_answer(user, words, "unavailable", str(exc))
    selected, unmatched = select_containers(listed, words)
    raws, messages = podman.inspect([container.ident for container in selected])
    errors = [_error(name, message) for message in messages]
    names = {container.ident: container.name for container in listed}
    containers = []
    for raw in raws:
        try:
            containers.append(parse_container(raw, name))
        except InspectError as exc:
            messages.append("podman container inspect: %s" % exc)
            label = names.get(exc.ident or "") or "unknown"
            errors.append(dict(_error(name, messages[-1]), container=label, container_id=exc.ident))
    status = "ok" if not messages else "partial" if containers else "unavailable"
    return PodmanAnswer(
        user=user, listed=listed, containers=containers, unmatched=unmatched, complete=True,
        sources=[_source(name, status, messages[0] if messages else None)],
        errors=errors)


def unanswered(user: User, words: Sequence[str], message: str) -> PodmanAnswer:
    """Return the answer for a user who can't be asked."""
    return _empty_answer(user, words, "unavailable", message)


def _empty_answer(user: User, words: Sequence[str], status: str, message: str) -> PodmanAnswer:
    """The answer without containers; where Podman or its storage is absent, that is complete and no error."""
    name, absent = user.identity.name, status == "absent"
    return PodmanAnswer(
        user=user, listed=[], containers=[], unmatched=list(words), complete=absent,
        sources=[_source(name, status, message)], errors=[] if absent else [_error(name, message)])


def _obstacle(user: User, executable: str) -> Optional[Tuple[str, str]]:
    """Why Podman is not run for this user: (status, message), or None."""
    try:
        find_executable(executable)
    except CommandNotFound as exc:
        return "absent", str(exc)
    if user.storage is None:
        return "absent", "no container storage; Podman is not run, because it would create one"
    if user.identity.uid != 0 and not user.session:
        return "unavailable", ("/run/user/%d does not exist (no session, no linger): Podman would not see the state "
                               "of the containers" % user.identity.uid)
    return None


def _source(user: str, status: str, detail: Optional[str]) -> Dict[str, Any]:
    return {"name": "podman", "user": user, "status": status, "covers_since": None, "detail": detail}


def _error(user: Optional[str], message: str) -> Dict[str, Any]:
    return {"source": "podman", "user": user, "message": message}


def podman_info(user: User, executable: str, timeout: float) -> Optional[Dict[str, Any]]:
    """Return the facts' `host.podman` as one user's Podman gives it, None when it does not answer."""
    try:
        return Podman(executable, user.identity, timeout).info()
    except PodmanError:
        return None


def podman_version(executable: str, timeout: float, errors: List[Dict[str, Any]]) -> Optional[str]:
    """Return Podman's version as the caller's own look at the executable gives it; no user's word and no storage is needed.

    :param errors: gets an entry when it does not answer.
    """
    try:
        find_executable(executable)
        return Podman(executable, current_identity(), timeout).version()
    except CommandNotFound:
        return None
    except PodmanError as exc:
        errors.append(_error(None, str(exc)))
        return None
