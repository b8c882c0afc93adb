# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""containers.conf: which cgroup settings every new container of a user gets. The order of the files: containers.conf(5)."""

import os
from typing import List, NamedTuple, Optional, Sequence, Tuple

from .._system.command import Identity
from .._system.host_files import Files
from .run_options import OOM_GROUP
from .toml import TomlError, parse_toml

OOM_GROUP_ON = OOM_GROUP + "=1"
_ETC = "/etc/containers/containers.conf"
_VENDOR = "/usr/share/containers/containers.conf"


class ConfigError(ValueError):
    """A containers.conf is not understood, so what new containers get is not known; the message has the path."""


class CgroupConf(NamedTuple):
    """cgroup_conf of one file."""

    values: List[str]
    append: Optional[bool]  # whether they are added to those of earlier files; None: it does not say


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


def parse_cgroup_conf(text: str) -> Optional[CgroupConf]:
    """Return cgroup_conf of a containers.conf, None when it has none.

    :raises ConfigError: it is not understood.
    """
    try:
        containers = parse_toml(text).get("containers", {})
    except TomlError as exc:
        raise ConfigError(str(exc))
    given = containers.get("cgroup_conf") if isinstance(containers, dict) else containers
    if given is None:
        return None
    # containers/common, pkg/internal/attributedstring/slice.go: texts, and tables {append = true}
    if not isinstance(given, list) or not all(isinstance(value, (str, dict)) for value in given):
        raise ConfigError("cgroup_conf is no array of strings")
    appends = [value for value in given if isinstance(value, dict)]
    if any(set(value) - {"append"} or not isinstance(value.get("append", True), bool) for value in appends):
        raise ConfigError("cgroup_conf has a table that is not {append = true}")
    said = [value["append"] for value in appends if value]
    return CgroupConf([value for value in given if isinstance(value, str)], said[-1] if said else None)


def default_cgroup_conf(identity: Identity, files: Files, without: Sequence[str] = ()) -> Tuple[List[str], List[str]]:
    """Return (values that every new container of a user gets, paths of the files that set them).

    Where a file has {append = true}, later ones add to it as well, until one says false (slice.go; seen with Podman 5.4).

    :param without: paths that are ignored.
    :raises ConfigError: a file is not understood.
    """
    values: List[str] = []
    paths: List[str] = []
    appends = False
    for path in config_paths(identity, files):
        text = None if path in without else files.read(path)
        try:
            given = parse_cgroup_conf(text or "")
        except ConfigError as exc:
            raise ConfigError("%s: %s" % (path, exc))
        if given is not None:
            appends = appends if given.append is None else given.append
            values, paths = (values + given.values, paths + [path]) if appends else (given.values, [path])
    return values, paths


def default_oom_group(identity: Identity, files: Files) -> bool:
    """Whether every new container of a user gets memory.oom.group.

    :raises ConfigError: a file is not understood.
    """
    # as a map: the last value of a name counts (podman-run(1), --cgroup-conf)
    pairs = dict(value.partition("=")[::2] for value in default_cgroup_conf(identity, files)[0])
    return pairs.get(OOM_GROUP, "").strip() == "1"
