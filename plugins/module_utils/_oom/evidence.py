# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Records of all sources in, evidence of one container out.

Pure. Decides which record belongs to which container and to which of its runs; what it all
means is the verdict's business.
"""

from collections import namedtuple

from .._cgroup import paths as _cgroup_path
from .._logs.kernel_oom import UnattributedKill
from .._system.times import SECOND
from .verdict import Evidence, Run

# Everything read about the host, once.
#   kills, unattributed    from _kernel_oom.KernelLog
#   unit_ooms, oomd, events   from _records
#   kernel_since      _coverage.Coverage.since of the kernel's log
#   oomd_active       bool
HostRecords = namedtuple("HostRecords", "kills unattributed unit_ooms oomd events kernel_since oomd_active")

# StartedAt is written after the process runs: one that needs little time to hit its limit is
# killed before. Only where Podman's init event is not at hand.
_STARTED_LATE = 2 * SECOND
_STOP_EVENT_LATE = 15 * SECOND  # `podman stop` writes its event when all is done
_ONE_RUN = 10 * SECOND  # `podman run` starts what it has created within this
_OOMD_ENDS = 10 * SECOND
_SERVICE_DIES = 10 * SECOND

_STOP_KINDS = ("kill", "stop")
_STOP_COMMANDS = ("kill", "restart", "rm", "stop")


class RecordsByContainer(object):
    """The host's records by container, and by the user who may speak of it.

    A user's own service manager and Podman can say anything of that user's containers, so their
    records count for those alone. The kernel's and the system's count for all.

    :param records: HostRecords.
    :param known: ids of all containers that Podman listed.
    """

    def __init__(self, records, known):
        self.records = records
        self.kills = {}
        self.elsewhere = []  # kills in cgroups of no container
        for kill in records.kills:
            ident = _cgroup_path.find_container_id(kill.task_memcg, known)
            if ident:
                self.kills.setdefault(ident, []).append(kill)
            else:
                self.elsewhere.append(kill)
        self._scopes = {}
        self.services = {}
        for record in records.unit_ooms:
            ident = _cgroup_path.find_container_id(record.unit)
            if ident:
                self._scopes.setdefault((ident, record.uid), []).append(record)
            else:
                self.services.setdefault((record.unit, record.uid), []).append(record)
        self._oomd = {}
        for record in records.oomd:
            ident, owner = _cgroup_path.oomd_victim(record.cgroup, record.unit, record.uid, known)
            if ident:
                self._oomd.setdefault((ident, owner), []).append(record)
        self._events = {}
        for event in records.events:
            self._events.setdefault((event.ident, event.uid), []).append(event)

    def scopes(self, ident, owner):
        """Return the UnitOoms of a container's scope."""
        return self._scopes.get((ident, owner), [])

    def oomd(self, ident, owner):
        """Return the OomdKills of a container's own cgroup."""
        return self._oomd.get((ident, owner), [])

    def events(self, ident, owner):
        """Return Podman's events of a container, oldest first."""
        return self._events.get((ident, owner), [])

    def killed(self):
        """Return {id: uid of the owner} of all containers in which the kernel or systemd-oomd killed something."""
        owners = dict(self._scopes.keys())  # the keys are pairs of id and uid
        owners.update(self._oomd.keys())
        # the kernel's word for it comes last, it stands
        owners.update({ident: _cgroup_path.owner_uid(kills[0].task_memcg) for ident, kills in self.kills.items()})
        return owners


def container_evidence(container, owner, index, live, systemd_since):
    """Return the Evidence of a container that Podman knows.

    :param container: _inspect.Container.
    :param owner: uid of its user.
    :param index: RecordsByContainer.
    :param live: LiveState of its run.
    :param systemd_since: from when on the journal holds its user's records.
    """
    records = index.records
    events = index.events(container.ident, owner)
    run = _run(container, events)
    unit = container.facts["manager"]["unit"]
    # of a service's records only those of this run: earlier ones are of containers with other ids
    services = [record for record in index.services.get((unit, owner), [])
                if run.start is not None and record.at >= run.start]
    kills, unattributed = _kills(container, index, live)
    return Evidence(
        run=run,
        main_pid=live.main_pid,
        flag=container.oom_killed_flag,
        stopped_by_user=_stopped(container.stopped_by_user, run, events),
        declared_limit=container.facts["declared"]["limit"],
        kills=kills,
        unattributed=unattributed,
        unit_ooms=index.scopes(container.ident, owner) + services,
        oomd=[record for record in records.oomd if _hit(record, container, owner, run, live.cgroup)],
        counters=live.counters,
        ancestors=live.ancestors,
        kernel_since=records.kernel_since,
        systemd_since=systemd_since,
        oomd_active=records.oomd_active,
    )


# What the host says of a container now. main_pid: of the run, None unknown; cgroup: path of its
# own cgroup, None when not running; counters, ancestors: as in _verdict.Evidence.
LiveState = namedtuple("LiveState", "main_pid cgroup counters ancestors")


def _kills(container, index, live):
    """Return (kills in the container, kills without a place that may have been in it).

    Where a container has no cgroup of its own, the kernel's record names somebody else's: then
    only the main process's pid tells, and every kill outside of containers may be one of its children.
    """
    kills, unattributed = index.kills.get(container.ident, []), index.records.unattributed
    if container.own_cgroup:
        return kills, unattributed
    for kill in index.elsewhere:
        if live.main_pid in [victim.pid for victim in kill.victims]:
            kills = kills + [kill]
        else:
            unattributed = unattributed + [UnattributedKill(kill.at, kill.boot, victim, kill.oom_memcg is not None)
                                 for victim in kill.victims]
    return kills, unattributed


def removed_container_evidence(ident, owner, index, systemd_since):
    """Return the Evidence of a container that Podman no longer knows: only records speak of it.

    :param owner: uid of its user.
    """
    events = index.events(ident, owner)
    starts = [event.at for event in events if event.kind == "init"]
    deaths = [event for event in events if event.kind == "died"]
    kills, scopes, oomd = index.kills.get(ident, []), index.scopes(ident, owner), index.oomd(ident, owner)
    records = [each.at for each in kills + scopes + oomd]
    # without its events all its records count as those of one run
    start = starts[-1] if starts else min(records) if records else 0
    died = deaths[-1] if deaths and deaths[-1].at >= start else None
    run = Run("ended", start, died.at if died else None, died.exit_code if died else None, None)
    return Evidence(
        run=run, main_pid=None, flag=None, stopped_by_user=_stopped(None, run, events), declared_limit=None,
        kills=kills, unattributed=index.records.unattributed, unit_ooms=scopes, oomd=oomd, counters=None,
        ancestors=None, kernel_since=index.records.kernel_since, systemd_since=systemd_since, oomd_active=index.records.oomd_active)


def _run(container, events):
    """The Run of inspect's times; Podman's init event says best where it begins."""
    if not container.ran:
        return Run("never", None, None, None, True)
    inits = [event.at for event in events if event.kind == "init" and event.at <= container.started + SECOND]
    if inits:
        start = inits[-1]
    else:
        start = container.started - _STARTED_LATE
        if container.finished is not None and container.finished < container.started:
            start = max(start, container.finished)  # the end of the run before
    first = _is_first(container, inits)
    if container.running:
        return Run("running", start, None, None, first)
    code = container.facts["state"]["exit_code"]
    if container.finished is None or container.finished < container.started - SECOND or code is None or code < 0:
        return Run("lost", start, None, None, first)
    return Run("ended", start, container.finished, code, first)


def _is_first(container, inits):
    if container.facts["state"]["restart_count"] or len(inits) > 1:
        return False
    if container.created is not None and container.started - container.created <= _ONE_RUN:
        return True
    return None


def _stopped(said, run, events):
    """Podman's evidence that the run was stopped through it: inspect's, else that of its events.

    Its events speak only when the run's own death is among them: with another event logger
    (containers.conf, events_logger) the journal has none. `podman stop` of Podman 4.3 writes no stop
    event, but cleans up beside conmon's own `podman container cleanup`: a second cleanup whose
    command is not known leaves it open.
    """
    if said is not None or run.state != "ended" or run.end is None:
        return said
    around = [event for event in events if run.start <= event.at <= run.end + _STOP_EVENT_LATE]
    cleanups = [event.command for event in around if event.kind == "cleanup"]
    if any(event.kind in _STOP_KINDS for event in around) or any(each in _STOP_COMMANDS for each in cleanups):
        return True
    if not any(event.kind == "died" for event in around):
        return None
    return None if len(cleanups) > 1 and any(each in (None, "service") for each in cleanups) else False


def _hit(record, container, owner, run, cgroup):
    """Whether systemd-oomd's kill was of this container's cgroup, its unit, or one above."""
    unit = container.facts["manager"]["unit"]
    if record.unit:
        return record.unit == "libpod-%s.scope" % container.ident or (record.unit == unit and record.uid == owner)
    if _cgroup_path.own_cgroup(record.cgroup, container.ident):
        return True
    if run.end is None or not -_OOMD_ENDS <= run.end - record.at <= _OOMD_ENDS:
        return False
    quadlet = unit if container.facts["manager"]["kind"] == "quadlet" else None
    path = cgroup or expected_cgroup(container.ident, owner, quadlet, container.cgroup_parent)
    return path.startswith(record.cgroup.rstrip("/") + "/")


def expected_cgroup(ident, owner, unit, parent):
    """Return the cgroup where Podman with the systemd manager puts a container.

    :param unit: of a quadlet, which runs inside its service; else None.
    :param parent: HostConfig.CgroupParent, "" for the default.
    """
    base = "" if owner == 0 else "/user.slice/user-%d.slice/user@%d.service" % (owner, owner)
    if unit:
        return "%s/%s/%s" % (base, "system.slice" if owner == 0 else "app.slice", unit) + "/libpod-payload-" + ident
    slice_name = (parent or ("machine.slice" if owner == 0 else "user.slice")).strip("/").split("/")[-1]
    # systemd.slice(5): a-b.slice lies in a.slice
    words = slice_name[:-len(".slice")].split("-") if slice_name.endswith(".slice") else []
    slices = ["-".join(words[:end]) + ".slice" for end in range(1, len(words) + 1)] or [slice_name]
    return "/".join([base] + slices + ["libpod-%s.scope" % ident])


def attribute_service_kills(records):
    """Return the HostRecords with each service's OOM record turned into that of the container's scope.

    For those who can't read the kernel's log: the record of a quadlet names the service; which of
    its containers it was, is told by the death that Podman wrote down for that unit at that time.
    Records of services for which there is no such death stay as they are.
    """
    deaths = [event for event in records.events if event.kind == "died"]
    ooms = []
    for record in records.unit_ooms:
        near = [event for event in deaths if event.labels.get("PODMAN_SYSTEMD_UNIT") == record.unit
                and event.uid == record.uid and abs(event.at - record.at) <= _SERVICE_DIES]
        if near and not _cgroup_path.find_container_id(record.unit):
            record = record._replace(unit="libpod-%s.scope" % near[0].ident)
        ooms.append(record)
    return records._replace(unit_ooms=ooms)
