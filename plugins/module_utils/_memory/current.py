# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Look at the containers that container_memory is to change: Podman, their units, their cgroups.

Reads only; a fixed number of processes for each user, and one for each container that has stopped (Podman's
inspect shows the last run's limits then).
"""

import os
import pwd
from collections import namedtuple

from .._cgroup import paths as _cgroup_path
from .._cgroup.cgroupfs import CgroupFiles
from .._podman import listing as _listing
from .._podman.cli import Podman, PodmanError, matches_word
from .._system import users as _users
from .._system.command import current_identity, identity_from_passwd
from . import method as _memory_method, plan as _memory_plan, quadlet as _quadlet, settings as _memory_settings
from .quadlet_units import UnitError, Units

# request: _memory_request.Request; identity: of the owner; container: _inspect.Container; now:
# _memory_plan.Now; unit: _quadlet_files.Unit or None; place: cgroupfs.ContainerCgroups or None; present: all resources
# that Podman keeps, where they have to be sent again, else None.
Seen = namedtuple("Seen", "request identity container now unit place present")


class Refused(ValueError):
    """Containers that can't be looked at or changed: `reasons` has a line for each."""

    def __init__(self, reasons):
        ValueError.__init__(self, "; ".join(reasons))
        self.reasons = reasons


def owner(name):
    """Return the _users.User of that name.

    :raises Refused: there is none, or it is not for us to look at his containers.
    """
    me = current_identity()
    try:
        identity = me if name == me.name else identity_from_passwd(pwd.getpwnam(name))
    except KeyError:
        raise Refused(["user: there is no user %r on this host" % name])
    if me.uid not in (0, identity.uid):
        raise Refused(["user: only root can change the containers of %r, this is %r (use become)" % (name, me.name)])
    return _users.User(identity, _users.find_storage(identity), os.path.isdir("/run/user/%d" % identity.uid))


class Look(object):
    """Looks at all containers of some requests.

    :param executable: name or path of Podman.
    :param timeout: seconds for each command.
    :param version: (int, …) of Podman.
    """

    def __init__(self, executable, timeout, version):
        self._executable = executable
        self._timeout = timeout
        self._version = version
        self._files = None

    def at(self, requests):
        """Return [Seen] in the order of the requests.

        :raises Refused: with a reason for each that can't be looked at.
        """
        self._files = CgroupFiles()
        seen, reasons = {}, []
        for name in sorted({each.user for each in requests}):
            mine = [each for each in requests if each.user == name]
            try:
                seen.update(self._user(owner(name), mine))
            except Refused as exc:
                reasons.extend(exc.reasons)
        if reasons:
            raise Refused(reasons)
        return [seen[id(each)] for each in requests]

    def _user(self, user, requests):
        answer = _listing.query_containers(user, [each.name for each in requests], self._executable, self._timeout)
        source = answer.sources[0]
        if source["status"] not in ("ok", "partial"):
            raise Refused(["user %s: %s" % (user.identity.name, source["detail"])])
        found, reasons = {}, []
        for request in requests:
            try:
                found[id(request)] = _one(request, answer)
            except ValueError as exc:
                reasons.append(str(exc))
        reasons += _twice(found, requests)
        if reasons:
            raise Refused(reasons)
        units = Units(user.identity, self._timeout)
        known = self._units(units, found.values())
        seen = {}
        for request in requests:
            try:
                seen[id(request)] = self._seen(request, user.identity, found[id(request)], units, known)
            except (PodmanError, UnitError, _quadlet.Unreadable) as exc:
                reasons.append("%sname: %s of %s: %s" % (request.where, request.name, request.user, exc))
        if reasons:
            raise Refused(reasons)
        return seen

    def _units(self, units, containers):
        names = [each.facts["manager"]["unit"] for each in containers if each.facts["manager"]["unit"]]
        try:
            return units.known(names)
        except UnitError as exc:
            raise Refused([str(exc)])

    def _seen(self, request, identity, container, units, known):
        manager, unit = container.facts["manager"], known.get(container.facts["manager"]["unit"])
        kind = manager["kind"]
        quadlet = unit is not None and (unit.source or "").endswith(".container")
        if kind == "systemd" and quadlet:
            kind = "quadlet"  # with CgroupsMode= the command line does not tell
        live, place = self._live(container)
        case = _memory_method.Case(
            version=self._version, cgroup=self._files.hierarchy.version, rootless=identity.uid != 0,
            running=live is not None, own=live is not None and live.own is not None, manager=kind,
            unit_file=unit.source if quadlet else None, template=quadlet and "@" in os.path.basename(unit.source),
            pod=bool(container.facts["pod"]), removed=container.auto_remove)
        record, present = self._record(container, live, identity)
        declared = _quadlet.settings(units.text(unit)) if kind == "quadlet" and quadlet else None
        return Seen(request, identity, container, _memory_plan.Now(case, record, declared, live), unit, place, present)

    def _record(self, container, live, identity):
        """Return (settings that Podman keeps, its resources or None where they aren't needed)."""
        declared = container.facts["declared"]
        stale = container.ran and live is None
        if self._version < _memory_method.RECORDS or not (stale or self._version < _memory_method.MERGES):
            return declared, None
        present = Podman(self._executable, identity, self._timeout).resources(container.ident)
        return _memory_settings.recorded(present), present

    def _live(self, container):
        """Return (_memory_plan.Live, cgroupfs.ContainerCgroups), both None for one that does not run."""
        files = self._files
        place = files.container_cgroups(container.pid, container.ident) if container.running and container.pid else None
        if place is None:
            return None, None
        lineage = [(path, files.limits(path)) for path in _cgroup_path.cgroup_lineage(place.leaf)]
        used = files.usage(place.own)["working_set"] if place.own else None
        return _memory_plan.Live(files.hierarchy.version, lineage, place.own, files.low(place.leaf),
                                 files.counts_swap(place.leaf), used), place


def _one(request, answer):
    """Return the one container that a request means."""
    meant = [each for each in answer.listed if matches_word(each.ident, each.name, request.name)]
    if not meant:
        raise ValueError("%sname: %s has no container %r" % (request.where, request.user, request.name))
    if len(meant) > 1:
        raise ValueError("%sname: %r means %d containers of %s; give more of the ID" % (
            request.where, request.name, len(meant), request.user))
    found = [each for each in answer.containers if each.ident == meant[0].ident]
    if not found:
        why = [each["message"] for each in answer.errors] or ["it has gone in the meantime"]
        raise ValueError("%sname: %r of %s: %s" % (request.where, request.name, request.user, why[0]))
    return found[0]


def _twice(found, requests):
    """Two requests for one container could contradict each other."""
    first, reasons = {}, []
    for request in requests:
        container = found.get(id(request))
        if container is None:
            continue
        other = first.setdefault(container.ident, request)
        if other is not request:
            reasons.append("%sname: %r is the same container as %sname: %r; give all settings once" % (
                request.where, request.name, other.where, other.name))
    return reasons
