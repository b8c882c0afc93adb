# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""containers.conf: which cgroup settings every new container of a user gets.

Reads as much of TOML as one array of strings needs. The order of the files: containers.conf(5).
"""

import os
import re
from typing import List, Optional, Sequence, Tuple

from .._system.command import Identity
from .._system.host_files import Files
from .run_options import OOM_GROUP

OOM_GROUP_ON = OOM_GROUP + "=1"
_ETC = "/etc/containers/containers.conf"
_VENDOR = "/usr/share/containers/containers.conf"
_TABLE = re.compile(r"^[ \t]*\[[ \t]*([A-Za-z0-9_.\"]+)[ \t]*\][ \t]*(?:#.*)?$")
_KEY = re.compile(r"^[ \t]*cgroup_conf[ \t]*=[ \t]*(\[.*)$")
_STRING = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_APPEND = re.compile(r"append[ \t]*=[ \t]*true")


def drop_in_directory(identity: Identity) -> str:
    """Return the directory of a user's drop-ins (root: of the whole host's)."""
    return _own_file(identity) + ".d"


def config_paths(identity: Identity, files: Files) -> List[str]:
    """Return the paths that Podman reads for a user, in its order: a later one replaces an earlier one's array."""
    paths = []
    for path in [_VENDOR, _ETC] + ([_own_file(identity)] if identity.uid != 0 else []):
        paths.append(path)
        if path != _VENDOR:
            paths += [path + ".d/" + name for name in files.names(path + ".d") or [] if name.endswith(".conf")]
    return paths


def _own_file(identity: Identity) -> str:
    return _ETC if identity.uid == 0 else os.path.join(identity.home, ".config/containers/containers.conf")


def parse_cgroup_conf(text: str) -> Tuple[Optional[List[str]], bool]:
    """Return (values, whether they are added to earlier ones) of a containers.conf; values None when it has none."""
    lines, table = text.splitlines(), None
    for number, line in enumerate(lines):
        header = _TABLE.match(line)
        if header:
            table = header.group(1).strip('"')
        key = _KEY.match(line)
        if key and table == "containers":
            return _parse_array([key.group(1)] + lines[number + 1:])
    return None, False


def _parse_array(lines: Sequence[str]) -> Tuple[List[str], bool]:
    """Read an array of strings, which may continue over several lines."""
    values: List[str] = []
    appends = False
    for line in lines:
        bare = _STRING.sub("", line).split("#")[0]  # ignore # and ] inside strings
        values += [double or single for double, single in _STRING.findall(line)]
        appends = appends or bool(_APPEND.search(bare))
        if "]" in bare:
            break
    return values, appends


def default_cgroup_conf(identity: Identity, files: Files, without: Sequence[str] = ()) -> Tuple[List[str], List[str]]:
    """Return (values that every new container of a user gets, paths of the files that set them).

    :param without: paths that are ignored.
    """
    values: List[str] = []
    paths: List[str] = []
    for path in config_paths(identity, files):
        text = None if path in without else files.read(path)
        given, appends = parse_cgroup_conf(text or "")
        if given is not None:
            values, paths = (values + given, paths + [path]) if appends else (given, [path])
    return values, paths
