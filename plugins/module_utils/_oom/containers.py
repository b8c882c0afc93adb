# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the host knows of a container beside Podman's record: its memory now, its next start, and what is left of removed ones."""

from typing import Any, Dict, List, Optional, Tuple

from .._cgroup.cgroupfs import CgroupFiles
from .._cgroup.effective import effective_limits
from .._cgroup.paths import cgroup_lineage, own_cgroups
from .._logs.records import PodmanEvent
from .._podman.containers_conf import ConfigError, default_oom_group
from .._podman.inspect import Container
from .._podman.listing import PodmanAnswer
from .._podman.unit_command import next_start_settings, played_file, podman_run_lines, runs_container
from .._recorder.record import KnownContainer
from .._system.host_files import Files
from .._system.systemctl import Systemctl, SystemctlError
from .._system.times import to_iso
from .attribution import RecordsByContainer
from .evidence import LiveState, removed_container_evidence
from .verdict import decide

_BY_UNIT = ("quadlet", "systemd")  # kinds of managers whose unit recreates the container at each start
_FOREIGN_LIMITS = ("nested_limit", "ancestor_limit")  # causes
_EVENTS = ("low", "high", "max", "oom", "oom_kill", "oom_group_kill")


# What is known of a container whose unit recreates it: NextStart, the file that says so, and the unit of its pod.
_NOTHING: Dict[str, Any] = {"settings": None, "problem": None, "file": None, "pod_unit": None}


def read_next_starts(answer: PodmanAnswer, timeout: float) -> Dict[str, Dict[str, Any]]:
    """Return {id: {settings, problem, file, pod_unit}} of one user's containers: how their units will start them.

    settings and problem: see NextStart, both None for kube's; file: path of the quadlet, the unit file, or the YAML that is
    played; pod_unit: the unit of its pod, which systemd stops with the pod's last container, and which takes the others along.
    Containers without a unit are not in it. One process for all of them.
    """
    identity = answer.user.identity
    containers = {container.ident: container for container in answer.containers if _says_more(container)}
    if not containers:
        return {}
    units = {ident: container.facts["manager"]["unit"] for ident, container in containers.items()}
    try:
        shown = Systemctl(identity, timeout).show(units.values(), ["ExecStart", "SourcePath", "FragmentPath", "BindsTo"], partial=True)
    except SystemctlError:
        return {}  # then Podman's record is all there is
    try:
        group = default_oom_group(identity, Files())
    except ConfigError as exc:
        # Podman does not understand it either, most likely, and then the next start fails
        answer.errors.append({"source": "podman", "user": identity.name, "message": "what containers get at their next start is not known: %s" % exc})
        return {}
    lines = podman_run_lines(shown)
    starts = {}
    for ident, container in containers.items():
        line = lines.get(units[ident])
        if container.facts["manager"]["kind"] == "kube":
            starts[ident] = dict(_NOTHING, file=played_file(shown.get(units[ident], {})))
        elif line is not None:
            start = next_start_settings(line, container.create_command, container.facts["image"], group)
            origin = _origin(shown[units[ident]]) if runs_container(line, container.facts["name"]) else {}
            starts[ident] = dict(_NOTHING, **start._asdict(), **origin)
    return starts


def _says_more(container: Container) -> bool:
    """Whether its unit says more of its next start than Podman's record: its settings, or the YAML file."""
    manager = container.facts["manager"]
    if manager["kind"] == "kube":
        return manager["unit"] is not None
    return manager["kind"] in _BY_UNIT and bool(container.facts["image"] and container.create_command)


def _origin(properties: Dict[str, str]) -> Dict[str, Optional[str]]:
    """Return {file, pod_unit} of a unit's properties; quadlet binds a container to its pod's unit (podman-systemd.unit(5), Pod=)."""
    file = properties.get("SourcePath") or properties.get("FragmentPath") or None
    bound = [unit for unit in properties.get("BindsTo", "").split() if unit.endswith(".service")]
    return {"file": file, "pod_unit": bound[0] if file and file.endswith(".container") and len(bound) == 1 else None}


def manager_facts(manager: Dict[str, Optional[str]], start: Optional[Dict[str, Any]]) -> Dict[str, Optional[str]]:
    """Return the facts' `manager` of a container by what inspect and its unit show.

    :param start: see read_next_starts(), None for none.
    """
    file, pod_unit = (start["file"], start["pod_unit"]) if start else (None, None)
    # with CgroupsMode= the command line does not show that it is quadlet's
    kind = "quadlet" if file and file.endswith(".container") else manager["kind"]
    return dict(manager, kind=kind, file=file, pod_unit=pod_unit)


def live_memory(container: Container, last_pid: Optional[int], files: CgroupFiles) -> Tuple[Dict[str, Any], LiveState]:
    """Return ({effective, usage, events} for the facts, LiveState) of a container; the three are None unless it runs.

    :param last_pid: of the main process of its last run, None: unknown.
    """
    memory: Dict[str, Any] = {"effective": None, "usage": None, "events": None}
    if not container.running or not container.pid:
        return memory, LiveState(last_pid)
    cgroups = files.container_cgroups(container.pid, container.ident)
    if cgroups is None:  # ended since Podman was asked
        return memory, LiveState(container.pid)
    lineage = [(path, files.limits(path)) for path in cgroup_lineage(cgroups.leaf)]
    if files.container_cgroups(container.pid, container.ident) is None:  # of one that ends meanwhile all files read as "no limit"
        return memory, LiveState(container.pid)
    memory["effective"] = effective_limits(lineage, cgroups.own, files.hierarchy.version)
    if cgroups.own is None:
        return memory, LiveState(container.pid)
    counters = files.events(cgroups.own)
    memory["usage"] = files.usage(cgroups.own)
    memory["events"] = {key: (counters or {}).get(key) for key in _EVENTS}
    ancestors = [(path, files.local_events(path)) for path in cgroup_lineage(cgroups.own)[1:]]
    own = [events["oom"] for events in map(files.local_events, own_cgroups(cgroups.own)) if events and "oom" in events]
    return memory, LiveState(main_pid=container.pid, cgroup=cgroups.own, counters=counters, own_oom=sum(own) if own else None,
                             ancestors=ancestors)


def add_scope_limit(oom: Dict[str, Any], files: CgroupFiles) -> Dict[str, Any]:
    """Return a verdict with the limit of the cgroup in its `scope`, if that is still there and is not the container's own."""
    scope = oom["scope"] or ""
    if oom["cause"] in _FOREIGN_LIMITS and scope.startswith("/") and ".." not in scope.split("/"):
        oom["scope_limit"] = files.limits(scope)["limit"]
    return oom


def removed_container_facts(ident: str, answer: PodmanAnswer, index: RecordsByContainer, systemd_since: Optional[int],
                            recorded: Optional[KnownContainer] = None) -> Dict[str, Any]:
    """Return the facts' entry for a killed container that Podman no longer knows, or lists and does not describe.

    :param answer: of the user it belonged to.
    :param systemd_since: from when on the journal holds that user's records.
    """
    owner = answer.user.identity
    events = index.events(ident, owner.uid)
    last = events[-1] if events else None
    deaths = [event for event in events if event.kind == "died"]
    oom = decide(ident, removed_container_evidence(ident, owner.uid, index, systemd_since))
    listed = next((entry.name for entry in answer.listed if entry.ident == ident), None)
    if listed is not None:
        oom["evidence"].append("podman: it is still there, but podman inspect failed, so these are all records that name it")
    elif not answer.complete:
        oom["evidence"].append("podman: the containers of %s could not be listed, it may still be there" % owner.name)
    cgroups = [kill.task_memcg for kill in index.kills(ident, owner.uid)]
    cgroups += [kill.cgroup or "" for kill in index.oomd_kills(ident, owner.uid)]
    return {
        "id": ident,
        "user": owner.name,
        "name": listed or (last.name if last else None) or (recorded.name if recorded else None),
        "image": (last.image if last else None) or (recorded.image if recorded else None),
        "manager": _find_manager(last, recorded, cgroups),
        "memory_limit": recorded.memory_limit if recorded else None,
        "exit_code": deaths[-1].exit_code if deaths else None,
        # None: the user's containers could not be listed, so it may still be there
        "gone": False if listed is not None else True if answer.complete else None,
        "died_at": to_iso(deaths[-1].at) if deaths else None,
        "oom": oom,
    }


def _find_manager(event: Optional[PodmanEvent], recorded: Optional[KnownContainer], cgroups: List[str]) -> Dict[str, Any]:
    """What had created a removed container: its unit by Podman's event, a quadlet by its cgroup's name."""
    unit = (event.labels.get("PODMAN_SYSTEMD_UNIT") if event else None) or (recorded.unit if recorded else None)
    is_quadlet = any("/libpod-payload-" in cgroup for cgroup in cgroups)
    return {"kind": ("quadlet" if is_quadlet else "systemd") if unit else "none", "unit": unit}
