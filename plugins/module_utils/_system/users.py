# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which users of this host may own containers.

Reads the password database and looks for container storage; runs no command.
"""

import os
import pwd
import re
import stat
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from .command import Identity, current_identity, identity_from_passwd, runtime_dir

_ROOT_STORAGE = "/var/lib/containers/storage"
_ROOTLESS_STORAGE = ".local/share/containers/storage"
_SYSTEM_CONF = ("/etc/containers/storage.conf", "/usr/share/containers/storage.conf")


class User(NamedTuple):
    """A user who may own containers."""

    identity: Identity
    storage: Optional[str]  # path of the container storage, None when there is none
    session: bool  # whether the user's runtime directory (/run/user/UID) is there now


class UserError(Exception):
    """The containers of a user that the option `users` names can't be read."""


def find_users(names: Sequence[str]) -> Tuple[List[User], List[Dict[str, str]]]:
    """Return (users in order, each once; {user, message} for each name whose containers can't be read).

    :param names: of the option `users`; ``all`` stands for root and each user with container
        storage, ``current`` for the caller; empty: ``all`` for root, ``current`` otherwise.
    :raises UserError: there is not one user left.
    """
    me = current_identity()
    users: Dict[int, User] = {}
    problems: List[Dict[str, str]] = []
    for name in names or ["all" if me.uid == 0 else "current"]:
        try:
            for user in _users_by_name(name, me):
                users.setdefault(user.identity.uid, user)
        except UserError as exc:
            problems.append({"user": name, "message": str(exc)})
    if not users:
        raise UserError("; ".join(problem["message"] for problem in problems))
    return list(users.values()), problems


def _users_by_name(name: str, me: Identity) -> List[User]:
    if name in ("current", me.name):
        return [find_user(me)]
    if name == "all":
        if me.uid != 0:
            raise UserError("users: only root can read the containers of 'all' users, this is %r (use become, or 'current')"
                            % me.name)
        others = [find_user(identity_from_passwd(entry)) for entry in pwd.getpwall() if entry.pw_uid != 0]
        return [find_user(me)] + [user for user in others if user.storage]
    try:
        identity = identity_from_passwd(pwd.getpwnam(name))
    except KeyError:
        raise UserError("users: there is no user %r on this host (name one, or 'all', or 'current')" % name)
    if me.uid not in (0, identity.uid):
        raise UserError("users: only root can read the containers of %r, this is %r (use become, or 'current')" % (name, me.name))
    return [find_user(identity)]


def find_user(identity: Identity) -> User:
    """Return the user with what is there of theirs: container storage and session."""
    return User(identity, find_storage(identity), runtime_dir(identity) is not None)


def find_storage(identity: Identity) -> Optional[str]:
    """Return the path of the user's container storage, None when there is none.

    Podman must not be run for a user without storage: it would create one.
    """
    for path in _storage_paths(identity):
        # overlay-containers, vfs-containers, btrfs-containers …: named by the driver
        try:
            if _belongs(path, identity) and any(name.endswith("-containers") for name in os.listdir(path)):
                return path
        except OSError:
            continue
    return None


def _belongs(path: str, identity: Identity) -> bool:
    """Whether storage is this user's: a system account may share root's home directory.

    Storage inside the user's own home is theirs even if someone else owns it; that they can't read it is
    reported as an error.
    """
    if os.stat(path).st_uid == identity.uid:
        return True
    return path.startswith(identity.home.rstrip("/") + "/") and os.stat(identity.home).st_uid == identity.uid


def _storage_paths(identity: Identity) -> Iterable[str]:
    """Where containers/storage may keep the user's containers (containers-storage.conf(5)), the first first."""
    if identity.uid == 0:
        configured = [_read_setting(path, "graphroot") for path in _SYSTEM_CONF]
        default = _ROOT_STORAGE
    else:
        own = os.path.join(identity.home, ".config/containers/storage.conf")
        configured = [_read_setting(own, "graphroot")]
        configured += [_read_setting(path, "rootless_storage_path") for path in _SYSTEM_CONF]
        default = os.path.join(identity.home, _ROOTLESS_STORAGE)
    return [_expand(path, identity) for path in configured if path] + [default]


def _read_setting(path: str, key: str) -> Optional[str]:
    match = re.search(r'^\s*%s\s*=\s*"([^"]+)"' % key, read_untrusted_file(path) or "", re.M)
    return match.group(1) if match else None


def read_untrusted_file(path: str, max_size: int = 1024 * 1024) -> Optional[str]:
    """Return the text of a file that a user may have put there for root to read; None when it can't be read.

    Only a regular file of at most max_size bytes is read: a pipe would block root, a large file would eat its memory.
    """
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK | os.O_NOCTTY)) as handle:
            status = os.fstat(handle.fileno())
            if stat.S_ISREG(status.st_mode) and status.st_size <= max_size:
                return handle.read(max_size).decode("utf-8", "replace")
    except OSError:
        pass
    return None


def _expand(path: str, identity: Identity) -> str:
    for name, value in (("HOME", identity.home), ("UID", str(identity.uid)), ("USER", identity.name)):
        path = path.replace("${%s}" % name, value).replace("$" + name, value)
    return path


def user_name(uid: int) -> str:
    """Return the name of a uid; the number as text when no user has it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
