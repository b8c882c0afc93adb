# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A container as `podman container inspect` shows it, in the collection's own terms.

Pure. Takes only what it names: environment, command and mounts never get into the facts.
Field names and their presence by version: libpod/define/container_inspect.go, 3.0 to 5.8.
"""

from typing import Any, Dict, List, NamedTuple, Optional

from .._door.document import DoorError, parse_document
from .._door.facts import LABEL_LENGTH
from .._door.fields import FieldError, Fields
from .._door.grammar import ID_LENGTH, MAX_PID, MAX_SIZE, NAME_LENGTH, is_id, is_name, is_unit
from .._system.times import to_iso
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
    # End of its last health check, if that failed and a failure ends the container; 0: not known when. None: no such check.
    unhealthy_at: Optional[int]
    cgroup_parent: str  # as given, "" for the default
    own_cgroup: bool  # Podman creates a cgroup for it whose path holds its id
    auto_remove: bool  # it is removed when it stops
    create_command: List[str]  # words of the command that created it


_ALIVE = ("running", "paused", "stopping")
_NEVER_RAN = ("created", "configured", "initialized")
_HEALTH_ACTIONS = ("kill", "restart", "stop")  # podman-run(1), --health-on-failure
_KUBE_ANNOTATION = "io.podman.annotations.kube"
_MAX_SIZE = 128 * 1024 * 1024
_WORD = 128 * 1024  # MAX_ARG_STRLEN of the kernel: no longer text gets onto a command line
_PATH, _IMAGE, _STATUS = 4096, 1024, 64


class InspectError(ValueError):
    """The output is not what `podman container inspect` prints."""

    def __init__(self, message: str, ident: Optional[str] = None) -> None:
        """:param ident: id of the container that it is about, None: all of the output."""
        super().__init__(message)
        self.ident = ident


def parse_inspect(output: bytes) -> List[Dict[str, Any]]:
    """Return the list of dicts in the output of `podman container inspect`.

    :raises InspectError: it is no JSON list of objects with an id.
    """
    try:
        raws = parse_document(output, _MAX_SIZE)
    except DoorError as exc:
        raise InspectError("its answer %s" % exc)
    if not isinstance(raws, list) or not all(isinstance(raw, dict) and raw.get("Id") for raw in raws):
        raise InspectError("its answer is not a list of containers")
    return raws


def parse_container(raw: Any, user: str) -> Container:
    """Return the Container of one element of inspect's list.

    :param user: name of the owner.
    :raises InspectError: a part has another type or value than any version of Podman gives it.
    """
    ident = str(raw["Id"]) if isinstance(raw, dict) and is_id(raw.get("Id")) else None
    if ident is None:
        raise InspectError("a container without a valid id")
    try:
        return _parse_container(Fields(raw), ident, user)
    except FieldError as exc:
        raise InspectError("container %s: %s" % (ident[:12], exc), ident)


def _parse_container(raw: Fields, ident: str, user: str) -> Container:
    state, host_config, config = raw.object("State"), raw.object("HostConfig"), raw.object("Config")
    status = state.text("Status", _STATUS)
    if not status:
        raise FieldError("State.Status is missing")
    started, finished, created = state.time("StartedAt"), state.time("FinishedAt"), raw.time("Created")
    running = status in _ALIVE
    ran = started is not None and status not in _NEVER_RAN
    stopped = state.flag("StoppedByUser")
    if stopped is None and "lockNumber" in raw:
        # Podman has StoppedByUser since 4.7.0 and leaves it out when false; lockNumber, of 4.6/4.7, is always there
        stopped = False
    labels, command = config.pairs("Labels", _MAX_SIZE), config.texts("CreateCommand", _WORD)
    exit_code, flag = state.integer("ExitCode", -2 ** 31, 2 ** 31 - 1), bool(state.flag("OOMKilled"))
    facts = {
        "id": ident,
        "name": _name(raw),
        "user": user,
        "image": raw.text("ImageName", _IMAGE) or config.text("Image", _IMAGE) or None,
        "created_at": to_iso(created),
        # the metadata of some images are labels of any length
        "labels": {key: text if len(text) <= LABEL_LENGTH else text[:LABEL_LENGTH - 1] + "…" for key, text in labels.items()},
        "pod": _pod(raw),
        # a service container is one of `podman kube play` in a unit, which waits there for the end of its pods
        "is_infra": bool(raw.flag("IsInfra") or raw.flag("IsService")),
        "manager": _manager(raw, config, labels, command),
        "state": {
            "status": status,
            "exit_code": exit_code if ran and not running else None,
            "started_at": to_iso(started),
            # a running container keeps the end of its previous run
            "finished_at": to_iso(finished) if ran and not running else None,
            "restart_count": raw.integer("RestartCount", 0, MAX_SIZE) or 0,
            "oom_killed_flag": flag,
            "stopped_by_user": stopped,
        },
        "declared": _declared(host_config),
    }
    return Container(
        facts=facts, ident=ident, created=created, started=started, finished=finished, ran=ran,
        running=running, pid=state.integer("Pid", 0, MAX_PID) or None, pidfile=raw.text("PidFile", _PATH) or None,
        oom_killed_flag=flag, stopped_by_user=stopped, unhealthy_at=_unhealthy_at(state, config),
        cgroup_parent=host_config.text("CgroupParent", _PATH),
        # rootless with the cgroupfs manager it may run in the cgroup of whoever started it
        own_cgroup=host_config.text("Cgroups", _STATUS) != "disabled" and not (
            user != "root" and host_config.text("CgroupManager", _STATUS) == "cgroupfs"),
        auto_remove=bool(host_config.flag("AutoRemove")), create_command=command)


def _unhealthy_at(state: Fields, config: Fields) -> Optional[int]:
    """See Container. libpod/healthcheck.go: the check kills or stops the container through Podman, so StoppedByUser is true."""
    health = state.object("Health")
    if config.text("HealthcheckOnFailureAction", _STATUS) not in _HEALTH_ACTIONS or health.text("Status", _STATUS) != "unhealthy":
        return None
    checks = health.objects("Log")
    return (checks[-1].time("End") if checks else None) or 0


def _name(raw: Fields) -> str:
    name = raw.text("Name", NAME_LENGTH + 1).lstrip("/")
    if not is_name(name):
        raise FieldError("Name is not one that Podman allows")
    return name


def _pod(raw: Fields) -> Optional[str]:
    pod = raw.text("Pod", ID_LENGTH)
    if pod and not is_id(pod):
        raise FieldError("Pod is not an id")
    return pod or None


def _declared(host_config: Fields) -> MemorySettings:
    """The limits that inspect shows; Podman's none is 0 or -1."""
    group = host_config.pairs("CgroupConf", _WORD).get(OOM_GROUP)
    limit, swap_limit, reservation = (_positive(host_config, key) for key in ("Memory", "MemorySwap", "MemoryReservation"))
    return {"limit": limit, "swap_limit": swap_limit, "reservation": reservation,
            "oom_group": None if group is None else group.strip() == "1"}


def _positive(host_config: Fields, key: str) -> Optional[int]:
    value = host_config.integer(key, -MAX_SIZE, MAX_SIZE)
    return value if value and value > 0 else None


def _manager(raw: Fields, config: Fields, labels: Dict[str, str], command: List[str]) -> Dict[str, Optional[str]]:
    """Return {kind, unit}: who recreates the container, so where a setting must be written to last."""
    # any image can have the label: what systemd would not take as the name of a unit is none
    unit = labels.get("PODMAN_SYSTEMD_UNIT") if is_unit(labels.get("PODMAN_SYSTEMD_UNIT")) else None
    if unit and "--cgroups=split" in command:  # Quadlet always runs with it, podman-generate-systemd never does.
        return {"kind": "quadlet", "unit": unit}
    # A unit that was generated of such a container has its labels too. podman-compose gives all its containers a unit of this
    # name, whether there is one or not (podman_compose.py).
    if (not unit or unit.startswith("podman-compose@")) and (
            "com.docker.compose.project" in labels or "io.podman.compose.project" in labels):
        return {"kind": "compose", "unit": unit}
    if _is_played(raw, config, command):
        return {"kind": "kube", "unit": unit}
    return {"kind": "systemd" if unit else "none", "unit": unit}


def _is_played(raw: Fields, config: Fields, command: List[str]) -> bool:
    """Whether `podman kube play` made it (pkg/domain/infra/abi/play.go, 4.3 to 5.8).

    It creates containers without a command line, in a pod, and with this mode unless an annotation in the YAML says otherwise.
    Podman's API, which others create such containers with, has another default.
    """
    if raw.flag("IsService") or any(key.startswith(_KUBE_ANNOTATION) for key in config.pairs("Annotations", _WORD)):
        return True
    return not command and bool(raw.text("Pod", ID_LENGTH)) and config.text("sdNotifyMode", _STATUS) == "ignore"
