# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records of all sources in, by container out: which record is about which container, and whose it is.

Pure. An id alone is no container: any user can give a cgroup, an event or a unit the name of another's. The owner is part of
every key, and is what the source proves: the beginning of the path in the kernel's record, the manager that wrote a record.
Times are microseconds since the epoch.
"""

from typing import AbstractSet, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from .._cgroup.paths import delegated_uid, find_container_id, is_inside_another, may_hold, owner_uid, system_service
from .._logs.kernel_lines import is_below
from .._logs.kernel_oom import DoubtfulRecord, Kill, UnattributedKill
from .._logs.records import OomdKill, PodmanEvent, UnitOom
from .._system.times import SECOND

_SERVICE_DIES = 10 * SECOND

ContainerKey = Tuple[str, int]  # id, uid of the owner


class HostRecords(NamedTuple):
    """Everything that was read about the host, once."""

    kills: List[Kill]
    unattributed: List[UnattributedKill]
    unit_ooms: List[UnitOom]
    oomd_kills: List[OomdKill]
    events: List[PodmanEvent]
    kernel_since: Optional[int]  # the kernel's log is complete from here on
    oomd_active: bool  # systemd-oomd runs
    unstored: Optional[str] = None  # in words: the setting of journald's that keeps lines of the kernel's out of the journal
    dropped: Mapping[int, int] = {}  # {uid: before it the kernel's log is not complete for this user's containers}

    def kernel_since_for(self, owner: int) -> Optional[int]:
        """From when on the kernel's log is complete for the containers of a user, None: unknown."""
        return None if self.kernel_since is None else max(self.kernel_since, self.dropped.get(owner, 0))


class UidOwners(NamedTuple):
    """Whose processes run as which uid, as far as it is known."""

    ranges: Sequence[Tuple[int, int, int]] = ()  # (first uid, number of uids, uid of the owner) of subuid(5)
    accounts: AbstractSet[int] = frozenset()  # uids that have names of their own, of those in the records

    def may_run_as(self, owner: int, uid: Optional[int]) -> bool:
        """Whether a process in a container of a user's can have a uid of the host.

        Those of root's containers may run as anybody. Those of a rootless container run as its user, or as one of the user's
        subordinate uids, which others may know than subuid(5): what is nobody's here may be anybody's.
        """
        if owner == 0 or uid is None or uid == owner:
            return True
        holders = {holder for first, count, holder in self.ranges if first <= uid < first + count}
        return owner in holders if holders else uid != 0 and uid not in self.accounts


class Ownership(NamedTuple):
    """What is known of the owners of containers, beside the records."""

    listed: Dict[int, Set[str]]  # {uid: ids of the containers that this user's Podman lists}
    services: Dict[str, int] = {}  # {service of the system's manager: uid of its User=}, 0: it has none
    # {(service, id): uid of those who wrote Podman's events of the container in that service}, of services that are gone
    writers: Dict[Tuple[str, str], int] = {}
    uids: UidOwners = UidOwners()

    def is_root_s(self, ident: str) -> bool:
        """Whether root has a container with this id. Root is believed, other users speak for themselves alone."""
        return ident in self.listed.get(0, ())

    def service_user(self, path: str, ident: Optional[str]) -> int:
        """The uid of the user whose service a path begins with, in which a container was; 0 for root's and any other path."""
        service, ident = system_service(path) or "", ident or ""
        return self.services.get(service, 0 if self.is_root_s(ident) else self.writers.get((service, ident), 0))

    def others(self, ident: str, uid: int) -> List[int]:
        """The users other than root and this one who list a container with this id."""
        return [other for other, idents in sorted(self.listed.items()) if other not in (0, uid) and ident in idents]


class RecordsByContainer:
    """The host's records by container and owner, and what is doubtful about them.

    A user's own service manager and Podman can write anything about that user's containers, so their
    records count for those alone. The kernel's and the system's count for all.
    """

    def __init__(self, records: HostRecords, ownership: Ownership) -> None:
        self.records = records
        self.ownership = ownership
        self.doubtful: List[DoubtfulRecord] = []
        self.kills_elsewhere: List[Kill] = []  # in cgroups of no container
        self._unattributed: List[UnattributedKill] = []
        # What is the same for all containers of a user, by uid: somebody may have thousands of containers and of kills.
        self._elsewhere_of: Dict[int, List[Kill]] = {}
        self._above_of: Dict[int, List[Kill]] = {}
        self._unattributed_of: Dict[int, List[UnattributedKill]] = {}
        self._converted: Dict[int, Tuple[Kill, List[UnattributedKill]]] = {}  # by id() of the kill
        self._group_kills: Dict[ContainerKey, List[UnattributedKill]] = {}
        for unattributed in records.unattributed:
            self._add_unattributed(unattributed)
        self._kills: Dict[ContainerKey, List[Kill]] = {}
        self._claimed: Dict[ContainerKey, List[Kill]] = {}
        for kill in records.kills:
            self._add_kill(kill)
        self._scope_ooms: Dict[ContainerKey, List[UnitOom]] = {}
        self._service_ooms: Dict[ContainerKey, List[UnitOom]] = {}
        for record in records.unit_ooms:
            ident = find_container_id(record.unit)
            if ident is None:
                self._service_ooms.setdefault((record.unit, record.uid), []).append(record)
            elif self._may_be(ident, record.uid, record.at, record.unit):
                self._scope_ooms.setdefault((ident, record.uid), []).append(record)
        self._oomd_kills: Dict[ContainerKey, List[OomdKill]] = {}
        for oomd_kill in records.oomd_kills:
            self._add_oomd_kill(oomd_kill)
        self._events: Dict[ContainerKey, List[PodmanEvent]] = {}
        for event in records.events:
            self._events.setdefault((event.ident, event.uid), []).append(event)

    def _add_kill(self, kill: Kill) -> None:
        ident, owner = self._locate(kill.task_memcg)
        if ident is None:
            self.kills_elsewhere.append(kill)
        elif is_inside_another(kill.task_memcg):
            for uid, listed in self.ownership.listed.items():
                if ident in listed:
                    self._claimed.setdefault((ident, uid), []).append(kill)
        elif not self._may_be(ident, owner, kill.at, kill.task_memcg):
            return
        elif kill.uid == 0 and delegated_uid(kill.task_memcg):
            # a process of root's is in no rootless container
            self.doubtful.append(DoubtfulRecord(kill.at, "foreign uid", kill.task_memcg, kill.task_memcg))
            self._unattributed += [
                UnattributedKill(at=victim.at, boot=kill.boot, victim=victim, memcg=kill.oom_memcg is not None, place=kill.task_memcg)
                for victim in kill.victims]
        else:
            self._kills.setdefault((ident, owner), []).append(kill)
            if owner == 0 and not self.ownership.is_root_s(ident):
                self._add_claims(ident, kill)

    def _add_unattributed(self, kill: UnattributedKill) -> None:
        """The line about memory.oom.group names the whole cgroup, so it was in that container and in no other."""
        ident, owner = self._locate(kill.place) if kill.group and kill.place else (None, 0)
        if ident is None or is_inside_another(kill.place or "") or self.ownership.others(ident, owner):
            self._unattributed.append(kill)
        elif self._may_be(ident, owner, kill.at, kill.place or ""):
            self._group_kills.setdefault((ident, owner), []).append(kill)

    def _add_claims(self, ident: str, kill: Kill) -> None:
        """Note a kill in a container of root's that is gone for the users who list a container with its id."""
        if system_service(kill.task_memcg) not in self.ownership.services:
            for other in self.ownership.others(ident, 0):
                if may_hold(kill.task_memcg, other):
                    self._claimed.setdefault((ident, other), []).append(kill)

    def _add_oomd_kill(self, kill: OomdKill) -> None:
        place = kill.cgroup or kill.unit or ""
        ident, owner = self._locate(kill.cgroup) if kill.cgroup else (find_container_id(place), kill.uid)
        if ident is not None and not is_inside_another(place) and self._may_be(ident, owner, kill.at, place):
            self._oomd_kills.setdefault((ident, owner), []).append(kill)

    def _locate(self, path: str) -> Tuple[Optional[str], int]:
        """Return (id of the container that a cgroup belongs to, uid of its owner); the id is None for no container's."""
        listed, owner = self.ownership.listed, owner_uid(path)
        if delegated_uid(path) is None:
            owner = owner or self.ownership.service_user(path, find_container_id(path))
            ident = find_container_id(path, listed.get(0, ()))
            if ident is not None and self.ownership.is_root_s(ident) and (owner == 0 or owner_uid(path) != 0):
                return ident, 0  # in the session of a user who has become root, too
        return find_container_id(path, listed.get(owner, ())), owner

    def _may_be(self, ident: str, owner: int, at: int, place: str) -> bool:
        """Whether a record can be about a user's container with this id; what can't be is noted."""
        if owner != 0 and self.ownership.is_root_s(ident):
            self.doubtful.append(DoubtfulRecord(at, "foreign id", _path_of(place, owner), place))
            return False
        others = self.ownership.others(ident, owner)
        if owner != 0 and others and ident not in self.ownership.listed.get(owner, ()):
            # one of the two lies: the record is proven to be of this one
            self.doubtful.append(DoubtfulRecord(at, "same id", None, place))
        return True

    def kills(self, ident: str, owner: int) -> List[Kill]:
        """Return the kernel's kills in a container."""
        return self._kills.get((ident, owner), [])

    def claimed_kills(self, ident: str, owner: int) -> List[Kill]:
        """Return kills in a cgroup with this id of which it is not proven that it is this container's.

        That of a rootless container looks like one of root's in a service of the system's with User= that is gone; and on a host
        that is a container itself, its containers look like those inside of any other.
        """
        return self._claimed.get((ident, owner), [])

    def unattributed(self, owner: int) -> List[UnattributedKill]:
        """Return the kills that may have been in any container of a user's."""
        if owner not in self._unattributed_of:
            self._unattributed_of[owner] = [kill for kill in self._unattributed
                                            if may_hold(kill.place, owner) and self.ownership.uids.may_run_as(owner, kill.victim.uid)]
        return list(self._unattributed_of[owner])

    def elsewhere(self, owner: int) -> List[Kill]:
        """Return the kills in cgroups of no container in which there may be processes of a user's containers."""
        if owner not in self._elsewhere_of:
            self._elsewhere_of[owner] = [kill for kill in self.kills_elsewhere
                                         # a process of root's is in no rootless container
                                         if owner == 0 or (may_hold(kill.task_memcg, owner) and kill.uid != 0)]
        return self._elsewhere_of[owner]

    def above(self, owner: int, place: str) -> List[Kill]:
        """Return the kills in cgroups above all of a user's containers: these have no memory controller.

        :param place: the cgroup in which Podman puts the user's containers.
        """
        if owner not in self._above_of:
            self._above_of[owner] = [kill for kill in self.elsewhere(owner) if is_below(place, kill.task_memcg)]
        return self._above_of[owner]

    def as_unattributed(self, kill: Kill) -> List[UnattributedKill]:
        """Return a kill as those of its victims, of which it is not known in which container they were."""
        if id(kill) not in self._converted:
            self._converted[id(kill)] = kill, [
                UnattributedKill(at=kill.at, boot=kill.boot, victim=victim, memcg=kill.oom_memcg is not None) for victim in kill.victims]
        return self._converted[id(kill)][1]

    def group_kills(self, ident: str, owner: int) -> List[UnattributedKill]:
        """Return the kills of which it is known that they were in a container, by memory.oom.group, but not whose limit it was."""
        return self._group_kills.get((ident, owner), [])

    def scope_ooms(self, ident: str, owner: int) -> List[UnitOom]:
        """Return the UnitOoms of a container's scope."""
        return self._scope_ooms.get((ident, owner), [])

    def service_ooms(self, unit: Optional[str], owner: int) -> List[UnitOom]:
        """Return the UnitOoms of a service, which may be of earlier containers with other ids."""
        return self._service_ooms.get((unit, owner), []) if unit else []

    def has_service_ooms(self) -> bool:
        """Whether there are UnitOoms that name no container."""
        return bool(self._service_ooms)

    def oomd_kills(self, ident: str, owner: int) -> List[OomdKill]:
        """Return systemd-oomd's kills of a container's own cgroup."""
        return self._oomd_kills.get((ident, owner), [])

    def events(self, ident: str, owner: int) -> List[PodmanEvent]:
        """Return Podman's events of a container, oldest first."""
        return self._events.get((ident, owner), [])

    def killed_containers(self) -> Dict[ContainerKey, int]:
        """Return {(id, uid of the owner): time of the last} of all containers in which the kernel or systemd-oomd killed something."""
        times = [(key, kill.at) for key, kills in self._kills.items() for kill in kills]
        times += [(key, group_kill.at) for key, group_kills in self._group_kills.items() for group_kill in group_kills]
        times += [(key, record.at) for key, ooms in self._scope_ooms.items() for record in ooms]
        times += [(key, oomd_kill.at) for key, oomd_kills in self._oomd_kills.items() for oomd_kill in oomd_kills]
        killed: Dict[ContainerKey, int] = {}
        for key, at in times:
            killed[key] = max(at, killed.get(key, at))
        return killed

    def unknown_services(self) -> Dict[str, Set[str]]:
        """Return {service of the system's manager whose user is not known: ids of containers in it in which there were kills}.

        Whose these containers are depends on its User=. Those in which a process of root's was killed are root's.
        """
        services: Dict[str, Set[str]] = {}
        for kill in self.records.kills:
            service, ident = system_service(kill.task_memcg), find_container_id(kill.task_memcg)
            if service and ident and kill.uid != 0 and service not in self.ownership.services:
                services.setdefault(service, set()).add(ident)
        return services


def _path_of(place: str, owner: int) -> str:
    """A path that proves the owner: of a unit's name that of the manager that wrote the record."""
    return place if place.startswith("/") else "/user.slice/user-%d.slice/user@%d.service/%s" % (owner, owner, place)


def attribute_service_kills(records: HostRecords) -> HostRecords:
    """Return the records with each service's UnitOom turned into that of the container's scope.

    For users who can't read the kernel's log: the record of a quadlet names the service; which of
    its containers it was, is known from the death that Podman recorded for that unit at that time.
    Records of services for which there is no such death stay as they are.
    """
    deaths = [event for event in records.events if event.kind == "died"]
    unit_ooms = []
    for record in records.unit_ooms:
        near = [event for event in deaths if event.labels.get("PODMAN_SYSTEMD_UNIT") == record.unit
                and event.uid == record.uid and abs(event.at - record.at) <= _SERVICE_DIES]
        if near and not find_container_id(record.unit):
            record = record._replace(unit="libpod-%s.scope" % near[0].ident)
        unit_ooms.append(record)
    return records._replace(unit_ooms=unit_ooms)
