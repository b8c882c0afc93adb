# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units of containers and our drop-ins: ask systemd, read, write, reload.

Runs in the process of the user whose units they are, so that no link of the user's leads root elsewhere. What the files say:
quadlet.py.
"""

import os
from contextlib import suppress
from typing import Dict, Iterable, NamedTuple, Optional

from .._podman.unit_command import podman_run_lines, runs_container
from .._system.command import Identity
from .._system.host_files import Files, replace_file
from .._system.systemctl import Systemctl, SystemctlError
from .quadlet import DROP_IN

_SYSTEM = "/etc/containers/systemd"


class Unit(NamedTuple):
    """A unit that systemd knows."""

    name: str
    source: str  # path of the quadlet file, "" for none
    fragment: str  # path of the unit file, "" for none
    run_line: str = ""  # its `podman run …` as systemd would execute it, "" for none

    def runs(self, name: str) -> bool:
        """Whether it runs the container of this name."""
        return runs_container(self.run_line, name)


class UnitError(Exception):
    """A unit is not there, or not as it has to be."""


# What the methods of Units raise: also when systemd refuses or does not answer, and when a file can't be read or written.
UNIT_ERRORS = (UnitError, SystemctlError, OSError)


class Units:
    """The units of one user's manager.

    :param identity: of the owner of the containers.
    :param timeout: seconds for each command.

    Its methods raise UNIT_ERRORS.
    """

    def __init__(self, identity: Identity, timeout: float) -> None:
        self._identity = identity
        self._timeout = timeout
        self._systemctl = Systemctl(identity, timeout)

    def lookup(self, names: Iterable[str]) -> Dict[str, Unit]:
        """Return {name: Unit} in one call."""
        shown = self._systemctl.show(names, ["SourcePath", "FragmentPath", "ExecStart"])
        lines = podman_run_lines(shown)
        return {name: Unit(name, properties.get("SourcePath", ""), properties.get("FragmentPath", ""), lines.get(name, ""))
                for name, properties in shown.items()}

    def read_unit(self, unit: Unit) -> str:
        """Return the text of a generated unit."""
        if not unit.fragment:
            raise UnitError("%s: systemd does not know the unit any more" % unit.name)
        text = _read(unit.fragment)
        if text is None:
            raise UnitError("%s: there is no such file" % unit.fragment)
        return text

    def drop_in_path(self, unit: Unit) -> str:
        """Return the path of the drop-in for the quadlet file of a unit.

        Quadlet looks for NAME.container.d in all directories of the user, not only beside the file. So a file that
        root keeps for users gets it in the user's home directory, and never one that others share.
        """
        folder = _SYSTEM if self._identity.uid == 0 else os.path.join(self._identity.home, ".config/containers/systemd")
        return os.path.join(folder, os.path.basename(unit.source) + ".d", DROP_IN)

    def read_drop_in(self, path: str) -> Optional[str]:
        """Return the text of our drop-in, None when there is none."""
        return _read(path)

    def write_drop_in(self, path: str, text: Optional[str]) -> None:
        """Replace our drop-in atomically; None removes it, and its directory when nothing else is in it."""
        folder = os.path.dirname(path)
        if text is not None:
            os.makedirs(folder, mode=0o755, exist_ok=True)
            replace_file(path, text.encode("utf-8"), 0o644)
            return
        with suppress(FileNotFoundError):
            os.unlink(path)
        with suppress(OSError):  # there is something else in it, or it is not there
            os.rmdir(folder)

    def reload(self) -> None:
        """Make the manager reload its units; nothing is restarted."""
        self._systemctl.run("daemon-reload")

    def restart(self, name: str) -> None:
        """Restart a unit, which recreates its container."""
        self._systemctl.run("restart", "--", name)


def _read(path: str) -> Optional[str]:
    """:raises UnitError: it is there and can't be read."""
    files = Files()
    text = files.read(path)
    if path in files.unreadable:
        raise UnitError("%s: %s" % (path, files.unreadable[path]))
    return text
