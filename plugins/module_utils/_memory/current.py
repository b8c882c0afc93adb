# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the present state of the containers of one user that container_memory is to change: Podman, units, cgroups.

Runs in the user's process, but for find_owner(). Reads only; a fixed number of processes for each user, and one for each container
that does not run (Podman's inspect shows the limits of its last start then, also of one that failed).
"""

import os
import pwd
import time
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from .._cgroup.cgroupfs import CgroupFiles
from .._cgroup.paths import cgroup_lineage
from .._door.grammar import is_id
from .._podman.cli import Podman, PodmanError, matches_word
from .._podman.inspect import Container
from .._podman.listing import PodmanAnswer, query_containers
from .._podman.run_options import MemorySettings
from .._system.command import Identity, current_identity, identity_from_passwd
from .._system.users import User
from .enforced import Enforced
from .method import KEEPS_OTHER_RESOURCES, KEEPS_UPDATES, Context
from .plan import CurrentState
from .quadlet import UnreadableUnit, unit_settings
from .quadlet_units import UNIT_ERRORS, Unit, UnitError, Units
from .request import Request
from .settings import from_resources

# A container in a crash loop is alive for a part of the time, and a unit's container is not even there between two runs.
_LOOKS = 3
_PAUSE = 1.0  # seconds between them


class Target(NamedTuple):
    """A container that is to be changed."""

    request: Request
    identity: Identity  # of the owner
    container: Container
    current: CurrentState
    unit: Optional[Unit]
    resources: Optional[Dict[str, Any]]  # all that Podman keeps, where they have to be sent again


class Refusal(NamedTuple):
    """A container that can't be read."""

    request: Request
    ident: Optional[str]  # of the container, None where there is none
    reason: str
    gone: bool = False  # there is no such container


class Reading(NamedTuple):
    """What the requests mean."""

    targets: List[Target]  # of those that could be read, in the requests' order
    refusals: List[Refusal]  # the others


class RequestRefused(ValueError):
    """No container of a user can be read or changed: `reasons` has a line for each reason."""

    def __init__(self, reasons: List[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


class _NotThere(ValueError):
    """There is no such container now."""


def find_owner(name: str) -> Identity:
    """Return the user of that name.

    :raises RequestRefused: there is none, or the caller may not change their containers.
    """
    me = current_identity()
    try:
        identity = me if name == me.name else identity_from_passwd(pwd.getpwnam(name))
    except KeyError:
        raise RequestRefused(["user: there is no user %r on this host" % name])
    if me.uid not in (0, identity.uid):
        raise RequestRefused(["user: only root can change the containers of %r, this is %r (use become)" % (name, me.name)])
    return identity


class TargetReader:
    """Reads containers; each cgroup is read once.

    :param executable: name or path of Podman.
    :param timeout: seconds for each command.
    :param version: of Podman.
    """

    def __init__(self, executable: str, timeout: float, version: Tuple[int, ...]) -> None:
        self._executable = executable
        self._timeout = timeout
        self._version = version
        self._files = CgroupFiles()

    def read(self, user: User, requests: Sequence[Request]) -> Reading:
        """Return the user's containers that the requests mean.

        :raises RequestRefused: none can be read.
        """
        containers, refusals = self._find_containers(user, requests)
        units = Units(user.identity, self._timeout)
        known, problem = _lookup_units(units, containers.values())
        targets = []
        for request in requests:
            container = containers.get(id(request))
            if container is None:
                continue
            try:
                if problem and container.facts["manager"]["unit"]:
                    raise UnitError(problem)
                targets.append(self._read_target(request, user.identity, container, units, known))
            except UNIT_ERRORS + (PodmanError, UnreadableUnit) as exc:
                reason = "%sname: %s of %s: %s" % (request.where, request.name, request.user, exc)
                refusals.append(Refusal(request, container.ident, reason))
        return Reading(targets, refusals)

    def _find_containers(self, user: User, requests: Sequence[Request]) -> Tuple[Dict[int, Container], List[Refusal]]:
        """Return ({id of the request: its container}, the requests without one).

        Containers that are gone between Podman's answer and the look at their cgroup are looked for again.
        """
        containers: Dict[int, Container] = {}
        missing: Dict[int, Refusal] = {}
        pending = list(requests)
        for look in range(_LOOKS):
            answer = query_containers(user, [request.name for request in pending], self._executable, self._timeout)
            source = answer.sources[0]
            if source["status"] not in ("ok", "partial"):
                raise RequestRefused(["user %s: %s" % (user.identity.name, source["detail"])])
            again = []
            for request in pending:
                try:
                    container = containers[id(request)] = _find_container(request, answer)
                    missing.pop(id(request), None)
                    if container.running and self._files.container_cgroups(container.pid or 0, container.ident) is None:
                        again.append(request)
                except ValueError as exc:
                    gone, ident = isinstance(exc, _NotThere), request.name if is_id(request.name) else None
                    missing.setdefault(id(request), Refusal(request, ident, str(exc), gone))
                    if gone and ident is None:  # an id is gone for ever
                        again.append(request)
            pending = again
            if not pending or look == _LOOKS - 1:
                break
            time.sleep(_PAUSE)
        duplicates = _duplicates(containers, requests)
        for refusal in duplicates:
            containers.pop(id(refusal.request))
        return containers, [refusal for key, refusal in missing.items() if key not in containers] + duplicates

    def _read_target(self, request: Request, identity: Identity, container: Container, units: Units,
                     known: Dict[str, Unit]) -> Target:
        manager = container.facts["manager"]
        kind, unit = manager["kind"], known.get(manager["unit"])
        if unit is not None and unit.source.endswith(".container") and not unit.runs(container.facts["name"]):
            unit = None
        quadlet_file = unit.source if unit is not None and unit.source.endswith(".container") else None
        if kind == "systemd" and quadlet_file:
            kind = "quadlet"  # with CgroupsMode= the command line does not show it
        enforced = self._read_enforced(container)
        context = Context(
            version=self._version, cgroup_version=self._files.hierarchy.version, rootless=identity.uid != 0,
            running=enforced is not None, own_cgroup=enforced is not None and enforced.own is not None, manager=kind,
            unit_file=quadlet_file, template=quadlet_file is not None and "@" in os.path.basename(quadlet_file),
            pod=bool(container.facts["pod"]), auto_remove=container.auto_remove)
        record, resources = self._read_record(container, enforced is not None, identity)
        declared = unit_settings(units.read_unit(unit)) if kind == "quadlet" and unit is not None and quadlet_file else None
        current = CurrentState(context=context, record=record, unit=declared, enforced=enforced)
        return Target(request=request, identity=identity, container=container, current=current, unit=unit, resources=resources)

    def _read_record(self, container: Container, running: bool,
                     identity: Identity) -> Tuple[MemorySettings, Optional[Dict[str, Any]]]:
        """Return (settings that Podman keeps, its resources or None where they aren't needed)."""
        if self._version < KEEPS_UPDATES or (running and self._version >= KEEPS_OTHER_RESOURCES):
            return container.facts["declared"], None
        resources = Podman(self._executable, identity, self._timeout).resources(container.ident)
        return from_resources(resources), resources

    def _read_enforced(self, container: Container) -> Optional[Enforced]:
        files = self._files
        cgroups = files.container_cgroups(container.pid, container.ident) if container.running and container.pid else None
        if cgroups is None:
            return None
        enforced = Enforced(
            cgroup_version=files.hierarchy.version, own=cgroups.own,
            lineage=[(path, files.limits(path)) for path in cgroup_lineage(cgroups.leaf)],
            low=files.low(cgroups.leaf), counts_swap=files.counts_swap(cgroups.leaf),
            working_set=files.usage(cgroups.own)["working_set"] if cgroups.own else None)
        # of one that ends meanwhile all files read as "no limit"
        return enforced if files.container_cgroups(container.pid or 0, container.ident) is not None else None


def _lookup_units(units: Units, containers: Iterable[Container]) -> Tuple[Dict[str, Unit], Optional[str]]:
    """Return ({name: Unit}, why they are not known)."""
    names = [container.facts["manager"]["unit"] for container in containers]
    try:
        return units.lookup([name for name in names if name]), None
    except UNIT_ERRORS as exc:
        return {}, str(exc)


def _find_container(request: Request, answer: PodmanAnswer) -> Container:
    idents = [listed.ident for listed in answer.listed if matches_word(listed.ident, listed.name, request.name)]
    if not idents:
        raise _NotThere("%sname: %s has no container %r" % (request.where, request.user, request.name))
    if len(idents) > 1:
        raise ValueError("%sname: %r means %d containers of %s; give more of the ID" % (
            request.where, request.name, len(idents), request.user))
    for container in answer.containers:
        if container.ident == idents[0]:
            return container
    where = "%sname: %r of %s: " % (request.where, request.name, request.user)
    if answer.errors:
        raise ValueError(where + answer.errors[0]["message"])
    raise _NotThere(where + "it has gone in the meantime")


def _duplicates(containers: Dict[int, Container], requests: Sequence[Request]) -> List[Refusal]:
    """Two requests for one container could contradict each other."""
    first: Dict[str, Request] = {}
    refusals = []
    for request in requests:
        container = containers.get(id(request))
        if container is None:
            continue
        other = first.setdefault(container.ident, request)
        if other is not request:
            refusals.append(Refusal(request, container.ident, "%sname: %r is the same container as %sname: %r; give all settings once" % (
                request.where, request.name, other.where, other.name)))
    return refusals
