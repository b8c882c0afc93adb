# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the journal for each user by itself, and tell what of it could not be read.

One call of journalctl, with a time of its own, for each user of whom there is something to ask: who floods the journal delays
nobody else, and lacks records alone.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Callable, Collection, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from .._logs.journal import SOMEBODY, JournalEntries
from .._logs.records import PodmanEvent, parse_podman_events
from .._logs.user_records import read_podman_deaths, read_podman_events, read_service_events, read_user_unit_records
from .._system.users import user_name
from .._users.deadline import Deadline
from .attribution import ContainerKey
from .limits import parts

_AT_ONCE = 4  # users
_MAX_ASKED = 5000  # containers in one command: 74 bytes for each

# Reads within so many seconds.
_Read = Callable[[float], JournalEntries]


class Period(NamedTuple):
    """What is to be read, and how long that may take."""

    since: int  # microseconds since the epoch
    timeout: float  # seconds for each user
    users_timeout: float  # seconds for all users together


def read_unit_records_of(uids: Iterable[int], period: Period) -> Dict[int, JournalEntries]:
    """Return {uid: what this user's systemd manager recorded of OOM kills}."""
    return dict(_read_each([(uid, partial(read_user_unit_records, period.since, uid)) for uid in uids], period))


def read_events_of(containers: Iterable[ContainerKey], period: Period) -> Tuple[List[PodmanEvent], List[Dict[str, Any]]]:
    """Return (Podman's events of these containers as their owners wrote them, entries for the facts' `errors`)."""
    by_uid: Dict[int, List[str]] = {}
    for ident, uid in sorted(containers):
        by_uid.setdefault(uid, []).append(ident)
    return _parse_events(_read_each([(uid, partial(read_podman_events, period.since, uid, part))
                                     for uid, idents in sorted(by_uid.items()) for part in parts(idents, _MAX_ASKED)], period))


def read_deaths_of(uids: Iterable[int], period: Period) -> Tuple[List[PodmanEvent], List[Dict[str, Any]]]:
    """Return (the death of every container that these users' Podman recorded, entries for the facts' `errors`)."""
    return _parse_events(_read_each([(uid, partial(read_podman_deaths, period.since, uid)) for uid in uids], period))


def read_service_writers(services: Mapping[str, Collection[str]], period: Period) -> Dict[Tuple[str, str], int]:
    """Return {(service, id): uid} of those who wrote all of Podman's events of a container in a service of the system's manager.

    Not of those of which the journal has none, or was not read whole: an event of another's may be missing.

    :param services: {service: ids of containers}.
    """
    writers: Dict[Tuple[str, str], Set[int]] = {}
    names = sorted(services)
    answers = _read_each([(0, partial(read_service_events, period.since, name, services[name])) for name in names], period)
    for name, (_uid, answer) in zip(names, answers):
        for event in parse_podman_events([] if answer.problem else answer.entries):
            writers.setdefault((name, event.ident), set()).add(event.uid if event.service == name else 0)
    return {key: min(uids) for key, uids in writers.items() if len(uids) == 1}


def _read_each(requests: Sequence[Tuple[int, _Read]], period: Period) -> List[Tuple[int, JournalEntries]]:
    """Return (uid, answer) for each (uid, function)."""
    deadline = Deadline(period.users_timeout, len(requests), _AT_ONCE)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = pool.map(lambda request: request[1](min(period.timeout, deadline.share())), requests)
        return [(uid, answer) for (uid, _read), answer in zip(requests, answers)]


def _parse_events(answers: List[Tuple[int, JournalEntries]]) -> Tuple[List[PodmanEvent], List[Dict[str, Any]]]:
    events: List[PodmanEvent] = []
    errors: List[Dict[str, Any]] = []
    for uid, answer in answers:
        if answer.problem:
            errors.append({"source": "systemd", "user": user_name(uid), "message": answer.problem})
        errors += describe_left_out("systemd", answer, uid)
        events += parse_podman_events(answer.entries)
    return sorted(events, key=lambda event: event.at), errors


def describe_left_out(source: str, answer: JournalEntries, of_user: Optional[int] = None) -> List[Dict[str, Any]]:
    """Return entries for the facts' `errors`: what of a journal's answer was left out.

    :param of_user: uid, when it holds nothing of anybody else's.
    """
    errors: List[Dict[str, Any]] = []
    if answer.bad_lines:
        errors.append({"source": source, "user": None if of_user is None else user_name(of_user),
                       "message": "%d journal line(s) could not be read" % answer.bad_lines})
    return errors + [
        {"source": source, "user": None if uid == SOMEBODY else user_name(uid),
         "message": "too many entries: the %d oldest were left out" % number} for uid, number in sorted(answer.left_out.items())]
