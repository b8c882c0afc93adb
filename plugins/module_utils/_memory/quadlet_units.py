# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units of containers and our drop-ins: ask systemd, read, write, reload.

Everything that belongs to a user is read and written as that user, so root never follows the user's links.
What the files say: quadlet.py.
"""

import os
from typing import Dict, Iterable, NamedTuple, Optional

from .._system.command import Identity, current_identity
from .._system.systemctl import Systemctl, SystemctlError
from .._system.user_files import UserFileError, read_user_file, remove_user_file, write_user_file
from .quadlet import DROP_IN

_SYSTEM = "/etc/containers/systemd"
_SYSTEM_USERS = _SYSTEM + "/users"


class Unit(NamedTuple):
    """A unit that systemd knows."""

    name: str
    source: str  # path of the quadlet file, "" for none
    fragment: str  # path of the unit file, "" for none


class DropInPlace(NamedTuple):
    """Where our drop-in goes."""

    path: str
    writer: Identity  # who can write there


class UnitError(Exception):
    """A unit is not there, or not as it has to be."""


# What the methods of Units raise: also when systemd refuses or does not answer, and when a file can't be read or written.
UNIT_ERRORS = (UnitError, SystemctlError, UserFileError)


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
        shown = self._systemctl.show(names, ["SourcePath", "FragmentPath"])
        return {name: Unit(name, properties.get("SourcePath", ""), properties.get("FragmentPath", ""))
                for name, properties in shown.items()}

    def read_unit(self, unit: Unit) -> str:
        """Return the text of a generated unit."""
        if not unit.fragment:
            raise UnitError("%s: systemd does not know the unit any more" % unit.name)
        text = read_user_file(self._identity, unit.fragment, self._timeout)
        if text is None:
            raise UnitError("%s: there is no such file" % unit.fragment)
        return text

    def drop_in_place(self, unit: Unit) -> DropInPlace:
        """Return the place of the drop-in for the quadlet file of a unit.

        Quadlet looks for NAME.container.d in all directories of the user, not only beside the file. So a file that
        root keeps for a user gets it in that user's own part of /etc, and never one that others share.
        """
        name = os.path.join(os.path.basename(unit.source) + ".d", DROP_IN)
        me = current_identity()
        if self._identity.uid == 0:
            return DropInPlace(os.path.join(_SYSTEM, name), me)
        if me.uid == 0 and unit.source.startswith(_SYSTEM_USERS + "/"):
            return DropInPlace(os.path.join(_SYSTEM_USERS, str(self._identity.uid), name), me)
        return DropInPlace(os.path.join(self._identity.home, ".config/containers/systemd", name), self._identity)

    def read_drop_in(self, place: DropInPlace) -> Optional[str]:
        """Return the text of our drop-in, None when there is none."""
        return read_user_file(place.writer, place.path, self._timeout)

    def write_drop_in(self, place: DropInPlace, text: Optional[str]) -> None:
        """Replace our drop-in atomically; None removes it, and its directory when nothing else is in it."""
        if text is None:
            remove_user_file(place.writer, place.path, self._timeout, with_directory=True)
        else:
            write_user_file(place.writer, place.path, text, self._timeout)

    def reload(self) -> None:
        """Make the manager reload its units; nothing is restarted."""
        self._systemctl.run("daemon-reload")

    def restart(self, name: str) -> None:
        """Restart a unit, which recreates its container."""
        self._systemctl.run("restart", "--", name)
