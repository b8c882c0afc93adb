# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a user's Podman keeps its containers. Runs as that user: the files are the user's, with anything in them.

Reads as much of TOML as a key with a text needs.
"""

import os
import re
from typing import Iterable, NamedTuple, Optional

from .._system.command import Identity
from .._system.host_files import NotRegularError, open_regular

_ROOT_STORAGE = "/var/lib/containers/storage"
_ROOTLESS_STORAGE = ".local/share/containers/storage"
_SYSTEM_CONF = ("/etc/containers/storage.conf", "/usr/share/containers/storage.conf")
_MAX_FILE = 1024 * 1024

# Each matches at the beginning of one line, without going over it twice.
_TABLE = re.compile(r"[ \t]*\[[ \t]*(?:\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_.-]+))[ \t]*\]")
_KEY = re.compile(r"[ \t]*(?:storage[ \t]*\.[ \t]*)?(?:\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_-]+))[ \t]*=[ \t]*")
_TEXT = re.compile(r"\"((?:[^\"\\]|\\.)*)\"[ \t]*(?:#.*)?$|'([^']*)'[ \t]*(?:#.*)?$")
_ESCAPES = {"\\\\": "\\", '\\"': '"'}
_INLINE = re.compile(r"[ \t]*storage[ \t]*=[ \t]*\{")


class StorageError(Exception):
    """A configuration of the user's says where the storage is, and that can't be read."""


class _Setting(NamedTuple):
    value: Optional[str]  # None: not set
    problem: Optional[str]  # it is set, and can't be read


def find_storage(identity: Identity) -> Optional[str]:
    """Return the path of the user's container storage, None when there is none.

    Podman must not be run for a user without storage: it would create one.

    :raises StorageError: its place can't be read.
    """
    for path in _storage_paths(identity):
        # overlay-containers, vfs-containers, btrfs-containers …: named by the driver
        try:
            if _belongs(path, identity) and _has_containers(path):
                return path
        except (OSError, ValueError):
            continue
    return None


def _has_containers(path: str) -> bool:
    """One name after the other: a file system of the user's (FUSE) may have any number of them."""
    with os.scandir(path) as entries:
        return any(entry.name.endswith("-containers") for entry in entries)


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
    setting = parse_setting(_read_text(path), key)
    if setting.problem:
        raise StorageError("%s: %s" % (path, setting.problem))
    return setting.value


def parse_setting(text: str, key: str) -> _Setting:
    """Return the value of a text in the table [storage] of a storage.conf."""
    table = ""
    for line in text.split("\n"):
        match = _TABLE.match(line)
        if match:
            table = next(name for name in match.groups() if name is not None)
            continue
        if _INLINE.match(line) and key in line:
            return _Setting(None, "%s in an inline table is not understood, write it below [storage]" % key)
        match = _KEY.match(line)
        if not match or key not in match.groups() or table not in ("", "storage"):
            continue
        value = _TEXT.match(line, match.end())
        if not value or "\0" in value.group(0):
            return _Setting(None, "%s is not a text in quotes on one line: %s" % (key, line[:100]))
        literal, basic = value.group(2), value.group(1)
        return _Setting(literal if basic is None else re.sub(r'\\[\\"]', lambda found: _ESCAPES[found.group()], basic), None)
    return _Setting(None, None)


def _read_text(path: str) -> str:
    """A regular file's text, "" when there is none.

    :raises StorageError: it is another kind of file, or too large.
    """
    try:
        with open_regular(path) as handle:
            data = handle.read(_MAX_FILE + 1)
    except NotRegularError as exc:
        raise StorageError(str(exc))
    except OSError:
        return ""
    if len(data) > _MAX_FILE:
        raise StorageError("%s has more than %d bytes" % (path, _MAX_FILE))
    return data.decode("utf-8", "replace")


def _expand(path: str, identity: Identity) -> str:
    for name, value in (("HOME", identity.home), ("UID", str(identity.uid)), ("USER", identity.name)):
        path = path.replace("${%s}" % name, value).replace("$" + name, value)
    return path
