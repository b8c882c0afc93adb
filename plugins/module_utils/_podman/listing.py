# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask Podman of one user for all containers, in two processes; what goes wrong is part of the answer."""

from collections import namedtuple

from .._system.command import CommandNotFound, find_executable
from . import inspect as _inspect
from .cli import Podman, PodmanError, select

# user: _users.User; listed: [_podman.Listed] of all his containers; containers: [_inspect.Container]
# of those that are wanted; unmatched: words of the option that match none; complete: whether
# `listed` is all there is; sources, errors: entries for the facts.
Answer = namedtuple("Answer", "user listed containers unmatched complete sources errors")


def ask(user, options):
    """Return the Answer of Podman for one user. Never raises: what goes wrong is in it."""
    name = user.identity.name
    problem = _obstacle(user, options)
    if problem:
        status, message = problem
        errors = [] if status == "absent" else [_error(name, message)]
        return Answer(user, [], [], list(options.containers), status == "absent", [_source(name, status, message)], errors)
    podman = Podman(options.executable, user.identity, options.timeout)
    try:
        listed = podman.listing()
    except PodmanError as exc:
        return Answer(user, [], [], list(options.containers), False,
                      [_source(name, "unavailable", str(exc))], [_error(name, str(exc))])
    chosen, unmatched = select(listed, options.containers)
    raws, messages = podman.inspect([each.ident for each in chosen])
    containers = []
    for raw in raws:
        try:
            containers.append(_inspect.container(raw, name))
        except _inspect.Garbage as exc:
            messages.append("podman container inspect: %s" % exc)
    status = "ok" if not messages else "partial" if containers else "unavailable"
    return Answer(user, listed, containers, unmatched, True, [_source(name, status, messages[0] if messages else None)],
                  [_error(name, message) for message in messages])


def _obstacle(user, options):
    """Why Podman is not run for this user: (status, message), or None."""
    try:
        find_executable(options.executable)
    except CommandNotFound as exc:
        return "absent", str(exc)
    if user.storage is None:
        return "absent", "no container storage; Podman is not run, because it would make one"
    if user.identity.uid != 0 and not user.session:
        return "unavailable", ("/run/user/%d is not there (no session, no linger): Podman would not see the state "
                               "of the containers" % user.identity.uid)
    return None


def _source(user, status, detail):
    return {"name": "podman", "user": user, "status": status, "covers_since": None, "detail": detail}


def _error(user, message):
    return {"source": "podman", "user": user, "message": message}


def first_able(users, options):
    """Return the first user for whom Podman can be run, None when there is none."""
    return next((user for user in users if not _obstacle(user, options)), None)


def info(user, options):
    """Return the facts' `host.podman` as Podman of one user says it, None where it does not answer."""
    try:
        return Podman(options.executable, user.identity, options.timeout).info()
    except PodmanError:
        return None


def versions(answers, options, errors):
    """Return the facts' `host.podman`, asked of the first user for whom Podman works.

    Without one only the version: anything else would make a container storage.
    """
    nothing = {"version": None, "conmon": None, "runtime": {"name": None, "version": None}, "cgroup_manager": None}
    answering = [answer for answer in answers if answer.sources[0]["status"] in ("ok", "partial")]
    try:
        if answering:
            return Podman(options.executable, answering[0].user.identity, options.timeout).info()
        if all(answer.sources[0]["status"] == "absent" for answer in answers):
            find_executable(options.executable)
            return dict(nothing, version=Podman(options.executable, answers[0].user.identity, options.timeout).version())
    except CommandNotFound:
        return nothing
    except PodmanError as exc:
        errors.append(_error(None, str(exc)))
    return nothing
