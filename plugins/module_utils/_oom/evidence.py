# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records of all sources in, evidence of one container out.

Pure. Decides which record belongs to which container and to which of its runs; what the evidence
means is decision.py's business. Times are microseconds since the epoch, None always means "unknown".
"""

from typing import Dict, List, Mapping, NamedTuple, Optional, Set, Tuple

from .._cgroup.paths import find_container_id, oomd_victim, own_cgroup, owner_uid
from .._logs.kernel_oom import Kill, UnattributedKill
from .._logs.records import OomdKill, PodmanEvent, UnitOom
from .._podman.inspect import Container
from .._system.times import SECOND

SIGKILL_EXIT = 137  # 128 + SIGKILL, which an application may as well return by itself
SIGTERM_EXIT = 143

# StartedAt is written after the process runs: one that needs little time to hit its limit is
# killed before. Only where Podman's init event is not at hand.
_STARTED_LATE = 2 * SECOND
_STOP_EVENT_LATE = 15 * SECOND  # `podman stop` writes its event when all is done
_ONE_RUN = 10 * SECOND  # `podman run` starts what it has created within this
_OOMD_ENDS = 10 * SECOND
_SERVICE_DIES = 10 * SECOND

_STOP_KINDS = ("kill", "stop")
_STOP_COMMANDS = ("kill", "restart", "rm", "stop")

Counters = Dict[str, int]  # memory.events or memory.events.local of a cgroup


class Run(NamedTuple):
    """The current or the last run of a container."""

    state: str  # never, running, ended, lost (its end was not recorded: the host went down)
    start: Optional[int] = None  # a record from here on belongs to this run
    end: Optional[int] = None
    exit_code: Optional[int] = None
    first: Optional[bool] = None  # there was no run before it


class HostRecords(NamedTuple):
    """Everything that was read about the host, once."""

    kills: List[Kill]
    unattributed: List[UnattributedKill]
    unit_ooms: List[UnitOom]
    oomd_kills: List[OomdKill]
    events: List[PodmanEvent]
    kernel_since: Optional[int]  # the kernel's log is complete from here on
    oomd_active: bool  # systemd-oomd runs
    dropped: Mapping[int, int] = {}  # {uid: before it the kernel's log is not complete for this user's containers}

    def kernel_since_for(self, owner: int) -> Optional[int]:
        """From when on the kernel's log is complete for the containers of a user, None: unknown."""
        return None if self.kernel_since is None else max(self.kernel_since, self.dropped.get(owner, 0))


class LiveState(NamedTuple):
    """What the host shows of a container now; without a cgroup of its own it is only the pid."""

    main_pid: Optional[int]  # of the run
    cgroup: Optional[str] = None  # its own
    counters: Optional[Counters] = None
    ancestors: Optional[List[Tuple[str, Optional[Counters]]]] = None  # the cgroups above with their own counters


class Evidence(NamedTuple):
    """Everything that is known of one container's life."""

    run: Run
    main_pid: Optional[int]  # of the run
    flag: Optional[bool]  # Podman's State.OOMKilled
    stopped_by_user: Optional[bool]  # Podman's own evidence of stop or kill in this run
    declared_limit: Optional[int]  # bytes, None for none
    kills: List[Kill]  # with a victim in the container, of all runs
    unattributed: List[UnattributedKill]  # of the whole host
    unit_ooms: List[UnitOom]  # of the container's unit, of all runs
    oomd_kills: List[OomdKill]  # of the container's cgroup or one above, of all runs
    counters: Optional[Counters]  # of its own cgroup, which is created for the run; only while running
    ancestors: Optional[List[Tuple[str, Optional[Counters]]]]  # the cgroups above its own, only while running
    kernel_since: Optional[int]  # the kernel's log is complete from here on
    systemd_since: Optional[int]  # the systemd journal is complete from here on
    oomd_active: bool  # systemd-oomd runs on this host


class RecordsByContainer:
    """The host's records by container, and by the user whose word counts for it.

    A user's own service manager and Podman can write anything about that user's containers, so their
    records count for those alone. The kernel's and the system's count for all.

    :param known: ids of all containers that Podman listed.
    """

    def __init__(self, records: HostRecords, known: Set[str]) -> None:
        self.records = records
        self.kills_elsewhere: List[Kill] = []  # in cgroups of no container
        self._kills: Dict[str, List[Kill]] = {}
        for kill in records.kills:
            ident = find_container_id(kill.task_memcg, known)
            if ident:
                self._kills.setdefault(ident, []).append(kill)
            else:
                self.kills_elsewhere.append(kill)
        self._scope_ooms: Dict[Tuple[str, int], List[UnitOom]] = {}
        self._service_ooms: Dict[Tuple[str, int], List[UnitOom]] = {}
        for record in records.unit_ooms:
            ident = find_container_id(record.unit)
            ooms, name = (self._scope_ooms, ident) if ident else (self._service_ooms, record.unit)
            ooms.setdefault((name, record.uid), []).append(record)
        self._oomd_kills: Dict[Tuple[str, int], List[OomdKill]] = {}
        for oomd_kill in records.oomd_kills:
            ident, owner = oomd_victim(oomd_kill.cgroup, oomd_kill.unit, oomd_kill.uid, known)
            if ident:
                self._oomd_kills.setdefault((ident, owner), []).append(oomd_kill)
        self._events: Dict[Tuple[str, int], List[PodmanEvent]] = {}
        for event in records.events:
            self._events.setdefault((event.ident, event.uid), []).append(event)

    def kills(self, ident: str) -> List[Kill]:
        """Return the kernel's kills in a container."""
        return self._kills.get(ident, [])

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

    def killed_containers(self) -> Dict[str, int]:
        """Return {id: uid of the owner} of all containers in which the kernel or systemd-oomd killed something."""
        owners = dict(self._scope_ooms.keys())  # the keys are pairs of id and uid
        owners.update(self._oomd_kills.keys())
        # the kernel's record comes last: its owner wins
        owners.update({ident: owner_uid(kills[0].task_memcg) for ident, kills in self._kills.items()})
        return owners


def container_evidence(container: Container, owner: int, index: RecordsByContainer, live: LiveState,
                       systemd_since: Optional[int]) -> Evidence:
    """Return the Evidence of a container that Podman knows.

    :param owner: uid of its user.
    :param systemd_since: from when on the journal holds its user's records.
    """
    records = index.records
    events = index.events(container.ident, owner)
    run = _find_run(container, events)
    # of a service's records only those of this run: earlier ones are of containers with other ids
    service_ooms = [record for record in index.service_ooms(container.facts["manager"]["unit"], owner)
                    if run.start is not None and record.at >= run.start]
    kills, unattributed = _find_kills(container, index, live)
    return Evidence(
        run=run, main_pid=live.main_pid, flag=container.oom_killed_flag,
        stopped_by_user=_stopped_by_user(container.stopped_by_user, run, events),
        declared_limit=container.facts["declared"]["limit"], kills=kills, unattributed=unattributed,
        unit_ooms=index.scope_ooms(container.ident, owner) + service_ooms,
        oomd_kills=[kill for kill in records.oomd_kills if _is_hit(kill, container, owner, run, live.cgroup)],
        counters=live.counters, ancestors=live.ancestors, kernel_since=records.kernel_since_for(owner), systemd_since=systemd_since,
        oomd_active=records.oomd_active)


def _find_kills(container: Container, index: RecordsByContainer, live: LiveState) -> Tuple[List[Kill], List[UnattributedKill]]:
    """Return (kills in the container, kills whose place is unknown that may have been in it).

    Where a container has no cgroup of its own, the kernel's record names the cgroup of another: then
    only the main process's pid identifies it, and every kill outside of containers may be one of its children.
    """
    kills, unattributed = index.kills(container.ident), index.records.unattributed
    if container.own_cgroup:
        return kills, unattributed
    for kill in index.kills_elsewhere:
        if live.main_pid in [victim.pid for victim in kill.victims]:
            kills = kills + [kill]
        else:
            unattributed = unattributed + [UnattributedKill(kill.at, kill.boot, victim, kill.oom_memcg is not None)
                                           for victim in kill.victims]
    return kills, unattributed


def removed_container_evidence(ident: str, owner: int, index: RecordsByContainer, systemd_since: Optional[int]) -> Evidence:
    """Return the Evidence of a container that Podman no longer knows: there are only records of it."""
    events = index.events(ident, owner)
    starts = [event.at for event in events if event.kind == "init"]
    deaths = [event for event in events if event.kind == "died"]
    kills, scope_ooms, oomd_kills = index.kills(ident), index.scope_ooms(ident, owner), index.oomd_kills(ident, owner)
    times = [kill.at for kill in kills] + [record.at for record in scope_ooms] + [kill.at for kill in oomd_kills]
    # without its events all its records count as those of one run
    start = starts[-1] if starts else min(times, default=0)
    death = deaths[-1] if deaths and deaths[-1].at >= start else None
    run = Run("ended", start, death.at if death else None, death.exit_code if death else None)
    return Evidence(
        run=run, main_pid=None, flag=None, stopped_by_user=_stopped_by_user(None, run, events), declared_limit=None,
        kills=kills, unattributed=index.records.unattributed, unit_ooms=scope_ooms, oomd_kills=oomd_kills, counters=None,
        ancestors=None, kernel_since=index.records.kernel_since_for(owner), systemd_since=systemd_since,
        oomd_active=index.records.oomd_active)


def _find_run(container: Container, events: List[PodmanEvent]) -> Run:
    """The Run by inspect's times; Podman's init event is the best evidence of where it begins."""
    if not container.ran or container.started is None:
        return Run("never", first=True)
    starts = [event.at for event in events if event.kind == "init" and event.at <= container.started + SECOND]
    if starts:
        start = starts[-1]
    else:
        start = container.started - _STARTED_LATE
        if container.finished is not None and container.finished < container.started:
            start = max(start, container.finished)  # the end of the run before
    first = _is_first(container, container.started, starts)
    if container.running:
        return Run("running", start, first=first)
    exit_code = container.facts["state"]["exit_code"]
    if (container.finished is None or container.finished < container.started - SECOND
            or exit_code is None or exit_code < 0):
        return Run("lost", start, first=first)
    return Run(state="ended", start=start, end=container.finished, exit_code=exit_code, first=first)


def _is_first(container: Container, started: int, starts: List[int]) -> Optional[bool]:
    if container.facts["state"]["restart_count"] or len(starts) > 1:
        return False
    if container.created is not None and started - container.created <= _ONE_RUN:
        return True
    return None


def _stopped_by_user(inspected: Optional[bool], run: Run, events: List[PodmanEvent]) -> Optional[bool]:
    """Podman's evidence that the run was stopped through it: inspect's, else that of its events.

    Its events count only when the run's own death is among them: with another event logger
    (containers.conf, events_logger) the journal has none. `podman stop` of Podman 4.3 writes no stop
    event, but cleans up beside conmon's own `podman container cleanup`: a second cleanup whose
    command is not known leaves it open.
    """
    if inspected is not None or run.state != "ended" or run.start is None or run.end is None:
        return inspected
    near = [event for event in events if run.start <= event.at <= run.end + _STOP_EVENT_LATE]
    cleanups = [event.command for event in near if event.kind == "cleanup"]
    if any(event.kind in _STOP_KINDS for event in near) or any(command in _STOP_COMMANDS for command in cleanups):
        return True
    if not any(event.kind == "died" for event in near):
        return None
    return None if len(cleanups) > 1 and any(command in (None, "service") for command in cleanups) else False


def _is_hit(kill: OomdKill, container: Container, owner: int, run: Run, cgroup: Optional[str]) -> bool:
    """Whether systemd-oomd's kill was of this container's cgroup, its unit, or one above."""
    unit = container.facts["manager"]["unit"]
    if kill.unit:
        return kill.unit == "libpod-%s.scope" % container.ident or (kill.unit == unit and kill.uid == owner)
    if kill.cgroup is None:
        return False
    if own_cgroup(kill.cgroup, container.ident):
        return True
    if run.end is None or not -_OOMD_ENDS <= run.end - kill.at <= _OOMD_ENDS:
        return False
    quadlet = unit if container.facts["manager"]["kind"] == "quadlet" else None
    path = cgroup or expected_cgroup(container.ident, owner, quadlet, container.cgroup_parent)
    return path.startswith(kill.cgroup.rstrip("/") + "/")


def expected_cgroup(ident: str, owner: int, unit: Optional[str], parent: str) -> str:
    """Return the cgroup where Podman with the systemd manager puts a container.

    :param unit: of a quadlet, which runs inside its service; else None.
    :param parent: HostConfig.CgroupParent, "" for the default.
    """
    base = "" if owner == 0 else "/user.slice/user-%d.slice/user@%d.service" % (owner, owner)
    if unit:
        return "%s/%s/%s/libpod-payload-%s" % (base, "system.slice" if owner == 0 else "app.slice", unit, ident)
    slice_name = (parent or ("machine.slice" if owner == 0 else "user.slice")).strip("/").split("/")[-1]
    # systemd.slice(5): a-b.slice lies in a.slice
    words = slice_name[:-len(".slice")].split("-") if slice_name.endswith(".slice") else []
    slices = ["-".join(words[:end]) + ".slice" for end in range(1, len(words) + 1)] or [slice_name]
    return "/".join([base] + slices + ["libpod-%s.scope" % ident])


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
