# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""containers.conf: which cgroup settings every new container of a user gets.

Reads files; knows of TOML as much as one array of strings needs. Order: containers.conf(5).
"""

import os
import re

SYSTEM = "/etc/containers/containers.conf"
_VENDOR = "/usr/share/containers/containers.conf"
_TABLE = re.compile(r"^[ \t]*\[[ \t]*([A-Za-z0-9_.\"]+)[ \t]*\][ \t]*(?:#.*)?$")
_KEY = re.compile(r"^[ \t]*cgroup_conf[ \t]*=[ \t]*(\[.*)$")
_TEXT = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_APPEND = re.compile(r"append[ \t]*=[ \t]*true")
ON = "memory.oom.group=1"


def drop_in_directory(identity):
    """Return where drop-ins of a user are (root: of the whole host)."""
    return _of_user(identity) + ".d"


def files(identity, files_at):
    """Return the paths that Podman reads for a user, in its order: a later one replaces an earlier one's array.

    :param files_at: _host_files.Files.
    """
    found = []
    for path in [_VENDOR, SYSTEM] + ([_of_user(identity)] if identity.uid != 0 else []):
        found.append(path)
        if path != _VENDOR:
            found += [path + ".d/" + name for name in files_at.names(path + ".d") or [] if name.endswith(".conf")]
    return found


def _of_user(identity):
    return SYSTEM if identity.uid == 0 else os.path.join(identity.home, ".config/containers/containers.conf")


def cgroup_conf(text):
    """Return (values, whether they are added to earlier ones) of a containers.conf; values None when it has none."""
    lines, table = text.splitlines(), None
    for number, line in enumerate(lines):
        header = _TABLE.match(line)
        if header:
            table = header.group(1).strip('"')
        found = _KEY.match(line)
        if found and table == "containers":
            return _array([found.group(1)] + lines[number + 1:])
    return None, False


def _array(lines):
    """An array may go on over lines; comments begin with # outside of texts."""
    values, appends = [], False
    for line in lines:
        # what is in texts must not be taken for a comment or the array's end
        bare = _TEXT.sub("", line).split("#")[0]
        for first, second in _TEXT.findall(line):
            values.append(first or second)
        appends = appends or bool(_APPEND.search(bare))
        if "]" in bare:
            break
    return values, appends


def default(identity, files_at, without=()):
    """Return (values that every new container of a user gets, paths of the files that say so).

    :param without: paths that are not looked at.
    """
    values, paths = [], []
    for path in files(identity, files_at):
        text = None if path in without else files_at.read(path)
        given, appends = cgroup_conf(text or "")
        if given is not None:
            values, paths = (values + given, paths + [path]) if appends else (given, [path])
    return values, paths
