# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units of containers and our drop-ins: ask systemd, read, write, reload.

Everything that belongs to a user is read and written as that user, so root never follows the user's links.
What the files say: quadlet.py.
"""

import os
from typing import Dict, Iterable, NamedTuple, Optional

from .._system.command import CommandError, Identity, current_identity, run_command
from .._system.systemctl import Systemctl, SystemctlError
from .._system.user_files import UserFileError, remove_user_file, write_user_file
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

    folder: str
    writer: Identity  # who can write there


class UnitError(Exception):
    """systemd could not be asked, or a file could not be read or written."""


class Units:
    """The units of one user's manager.

    :param identity: of the owner of the containers.
    :param timeout: seconds for each command.
    """

    def __init__(self, identity: Identity, timeout: float) -> None:
        self._identity = identity
        self._timeout = timeout
        self._systemctl = Systemctl(identity, timeout)

    def lookup(self, names: Iterable[str]) -> Dict[str, Unit]:
        """Return {name: Unit} in one call.

        :raises UnitError: no answer.
        """
        try:
            shown = self._systemctl.show(names, ["SourcePath", "FragmentPath"])
        except SystemctlError as exc:
            raise UnitError(str(exc))
        return {name: Unit(name, properties.get("SourcePath", ""), properties.get("FragmentPath", ""))
                for name, properties in shown.items()}

    def read_unit(self, unit: Unit) -> str:
        """Return the text of a generated unit.

        :raises UnitError: it can't be read.
        """
        if not unit.fragment:
            raise UnitError("%s: systemd does not know the unit any more" % unit.name)
        return self._run("cat %s" % unit.fragment, ["cat", "--", unit.fragment], self._identity)

    def drop_in_place(self, unit: Unit) -> DropInPlace:
        """Return the place of the drop-in for the quadlet file of a unit.

        Quadlet looks for NAME.container.d in all directories of the user, not only beside the file. So a file that
        root keeps for a user gets it in that user's own part of /etc, and never one that others share.
        """
        folder = os.path.basename(unit.source) + ".d"
        me = current_identity()
        if self._identity.uid == 0:
            return DropInPlace(os.path.join(_SYSTEM, folder), me)
        if me.uid == 0 and unit.source.startswith(_SYSTEM_USERS + "/"):
            return DropInPlace(os.path.join(_SYSTEM_USERS, str(self._identity.uid), folder), me)
        return DropInPlace(os.path.join(self._identity.home, ".config/containers/systemd", folder), self._identity)

    def read_drop_in(self, place: DropInPlace) -> Optional[str]:
        """Return the text of our drop-in, None when there is none.

        :raises UnitError: it can't be read.
        """
        path = os.path.join(place.folder, DROP_IN)
        script = 'if [ -e "$1" ]; then echo yes && cat -- "$1"; fi'
        output = self._run(path, ["sh", "-c", script, "sh", path], place.writer)
        return output.partition("\n")[2] if output else None

    def write_drop_in(self, place: DropInPlace, text: Optional[str]) -> None:
        """Replace our drop-in atomically; None removes it, and its directory when nothing else is in it.

        :raises UnitError: it can't be written.
        """
        try:
            if text is not None:
                write_user_file(place.writer, place.folder, DROP_IN, text, self._timeout)
                return
            remove_user_file(place.writer, place.folder, DROP_IN, self._timeout)
            run_command(["rmdir", "--", place.folder], self._timeout, place.writer)  # fails when something is in it
        except (UserFileError, CommandError) as exc:
            raise UnitError(str(exc))

    def reload(self) -> None:
        """Make the manager reload its units; nothing is restarted.

        :raises UnitError: it failed.
        """
        self._systemd("daemon-reload")

    def restart(self, name: str) -> None:
        """Restart a unit, which recreates its container.

        :raises UnitError: it failed.
        """
        self._systemd("restart", "--", name)

    def _systemd(self, *arguments: str) -> None:
        try:
            self._systemctl.run(*arguments)
        except SystemctlError as exc:
            raise UnitError(str(exc))

    def _run(self, what: str, argv: Iterable[str], identity: Identity) -> str:
        try:
            result = run_command(list(argv), self._timeout, identity)
        except CommandError as exc:
            raise UnitError(str(exc))
        if result.rc != 0:
            raise UnitError("%s: exit code %d: %s" % (what, result.rc, result.err[-500:] or "(no message)"))
        return result.out.decode("utf-8", "replace")
