# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of containers that stay the same when a container is recreated. Pure."""

from __future__ import annotations

from typing import NamedTuple

from .container_facts import Facts


class ContainerKey(NamedTuple):
    """A container as findings name it."""

    stable_name: str  # the same after it is recreated: its unit, or its name, or at last its id
    user: str
    name: str  # what people call it
    unit: str | None


class ContainerKeys:
    """The containers of one host by their stable names."""

    def __init__(self, facts: Facts) -> None:
        """Look at all containers: a unit that runs several of them (a pod) can't name one."""
        self._names_in_unit: dict[tuple[str, str], set[str]] = {}
        self._unit_of: dict[tuple[str, str], str] = {}
        for container in facts.get("containers") or []:
            user, name, unit = container["user"], shown_name(container), _unit(container)
            if unit:
                self._names_in_unit.setdefault((user, unit), set()).add(name)
                self._unit_of[(user, name)] = unit

    def lookup(self, container: Facts) -> ContainerKey:
        """Return the key of an element of `containers` or `removed`."""
        user, name = container["user"], shown_name(container)
        # a removed container had the unit of the one that has its name now
        unit = _unit(container) or self._unit_of.get((user, name))
        shared = unit is not None and len(self._names_in_unit.get((user, unit), ())) > 1
        stable_name = "%s/%s" % (unit, name) if shared else unit or container.get("name") or container["id"]
        return ContainerKey(stable_name, user, name, unit)


def shown_name(container: Facts) -> str:
    """Return what people call a container: its name; the beginning of its id where that is not known or not valid."""
    return container.get("name") or str(container.get("id"))[:12]


def _unit(container: Facts) -> str | None:
    return (container.get("manager") or {}).get("unit")
