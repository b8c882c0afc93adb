# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Which users of this host may own containers.

Reads the password database and looks for container storage; runs nothing.
"""

import os
import pwd
import re
import stat
from collections import namedtuple

from .command import current_identity, identity_from_passwd

# identity: _command.Identity; storage: path of the container storage, None when there is
# none; session: whether the user's runtime directory (/run/user/UID) is there now.
User = namedtuple("User", "identity storage session")

_ROOT_STORAGE = "/var/lib/containers/storage"
_ROOTLESS_STORAGE = ".local/share/containers/storage"
_SYSTEM_CONF = ("/etc/containers/storage.conf", "/usr/share/containers/storage.conf")


class UserError(Exception):
    """The option `users` names somebody who can't be looked at."""


def find_users(spec):
    """Return ([User], [problem]) for the option `users`.

    :param spec: list of user names; ``all`` stands for root and each user with container
        storage, ``current`` for the caller; empty: ``all`` for root, ``current`` otherwise.
    :returns: the users in order, each once, and for each name that can't be looked at a
        dict ``{user, message}``.
    :raises UserError: when nobody at all can be looked at.
    """
    me = current_identity()
    names = list(spec) or (["all"] if me.uid == 0 else ["current"])
    found, problems = [], []
    for name in names:
        try:
            found.extend(_named(name, me))
        except UserError as exc:
            problems.append({"user": name, "message": str(exc)})
    if not found:
        raise UserError("; ".join(each["message"] for each in problems) or "no user to look at")
    unique = {}
    for user in found:
        unique.setdefault(user.identity.uid, user)
    return list(unique.values()), problems


def _named(name, me):
    """Return the Users that one word of the option stands for."""
    if name == "current" or name == me.name:
        return [_user(me)]
    if name == "all":
        return _everybody(me)
    try:
        identity = identity_from_passwd(pwd.getpwnam(name))
    except KeyError:
        raise UserError("users: there is no user %r on this host (name one, or 'all', or 'current')" % name)
    if me.uid not in (0, identity.uid):
        raise UserError("users: only root can look at the containers of %r, this is %r "
                        "(use become, or 'current')" % (name, me.name))
    return [_user(identity)]


def _everybody(me):
    if me.uid != 0:
        raise UserError("users: only root can look at the containers of 'all' users, this is %r "
                        "(use become, or 'current')" % me.name)
    others = [_user(identity_from_passwd(entry)) for entry in pwd.getpwall() if entry.pw_uid != 0]
    return [_user(me)] + [user for user in others if user.storage]


def _user(identity):
    return User(identity, find_storage(identity), os.path.isdir("/run/user/%d" % identity.uid))


def find_storage(identity):
    """Return the path of the user's container storage, or None when there is none.

    Podman must not be run for a user without: it would make one.
    """
    for path in _candidates(identity):
        # overlay-containers, vfs-containers, btrfs-containers …: named by the driver
        try:
            if _belongs(path, identity) and any(name.endswith("-containers") for name in os.listdir(path)):
                return path
        except OSError:
            continue
    return None


def _belongs(path, identity):
    """Whether storage is this user's: a system account may share root's home directory.

    In a home of the user's own it is his whoever owns it, and then he can't read it: an error to report.
    """
    if os.stat(path).st_uid == identity.uid:
        return True
    return path.startswith(identity.home.rstrip("/") + "/") and os.stat(identity.home).st_uid == identity.uid


def _candidates(identity):
    """Paths where containers/storage keeps the user's containers (containers-storage.conf(5))."""
    if identity.uid == 0:
        configured = [_setting(path, "graphroot") for path in _SYSTEM_CONF]
        default = _ROOT_STORAGE
    else:
        own = os.path.join(identity.home, ".config/containers/storage.conf")
        configured = [_setting(own, "graphroot")]
        configured += [_setting(path, "rootless_storage_path") for path in _SYSTEM_CONF]
        default = os.path.join(identity.home, _ROOTLESS_STORAGE)
    return [_expanded(path, identity) for path in configured if path] + [default]


def _setting(path, key):
    """Return a string setting of a storage.conf (TOML), or None."""
    match = re.search(r'^\s*%s\s*=\s*"([^"]+)"' % key, read_untrusted_file(path) or "", re.M)
    return match.group(1) if match else None


def read_untrusted_file(path, longest=1024 * 1024):
    """Return the text of a file that a user may have put there for root to read; None when it can't be read.

    Only of a regular file and not of a large one: a pipe would keep root waiting, and nobody's file may eat its memory.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > longest:
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as handle:
            return handle.read(longest).decode("utf-8", "replace")
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _expanded(path, identity):
    for name, value in (("HOME", identity.home), ("UID", str(identity.uid)), ("USER", identity.name)):
        path = path.replace("${%s}" % name, value).replace("$" + name, value)
    return path


def user_name(uid):
    """Return the name of a uid; the number as text when nobody has it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
