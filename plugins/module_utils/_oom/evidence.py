# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records of one container in, evidence of it out.

Pure. attribution.py decides which record belongs to which container; this file decides to which of its runs, and decision.py what
the evidence means. Times are microseconds since the epoch, None always means "unknown".
"""

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from .._logs.kernel_lines import is_below
from .._logs.kernel_oom import Kill, UnattributedKill
from .._logs.records import OomdKill, PodmanEvent, UnitOom
from .._podman.inspect import Container
from .._system.times import SECOND
from .attribution import RecordsByContainer

SIGKILL_EXIT = 137  # 128 + SIGKILL, which an application may as well return by itself
SIGTERM_EXIT = 143

# StartedAt is written after the process runs: one that needs little time to hit its limit is
# killed before. Only where Podman's init event is not at hand.
_STARTED_LATE = 2 * SECOND
_STOP_EVENT_LATE = 15 * SECOND  # `podman stop` writes its event when all is done
_ONE_RUN = 10 * SECOND  # `podman run` starts what it has created within this
_OOMD_ENDS = 10 * SECOND

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


class LiveState(NamedTuple):
    """What the host shows of a container now; without a cgroup of its own it is only the pid."""

    main_pid: Optional[int]  # of the run
    cgroup: Optional[str] = None  # its own
    counters: Optional[Counters] = None
    own_oom: Optional[int] = None  # times its own limit was hit, not that of a cgroup inside it
    ancestors: Optional[List[Tuple[str, Optional[Counters]]]] = None  # the cgroups above with their own counters


class Evidence(NamedTuple):
    """Everything that is known of one container's life."""

    run: Run
    main_pid: Optional[int]  # of the run
    flag: Optional[bool]  # Podman's State.OOMKilled
    stopped_by_user: Optional[bool]  # Podman's own evidence of stop or kill in this run
    declared_limit: Optional[int]  # bytes, None for none
    kills: List[Kill]  # with a victim in the container, of all runs
    unattributed: List[UnattributedKill]  # of the whole host, that may have been in it
    group_kills: List[UnattributedKill]  # by memory.oom.group in the container, of all runs; whose limit it was is not known
    unit_ooms: List[UnitOom]  # of the container's unit, of all runs
    oomd_kills: List[OomdKill]  # of the container's cgroup or one above, of all runs
    counters: Optional[Counters]  # of its own cgroup, which is created for the run; only while running
    own_oom: Optional[int]  # as in LiveState
    ancestors: Optional[List[Tuple[str, Optional[Counters]]]]  # the cgroups above its own, only while running
    kernel_since: Optional[int]  # the kernel's log is complete from here on
    systemd_since: Optional[int]  # the systemd journal is complete from here on
    oomd_active: bool  # systemd-oomd runs on this host
    unstored: Optional[str] = None  # as in HostRecords
    unhealthy_at: Optional[int] = None  # as in Container
    # (time, exit code) of the ends of all runs in Podman's events, oldest first; None: unknown, or stopped through Podman
    deaths: Sequence[Tuple[int, Optional[int]]] = ()


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
    kills, unattributed = _find_kills(container, owner, index, live, run)
    own_oomd_kills = index.oomd_kills(container.ident, owner)
    return Evidence(
        run=run, main_pid=live.main_pid, flag=container.oom_killed_flag,
        stopped_by_user=_stopped_by_user(container.stopped_by_user, run, events),
        declared_limit=container.facts["declared"]["limit"], kills=kills, unattributed=unattributed,
        group_kills=index.group_kills(container.ident, owner),
        unit_ooms=index.scope_ooms(container.ident, owner) + service_ooms,
        oomd_kills=[kill for kill in records.oomd_kills if kill in own_oomd_kills
                    or _is_hit(kill, container, owner, run, live.cgroup)],
        counters=live.counters, own_oom=live.own_oom, ancestors=live.ancestors, kernel_since=records.kernel_since_for(owner),
        systemd_since=systemd_since, oomd_active=records.oomd_active, unstored=records.unstored,
        unhealthy_at=container.unhealthy_at, deaths=_deaths(events))


def _find_kills(container: Container, owner: int, index: RecordsByContainer, live: LiveState, run: Run,
                ) -> Tuple[List[Kill], List[UnattributedKill]]:
    """Return (kills in the container, kills whose place is unknown that may have been in it).

    The kernel names the nearest cgroup that has the memory controller (mem_cgroup_from_task()): where the container has no cgroup
    of its own, or that has no memory controller, another one. Then only the main process's pid identifies it, and every kill there
    may be one of its children.
    """
    kills, unattributed = list(index.kills(container.ident, owner)), index.unattributed(owner)
    path = _cgroup_path(container, owner, live.cgroup)
    elsewhere = index.elsewhere(owner)
    if container.own_cgroup:
        elsewhere = [kill for kill in elsewhere if is_below(path, kill.task_memcg)]
    for kill in index.claimed_kills(container.ident, owner) + elsewhere:
        if live.main_pid is not None and live.main_pid in [victim.pid for victim in kill.victims] and (
                run.end is None or kill.at <= run.end + SECOND):
            kills.append(kill)
        else:
            unattributed += index.as_unattributed(kill)
    return sorted(kills, key=lambda kill: kill.at), unattributed


def kills_above(index: RecordsByContainer, owner: int) -> List[Kill]:
    """Return the kills that name a cgroup above all where Podman puts a user's containers."""
    return index.above(owner, expected_cgroup("", owner, None, "").rpartition("/")[0])


def was_stopped(ident: str, owner: int, index: RecordsByContainer) -> Optional[bool]:
    """Return whether a removed container's last run was stopped through Podman, by Podman's events."""
    events = index.events(ident, owner)
    return _stopped_by_user(None, _removed_run(events, 0), events)


def _removed_run(events: List[PodmanEvent], begin: int) -> Run:
    """The last run of a removed container.

    :param begin: without its events all its records count as those of one run, which began then.
    """
    start = next((event.at for event in reversed(events) if event.kind == "init"), begin)
    death = next((event for event in reversed(events) if event.kind == "died"), None)
    if death is None or death.at < start:
        return Run("ended", start, None, None)
    return Run("ended", start, death.at, death.exit_code)


def removed_container_evidence(ident: str, owner: int, index: RecordsByContainer, systemd_since: Optional[int]) -> Evidence:
    """Return the Evidence of a container that Podman no longer knows: there are only records of it."""
    events = index.events(ident, owner)
    kills, scope_ooms, oomd_kills = index.kills(ident, owner), index.scope_ooms(ident, owner), index.oomd_kills(ident, owner)
    group_kills = index.group_kills(ident, owner)
    times = [kill.at for kill in kills] + [kill.at for kill in group_kills]
    times += [record.at for record in scope_ooms] + [kill.at for kill in oomd_kills]
    run = _removed_run(events, min(times, default=0))
    above = [] if kills or group_kills else kills_above(index, owner)
    return Evidence(
        run=run, main_pid=None, flag=None, stopped_by_user=_stopped_by_user(None, run, events), declared_limit=None,
        kills=kills, unattributed=index.unattributed(owner) + [each for kill in above for each in index.as_unattributed(kill)],
        group_kills=group_kills, unit_ooms=scope_ooms, oomd_kills=oomd_kills, counters=None, own_oom=None, ancestors=None,
        kernel_since=index.records.kernel_since_for(owner), systemd_since=systemd_since, oomd_active=index.records.oomd_active,
        unstored=index.records.unstored, deaths=_deaths(events))


def _deaths(events: List[PodmanEvent]) -> List[Tuple[int, Optional[int]]]:
    """The ends of runs; one that was stopped through Podman without its exit code, which says nothing then."""
    stops = [event.at for event in events if event.kind in _STOP_KINDS]
    return [(event.at, None if any(abs(at - event.at) <= _STOP_EVENT_LATE for at in stops) else event.exit_code)
            for event in events if event.kind == "died"]


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
    """Whether systemd-oomd's kill was of this container's unit, or of a cgroup above it."""
    unit = container.facts["manager"]["unit"]
    if kill.unit:
        return kill.unit == unit and kill.uid == owner
    if kill.cgroup is None or run.end is None or not -_OOMD_ENDS <= run.end - kill.at <= _OOMD_ENDS:
        return False
    return _cgroup_path(container, owner, cgroup).startswith(kill.cgroup.rstrip("/") + "/")


def _cgroup_path(container: Container, owner: int, cgroup: Optional[str]) -> str:
    """The container's own cgroup: where it was seen, else where Podman puts it."""
    manager = container.facts["manager"]
    quadlet = manager["unit"] if manager["kind"] == "quadlet" else None
    return cgroup or expected_cgroup(container.ident, owner, quadlet, container.cgroup_parent)


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
