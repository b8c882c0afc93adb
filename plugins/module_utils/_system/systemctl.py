# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Call systemctl for one systemd manager, and read what `systemctl show` prints.

Knows nothing of what the properties mean.
"""

import re
from typing import Dict, Iterable, List, Optional, Sequence

from .command import CommandError, CommandResult, Identity, run_command

# systemd.unit(5), without templates (name@.service): they have no properties, and asking for one fails for all others.
_UNIT_NAME = re.compile(r"(?!-)[A-Za-z0-9:_.\\-]+(?:@[A-Za-z0-9:_.\\@-]+)?\.[a-z]+")
_MAX_UNIT_NAME = 255
_MAX_MESSAGE = 500


def is_unit_name(text: str) -> bool:
    """Whether a text can be the name of one unit, and neither a pattern of several nor an option of systemctl."""
    return len(text) <= _MAX_UNIT_NAME and bool(_UNIT_NAME.fullmatch(text))


class SystemctlError(Exception):
    """systemctl could not be run, or failed."""


class Systemctl:
    """One systemd manager.

    :param identity: of the user whose manager it is, the system's for root; None: the system's, asked as the caller.
    :param timeout: seconds for each command.

    Its methods raise SystemctlError: systemctl could not be run; run() and show() also when its exit code is not 0.
    """

    def __init__(self, identity: Optional[Identity], timeout: float) -> None:
        self._identity = identity
        self._timeout = timeout

    def show(self, units: Iterable[str], properties: Sequence[str], partial: bool = False) -> Dict[str, Dict[str, str]]:
        """Return {unit: {property: value}} of all units in one call, as parse_show().

        Names that can be no unit's are left out: they come from labels of containers, which are anybody's text.

        :param partial: when systemctl fails, return the units that it printed: it stops at the first one that it refuses.
        """
        names = sorted({unit for unit in units if is_unit_name(unit)})
        if not names:
            return {}
        arguments = show_arguments(names, properties)
        return parse_show(self._call(arguments).out.decode("utf-8", "replace") if partial else self.run(*arguments))

    def run(self, *arguments: str) -> str:
        """Run `systemctl ARGUMENTS` and return what it printed; what follows `--` has to be names of units."""
        names = arguments[arguments.index("--") + 1:] if "--" in arguments else ()
        for name in names:
            if not is_unit_name(name):
                raise SystemctlError("%r is not the name of a unit" % name[:_MAX_UNIT_NAME])
        result = self._call(arguments)
        if result.rc != 0:
            words = arguments[:len(arguments) - len(names) - 1] if names else arguments
            raise SystemctlError("%s: exit code %d: %s" % (
                " ".join(self._command() + list(words)), result.rc, result.err[-_MAX_MESSAGE:] or "(no message)"))
        return result.out.decode("utf-8", "replace")

    def state(self, question: str, unit: str) -> str:
        """Return the word that `systemctl is-enabled`, `is-active` or `is-failed` prints; its exit code says the same."""
        return self._call([question, unit]).out.decode("utf-8", "replace").strip()

    def _command(self) -> List[str]:
        return ["systemctl"] + ([] if self._identity is None or self._identity.uid == 0 else ["--user"])

    def _call(self, arguments: Sequence[str]) -> CommandResult:
        try:
            return run_command(self._command() + list(arguments), self._timeout, self._identity)
        except CommandError as exc:
            raise SystemctlError(str(exc))


def show_arguments(units: Sequence[str], properties: Sequence[str]) -> List[str]:
    """Return the arguments of systemctl that print properties of units for parse_show()."""
    return ["show", "--property=" + ",".join(["Id"] + list(properties)), "--"] + list(units)


def parse_show(text: str) -> Dict[str, Dict[str, str]]:
    """Return {unit: {property: value}} of what `systemctl show --property=Id,…` prints: a block of lines for each unit.

    A unit that does not exist has its defaults; a property that this systemd does not know is not in it. One that stands
    on several lines (ExecStart= of a oneshot) has them in its value, one a line.
    """
    units = {}
    for block in text.split("\n\n"):
        properties: Dict[str, str] = {}
        for line in block.split("\n"):
            name, equals, value = line.partition("=")
            if equals:
                properties[name] = properties[name] + "\n" + value if name in properties else value
        if properties.get("Id"):
            units[properties["Id"]] = properties
    return units
