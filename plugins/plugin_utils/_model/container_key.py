# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Which container a finding is about, named so that it stays the same when it is made anew.

Pure.
"""

from __future__ import annotations

from typing import NamedTuple

from .finding import Facts


class ContainerKey(NamedTuple):
    """A container as people and findings name it."""

    key: str  # stable over recreation: its unit, or its name, or at last its id
    user: str
    name: str  # what people call it
    unit: str | None


class ContainerKeys:
    """The containers of one host by their stable names."""

    def __init__(self, facts: Facts) -> None:
        """Look at all containers: a unit that runs several of them (a pod) can't name one."""
        self._units: dict[tuple[str, str], set[str]] = {}
        self._unit_of: dict[tuple[str, str], str] = {}
        for container in facts.get("containers") or []:
            user, name, unit = container["user"], container["name"], _unit(container)
            if unit:
                self._units.setdefault((user, unit), set()).add(name)
                self._unit_of[(user, name)] = unit

    def lookup(self, container: Facts) -> ContainerKey:
        """Return the Subject of an element of `containers` or `removed`."""
        user, name = container["user"], container.get("name") or ""
        # a removed container had the unit of the one that has its name now
        unit = _unit(container) or self._unit_of.get((user, name))
        shared = unit is not None and len(self._units.get((user, unit), ())) > 1
        key = "%s/%s" % (unit, name) if shared else unit or name or container["id"]
        return ContainerKey(key, user, name or container["id"][:12], unit)


def _unit(container: Facts) -> str | None:
    return (container.get("manager") or {}).get("unit")
