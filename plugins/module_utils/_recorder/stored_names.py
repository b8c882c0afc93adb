# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of running containers in their owners' storages, without Podman. For those whose events are not in the journal.

The files are the owners': a process that is the owner reads them and answers with the names of the containers that it is
asked for. What it answers is the owner's word about their own containers. One who does not answer is told, and the others
are asked all the same.
"""

import functools
import json
import os
import pwd
import resource
import time
from contextlib import suppress
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .._system.command import Identity, identity_from_passwd
from .._system.host_files import open_regular
from .._system.times import SECOND
from .._users.confinement import Limits
from .._users.process import UserProcess, UserProcessError
from .._users.storage import find_storage
from .record import ContainerNames, printable, valid_names

_STORAGE_FILES = ("containers.json", "volatile-containers.json")  # containers/storage, containers.go
# 600 bytes for each container
_MAX_STORAGE_FILE = 4 * 1024 * 1024
_MAX_ANSWER = 2 * 1024 * 1024  # 1,000 containers with the longest names
_MEMORY = 128 * 1024 * 1024  # bytes: what JSON of that size becomes; root's process has 192 MiB (package.py)
_LIMITS = Limits(memory=2 * _MEMORY, tasks=8, file_size=0)
# Microseconds until a user is asked again who did not answer, or did not know a container: anybody can make a cgroup that is
# called like a container, and asking costs a process.
_PAUSE = 600 * SECOND
_SECONDS_EACH = 6.0  # systemd limiting the process included
_SECONDS = 15.0  # for all users; who was not asked is the first one the next time


class Asked(NamedTuple):
    """When a user was last asked in vain."""

    at: int  # microseconds
    problem: Optional[str]  # None: there was an answer, without all the names


class StoredNames(NamedTuple):
    """What the storages know."""

    names: Dict[Tuple[str, int], ContainerNames]  # by id and uid
    asked: Dict[int, Asked]  # {uid: who was asked in vain}, for the next time


def ask_for_names(wanted: Mapping[int, Sequence[str]], asked: Mapping[int, Asked], now: int) -> StoredNames:
    """Ask the owners for the names of containers.

    :param wanted: {uid: ids}.
    :param asked: as the time before returned it; now: microseconds.
    """
    names: Dict[Tuple[str, int], ContainerNames] = {}
    in_vain = {uid: before for uid, before in asked.items() if uid in wanted}
    end = time.monotonic() + _SECONDS
    for uid in sorted(wanted, key=lambda uid: (in_vain[uid].at if uid in in_vain else 0, uid)):
        before = in_vain.get(uid)
        if before and abs(now - before.at) < _PAUSE:  # a clock that was set back must not silence it
            continue
        seconds = min(_SECONDS_EACH, end - time.monotonic())
        if seconds <= 0:
            break
        try:
            answer = _ask(uid, wanted[uid], seconds)
        except UserProcessError as exc:
            in_vain[uid] = Asked(now, printable(str(exc)))
            continue
        names.update({(ident, uid): called for ident, called in answer.items()})
        in_vain.pop(uid, None)
        if len(answer) < len(wanted[uid]):
            in_vain[uid] = Asked(now, None)
    return StoredNames(names, in_vain)


def load_asked(text: Optional[str]) -> Dict[int, Asked]:
    """Return StoredNames.asked of what store_asked() made of it."""
    return {int(uid): Asked(*values) for uid, values in json.loads(text or "{}").items()}


def store_asked(asked: Mapping[int, Asked]) -> str:
    """Return StoredNames.asked as text."""
    return json.dumps({str(uid): values for uid, values in sorted(asked.items())})


def _ask(uid: int, idents: Sequence[str], seconds: float) -> Dict[str, ContainerNames]:
    """Return {id: names} of those containers that the owner's storage has.

    :raises UserProcessError: the owner can't be asked.
    """
    try:
        identity = identity_from_passwd(pwd.getpwuid(uid))
    except (KeyError, OverflowError):
        raise UserProcessError("uid %d has no name on this host, so nobody can be asked for the names of its containers" % uid)
    wanted = set(idents)
    request = {"idents": sorted(wanted), "confined": uid != os.geteuid()}
    with UserProcess(identity, functools.partial(_answer, identity), _LIMITS) as process:
        answer = process.ask(request, seconds, _MAX_ANSWER)
    if not isinstance(answer, dict):
        raise UserProcessError("the answer is of another type")
    return {ident: valid_names(pair[0], pair[1], None) for ident, pair in answer.items()
            if ident in wanted and isinstance(pair, list) and len(pair) == 2}


def _answer(identity: Identity, request: Dict[str, Any]) -> Dict[str, List[Any]]:
    """Runs as the owner: {id: [name, image]} of the containers that are asked for."""
    if request["confined"]:
        _confine()
    wanted, found = set(request["idents"]), {}
    storage = find_storage(identity)
    for container in _read_storage(storage) if storage else []:
        ident = container.get("id")
        if isinstance(ident, str) and ident in wanted:
            metadata = _parse_json(container.get("metadata"))
            metadata = metadata if isinstance(metadata, dict) else {}
            names = container.get("names")
            name = names[0] if isinstance(names, list) and names else metadata.get("name")
            found[ident] = list(valid_names(name, metadata.get("image-name"), unit=None)[:2])
    return found


def _confine() -> None:
    """Bound the memory of this process: a limit of its cgroup would end it by a kill, which everybody counts.

    Where systemd has no bus it is in the recorder's cgroup, and the kernel shall take it first.
    """
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    with suppress(OSError):  # a kernel without it
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as handle:
            handle.write("1000")


def _read_storage(storage: str) -> List[Dict[str, Any]]:
    """The dicts in a storage's lists of containers."""
    containers: List[Dict[str, Any]] = []
    for folder in sorted(name for name in os.listdir(storage) if name.endswith("-containers")):
        for name in _STORAGE_FILES:
            content = _parse_json(_read_text(os.path.join(storage, folder, name)))
            containers += [item for item in content if isinstance(item, dict)] if isinstance(content, list) else []
    return containers


def _read_text(path: str) -> Optional[str]:
    """The text of a regular file of at most 4 MiB, None for anything else."""
    try:
        with open_regular(path) as handle:
            data = handle.read(_MAX_STORAGE_FILE + 1)
    except OSError:
        return None
    return data.decode("utf-8", "replace") if len(data) <= _MAX_STORAGE_FILE else None


def _parse_json(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
