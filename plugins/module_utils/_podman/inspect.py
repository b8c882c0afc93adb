# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A container as `podman container inspect` shows it, in the collection's own terms.

Pure. Takes only what it names: environment, command and mounts never get into the facts.
Field names and their presence by version: libpod/define/container_inspect.go, 3.0 to 5.8.
"""

import json
from typing import Any, Dict, List, NamedTuple, Optional

from .._system.times import parse_iso, to_iso
from .run_options import OOM_GROUP, MemorySettings


class Container(NamedTuple):
    """A container; times are in microseconds."""

    facts: Dict[str, Any]  # the part of the facts that inspect decides; the rest serves the other sources
    ident: str  # 64 hex digits
    created: Optional[int]
    started: Optional[int]  # of its last run
    finished: Optional[int]
    ran: bool  # has had a run, or has one
    running: bool
    pid: Optional[int]  # of its main process now
    pidfile: Optional[str]  # path where conmon wrote the pid of the last run
    oom_killed_flag: bool  # State.OOMKilled
    stopped_by_user: Optional[bool]  # None before Podman 4.7
    cgroup_parent: str  # as given, "" for the default
    own_cgroup: bool  # Podman creates a cgroup for it whose path holds its id
    auto_remove: bool  # it is removed when it stops
    create_command: List[str]  # words of the command that created it


_ALIVE = ("running", "paused", "stopping")
_NEVER_RAN = ("created", "configured", "initialized")
_KUBE_ANNOTATION = "io.podman.annotations.kube"


class InspectError(ValueError):
    """The output is not what `podman container inspect` prints."""


def parse_inspect(output: bytes) -> List[Dict[str, Any]]:
    """Return the list of dicts in the output of `podman container inspect`.

    :raises InspectError: it is no JSON list of objects with an id.
    """
    try:
        raws = json.loads(output.decode("utf-8", "replace"))
    except ValueError as exc:
        raise InspectError("its answer is not JSON: %s" % exc)
    if not isinstance(raws, list) or not all(isinstance(raw, dict) and raw.get("Id") for raw in raws):
        raise InspectError("its answer is not a list of containers")
    return raws


def parse_container(raw: Dict[str, Any], user: str) -> Container:
    """Return the Container of one element of inspect's list.

    :param user: name of the owner.
    :raises InspectError: a part has another type than any version of Podman gives it.
    """
    try:
        return _parse_container(raw, user)
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise InspectError("container %s: %s: %s" % (str(raw.get("Id"))[:12], type(exc).__name__, exc))


def _parse_container(raw: Dict[str, Any], user: str) -> Container:
    state = raw.get("State") or {}
    status = state["Status"]
    started = parse_iso(state.get("StartedAt") or "0001-01-01T00:00:00Z")
    finished = parse_iso(state.get("FinishedAt") or "0001-01-01T00:00:00Z")
    created = parse_iso(raw.get("Created") or "0001-01-01T00:00:00Z")
    running = status in _ALIVE
    ran = started is not None and status not in _NEVER_RAN
    host_config = raw.get("HostConfig") or {}
    config = raw.get("Config") or {}
    labels = {str(key): str(value) for key, value in (config.get("Labels") or {}).items()}
    stopped = state.get("StoppedByUser")
    if stopped is None and "lockNumber" in raw:
        # Podman has StoppedByUser since 4.7.0 and leaves it out when false; lockNumber, of 4.6/4.7, is always there
        stopped = False
    facts = {
        "id": raw["Id"],
        "name": (raw.get("Name") or "").lstrip("/"),
        "user": user,
        "image": raw.get("ImageName") or config.get("Image") or None,
        "created_at": to_iso(created),
        "labels": labels,
        "pod": raw.get("Pod") or None,
        "is_infra": bool(raw.get("IsInfra")),
        "manager": _manager(raw, labels),
        "state": {
            "status": status,
            "exit_code": state.get("ExitCode") if ran and not running else None,
            "started_at": to_iso(started),
            # a running container keeps the end of its previous run
            "finished_at": to_iso(finished) if ran and not running else None,
            "restart_count": raw.get("RestartCount") or 0,
            "oom_killed_flag": bool(state.get("OOMKilled")),
            "stopped_by_user": stopped,
        },
        "declared": _declared(host_config),
    }
    return Container(
        facts=facts, ident=raw["Id"], created=created, started=started, finished=finished, ran=ran,
        running=running, pid=state.get("Pid") or None, pidfile=raw.get("PidFile") or None,
        oom_killed_flag=facts["state"]["oom_killed_flag"], stopped_by_user=stopped,
        cgroup_parent=host_config.get("CgroupParent") or "",
        # rootless with the cgroupfs manager it may run in the cgroup of whoever started it
        own_cgroup=host_config.get("Cgroups") != "disabled" and not (
            user != "root" and host_config.get("CgroupManager") == "cgroupfs"),
        auto_remove=bool(host_config.get("AutoRemove")),
        create_command=[str(word) for word in config.get("CreateCommand") or []])


def _declared(host_config: Dict[str, Any]) -> MemorySettings:
    """The limits that inspect shows; Podman's none is 0 or -1."""
    conf = {str(key): str(value) for key, value in (host_config.get("CgroupConf") or {}).items()}
    group = conf.get(OOM_GROUP)
    return {"limit": _positive(host_config.get("Memory")), "swap_limit": _positive(host_config.get("MemorySwap")),
            "reservation": _positive(host_config.get("MemoryReservation")),
            "oom_group": None if group is None else group.strip() == "1"}


def _positive(value: Optional[int]) -> Optional[int]:
    return value if value and value > 0 else None


def _manager(raw: Dict[str, Any], labels: Dict[str, str]) -> Dict[str, Optional[str]]:
    """Return {kind, unit}: who recreates the container, so where a setting must be written to last."""
    command = raw.get("Config", {}).get("CreateCommand") or []
    unit = labels.get("PODMAN_SYSTEMD_UNIT")
    if unit:
        # Quadlet always runs with --cgroups=split, podman-generate-systemd never does.
        return {"kind": "quadlet" if "--cgroups=split" in command else "systemd", "unit": unit}
    if "com.docker.compose.project" in labels or "io.podman.compose.project" in labels:
        return {"kind": "compose", "unit": None}
    annotations = raw.get("Config", {}).get("Annotations") or {}
    # `podman kube play` creates containers without a command line, in a pod with its service container
    if raw.get("IsService") or any(key.startswith(_KUBE_ANNOTATION) for key in annotations):
        return {"kind": "kube", "unit": None}
    return {"kind": "none", "unit": None}
