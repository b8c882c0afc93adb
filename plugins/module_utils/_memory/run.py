# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""container_memory from its options to its result: each user's containers are planned and changed in the user's own process.

What a user's process says is the user's word: it is checked, and counts for that user's containers only.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from .._door.grammar import BOOLEAN, ID, NAME, SIZE, is_id, items, nullable, prose, record, text
from .._door.schema import Checker
from .._podman.cli import Podman, PodmanError
from .._system.command import Identity, current_identity, runtime_dir
from .._system.host import Host
from .._system.versions import parse_version
from .._users.deadline import Deadline
from .._users.group import Reply, UserGroup
from .current import RequestRefused, find_owner
from .request import Options, Request, RequestError, parse_requests
from .result import build_diff, unread_entry
from .transaction import Entry, Outcome, Transaction

_ANSWER = 64 * 1024  # bytes of a user's answer
_ANSWER_EACH = 16 * 1024  # bytes more for each container, which takes about 1 KiB
_MAX_CONTAINERS = 5000  # of one user
_COMMANDS = 4  # that a user's process runs whatever the number of containers, each as long as the option timeout allows
_EACH = 20  # seconds more for each container
_AT_ONCE = 4  # users
_SIZES = {key: nullable(SIZE) for key in ("limit", "swap_limit", "reservation", "high")}
_STATE = record({
    "declared": nullable(record(dict(_SIZES, oom_group=nullable(BOOLEAN)), optional=["high"])),
    "effective": nullable(record(dict(_SIZES, oom_group=nullable(BOOLEAN)), optional=["reservation"])),
}, optional=[])
_ENTRY = record({
    "name": NAME, "id": nullable(ID), "changed": BOOLEAN, "before": _STATE, "after": _STATE, "applied_live": BOOLEAN, "persistent": BOOLEAN,
    "restart_required": BOOLEAN, "method": text(40, "^[a-z_+]+$"), "message": prose(4000), "failed": BOOLEAN,
    "gone": BOOLEAN,
}, optional=["failed", "gone"])
_OUTCOME = Checker(record({
    "entries": items(_ENTRY, _MAX_CONTAINERS), "messages": items(prose(16000), 100), "warnings": items(prose(4000), _MAX_CONTAINERS),
    "changing": BOOLEAN}, optional=[]))


class ContainerMemoryError(Exception):
    """The module fails; `result` is what it returns beside the message."""

    def __init__(self, message: str, result: Optional[Dict[str, Any]] = None) -> None:
        super().__init__(message)
        self.result = result or {"changed": False, "containers": []}


class _Part(NamedTuple):
    """What is asked for one user's containers."""

    identity: Identity
    requests: List[Request]


def set_container_memory(params: Dict[str, Any], options: Options, check_mode: bool) -> Dict[str, Any]:
    """Return {changed, containers, diff, warnings}.

    :param params: the module's parameters, for the requests in them, and users_timeout.
    :raises ContainerMemoryError: some containers were not changed, or changed back; its result says which.
    """
    try:
        requests = parse_requests(params, current_identity().name, os.sysconf("SC_PAGE_SIZE"))
        version = _read_version(options)
        parts = _split(requests)
    except (RequestError, RequestRefused) as exc:
        raise ContainerMemoryError("%s (nothing was changed)" % exc)
    outcomes = _work(parts, options, version, check_mode, params["users_timeout"])
    if not any(outcome.entries for outcome in outcomes.values()):
        raise ContainerMemoryError("; ".join(_messages(parts, outcomes)))
    result = _build_result(requests, parts, outcomes)
    messages = _messages(parts, outcomes)
    if messages:
        raise ContainerMemoryError("; ".join(messages), result)
    return result


def _read_version(options: Options) -> Tuple[int, ...]:
    """Ask Podman; the executable is the same for all users."""
    try:
        answer = Podman(options.executable, current_identity(), options.timeout).version()
    except PodmanError as exc:
        raise ContainerMemoryError("executable: %s" % exc)
    version = parse_version(answer)
    if not version:
        raise ContainerMemoryError("the version of Podman can't be determined from %r (nothing was changed)" % answer)
    return version


def _work(parts: Sequence[_Part], options: Options, version: Tuple[int, ...], check_mode: bool, users_timeout: Optional[int]) -> Dict[int, Outcome]:
    """Plan each user's containers, and change them if that is possible; return what it comes to, by uid.

    Users are asked side by side, and nobody's change waits for another one's plan: who gives no answer delays nobody, and how long
    that is waited for depends on the user's own containers alone.

    :param users_timeout: seconds for all of them, None: no limit beside each user's own.
    """
    memory_total = Host().facts(0)["memory_total"]
    transaction = Transaction()  # each process has its own copy

    def work_on(part: _Part) -> Outcome:
        uid, count = part.identity.uid, len(part.requests)
        size = _ANSWER + _ANSWER_EACH * count
        seconds: float = options.timeout * (_COMMANDS + (count if options.restart == "if_needed" else 0)) + _EACH * count
        if deadline is not None:
            seconds = min(seconds, deadline.share() / 2)
        planned = _parse(group.ask_one(uid, {
            "do": "plan", "identity": list(part.identity), "session": runtime_dir(part.identity) is not None,
            "requests": [list(request) for request in part.requests], "options": list(options), "version": list(version),
            "memory_total": memory_total, "check_mode": check_mode}, seconds, size), part)
        if not planned.changing or planned.messages or check_mode:
            return planned
        return _parse(group.ask_one(uid, {"do": "apply"}, seconds, size), part, planned)

    deadline = None if users_timeout is None else Deadline(users_timeout, len(parts), _AT_ONCE)
    root_first = sorted(parts, key=lambda part: part.identity.uid)
    try:
        with UserGroup([part.identity for part in parts], transaction.answer) as group:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                return dict(zip((part.identity.uid for part in root_first), pool.map(work_on, root_first)))
    finally:
        transaction.close()


def _parse(reply: Reply, part: _Part, planned: Optional[Outcome] = None) -> Outcome:
    """Return what a user's process answered, or that there is no answer.

    :param planned: when it was to carry this out: whether it did is not known then.
    """
    problem = reply.error
    if problem is None:
        checked = _OUTCOME.check(reply.answer, now=0)
        said = checked.value if not checked.violations else None
        if said is not None and len(said["entries"]) in (0, len(part.requests)) and (said["entries"] or said["messages"]):
            return Outcome(**dict(said, entries=[dict(entry, user=part.identity.name) for entry in said["entries"]]))
        problem = "what %s's process says of the containers is not valid" % part.identity.name
    if planned is None:
        return Outcome([], ["user %s: %s (nothing was changed)" % (part.identity.name, problem)], [], False)
    message = "what was changed is not known: %s" % problem
    entries = [dict(entry, failed=True, applied_live=False, persistent=False, message=message) for entry in planned.entries]
    return Outcome(entries, ["user %s: %s" % (part.identity.name, message)], [], False)


def _split(requests: Sequence[Request]) -> List[_Part]:
    """The requests of each user.

    :raises RequestRefused: there is no such user, or the caller may not change their containers.
    """
    parts = []
    for name in sorted({request.user for request in requests}):
        parts.append(_Part(find_owner(name), [request for request in requests if request.user == name]))
    return parts


def _messages(parts: Sequence[_Part], outcomes: Dict[int, Outcome]) -> List[str]:
    return [message for part in parts for message in outcomes[part.identity.uid].messages]


def _build_result(requests: Sequence[Request], parts: Sequence[_Part], outcomes: Dict[int, Outcome]) -> Dict[str, Any]:
    """The module's result; an entry for each request, in their order."""
    by_request: Dict[int, Entry] = {}
    for part in parts:
        outcome = outcomes[part.identity.uid]
        entries = outcome.entries or [
            unread_entry(request, request.name if is_id(request.name) else None, outcome.messages[0]) for request in part.requests]
        by_request.update(zip((id(request) for request in part.requests), entries))
    entries = [by_request[id(request)] for request in requests]
    return {"changed": any(entry["changed"] for entry in entries), "containers": entries, "diff": build_diff(entries),
            "warnings": [warning for part in parts for warning in outcomes[part.identity.uid].warnings]}
