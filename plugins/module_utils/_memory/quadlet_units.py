# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""The units of containers and our drop-ins: ask systemd, read, write, reload.

Everything that belongs to a user is read and written as that user, so root never follows what he made there.
What the files say: _quadlet.py.
"""

import os
from collections import namedtuple

from .._system.command import CommandError, current_identity, run_command
from .._system.systemctl import Systemctl, SystemctlError
from .._system.user_files import WRITE
from . import quadlet as _quadlet

# name: of the unit; source: path of the quadlet file or None; fragment: path of the unit file or None.
Unit = namedtuple("Unit", "name source fragment")

# folder: where the drop-in goes; writer: _command.Identity who can write there.
Place = namedtuple("Place", "folder writer")

_SYSTEM = "/etc/containers/systemd"
_SYSTEM_USERS = _SYSTEM + "/users"
_REMOVE = 'rm -f -- "$1/$2" && { rmdir -- "$1" 2>/dev/null || :; }'


class UnitError(Exception):
    """systemd could not be asked, or a file could not be read or written."""


class Units(object):
    """The units of one user's manager.

    :param identity: _command.Identity of the owner of the containers.
    :param timeout: seconds for each command.
    """

    def __init__(self, identity, timeout):
        self._identity = identity
        self._timeout = timeout
        self._systemctl = Systemctl(identity, timeout)

    def known(self, names):
        """Return {name: Unit} in one call.

        :raises UnitError: no answer.
        """
        try:
            shown = self._systemctl.show(names, ["SourcePath", "FragmentPath"])
        except SystemctlError as exc:
            raise UnitError(str(exc))
        return {name: Unit(name, properties.get("SourcePath") or None, properties.get("FragmentPath") or None)
                for name, properties in shown.items()}

    def text(self, unit):
        """Return the text of a generated unit.

        :raises UnitError: it can't be read.
        """
        if unit.fragment is None:
            raise UnitError("%s: systemd does not know the unit any more" % unit.name)
        return self._run(["cat", "--", unit.fragment], self._identity)

    def place(self, unit):
        """Return the Place of the drop-in for a quadlet file.

        Quadlet looks for NAME.container.d in all directories of the user, not only beside the file. So a file that
        root keeps for a user gets it in that user's own part of /etc, and never one that others share.
        """
        folder = os.path.basename(unit.source) + ".d"
        me = current_identity()
        if self._identity.uid == 0:
            return Place(os.path.join(_SYSTEM, folder), me)
        if me.uid == 0 and unit.source.startswith(_SYSTEM_USERS + "/"):
            return Place(os.path.join(_SYSTEM_USERS, str(self._identity.uid), folder), me)
        return Place(os.path.join(self._identity.home, ".config/containers/systemd", folder), self._identity)

    def drop_in(self, place):
        """Return the text of our drop-in, None when there is none.

        :raises UnitError: it can't be read.
        """
        path = os.path.join(place.folder, _quadlet.DROP_IN)
        said = self._run(["sh", "-c", 'if [ -e "$1" ]; then echo yes && cat -- "$1"; fi', "sh", path], place.writer)
        return said.partition("\n")[2] if said else None

    def write(self, place, text):
        """Replace our drop-in at once; None removes it.

        :raises UnitError: it can't be written.
        """
        if text is None:
            self._run(["sh", "-c", _REMOVE, "sh", place.folder, _quadlet.DROP_IN], place.writer)
        else:
            self._run(["sh", "-c", WRITE, "sh", place.folder, _quadlet.DROP_IN], place.writer, text.encode("utf-8"))

    def reload(self):
        """Make the manager read its units again; nothing is restarted."""
        self._systemd("daemon-reload")

    def restart(self, name):
        """Restart a unit, which makes its container anew."""
        self._systemd("restart", "--", name)

    def _systemd(self, *arguments):
        try:
            self._systemctl.run(*arguments)
        except SystemctlError as exc:
            raise UnitError(str(exc))

    def _run(self, argv, identity, stdin=None):
        try:
            result = run_command(argv, self._timeout, identity, stdin=stdin)
        except CommandError as exc:
            raise UnitError(str(exc))
        if result.rc != 0:
            raise UnitError("%s: exit code %d: %s" % (" ".join(argv) if argv[0] != "sh" else argv[-2],
                                                      result.rc, result.err[-500:] or "(no message)"))
        return result.out.decode("utf-8", "replace")
