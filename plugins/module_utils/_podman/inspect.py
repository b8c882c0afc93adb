# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""What `podman container inspect` says of a container, in the collection's own terms.

Pure. Takes only what it names: environment, command and mounts never get into the facts.
Field names and their presence by version: libpod/define/container_inspect.go, 3.0 to 5.8.
"""

import json
from collections import namedtuple

from .._system import times as _times

# public: the part of the facts that inspect decides (dict). The rest serves the other
# sources: ident: 64 hex digits; created, started, finished: microseconds or None; ran: has a
# run at all; running: has one now; pid: of its main process now, or None; pidfile: where conmon
# wrote that of the last run; flag: OOMKilled; stopped_by_user: bool or None (before Podman 4.7);
# cgroup_parent: as given, "" for the default; own_cgroup: whether Podman makes one for it whose path
# holds its id; auto_remove: whether it is removed when it stops; command: words that it was created with.
Container = namedtuple(
    "Container",
    "public ident created started finished ran running pid pidfile flag stopped_by_user cgroup_parent "
    "own_cgroup auto_remove command")

_ALIVE = ("running", "paused", "stopping")
_NEVER_RAN = ("created", "configured", "initialized")
_KUBE_ANNOTATION = "io.podman.annotations.kube"


class Garbage(ValueError):
    """The output is not what `podman container inspect` prints."""


def parse(output):
    """Return the list of dicts in the output (bytes) of `podman container inspect`.

    :raises Garbage: when it is no JSON list of objects with an id.
    """
    try:
        found = json.loads(output.decode("utf-8", "replace"))
    except ValueError as exc:
        raise Garbage("its answer is not JSON: %s" % exc)
    if not isinstance(found, list) or not all(isinstance(each, dict) and each.get("Id") for each in found):
        raise Garbage("its answer is not a list of containers")
    return found


def container(raw, user):
    """Return the Container of one element of inspect's list.

    :param user: name of the owner.
    :raises Garbage: when a part has another type than any version of Podman gives it.
    """
    try:
        return _container(raw, user)
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise Garbage("container %s: %s: %s" % (str(raw.get("Id"))[:12], type(exc).__name__, exc))


def _container(raw, user):
    state = raw.get("State") or {}
    status = state["Status"]
    started = _times.parse_iso(state.get("StartedAt") or "0001-01-01T00:00:00Z")
    finished = _times.parse_iso(state.get("FinishedAt") or "0001-01-01T00:00:00Z")
    created = _times.parse_iso(raw.get("Created") or "0001-01-01T00:00:00Z")
    running = status in _ALIVE
    ran = started is not None and status not in _NEVER_RAN
    host_config = raw.get("HostConfig") or {}
    config = raw.get("Config") or {}
    labels = {str(key): str(value) for key, value in (config.get("Labels") or {}).items()}
    stopped = state.get("StoppedByUser")
    if stopped is None and _tells_stopped_by_user(raw):
        stopped = False
    public = {
        "id": raw["Id"],
        "name": (raw.get("Name") or "").lstrip("/"),
        "user": user,
        "image": raw.get("ImageName") or config.get("Image") or None,
        "created_at": _times.to_iso(created),
        "labels": labels,
        "pod": raw.get("Pod") or None,
        "is_infra": bool(raw.get("IsInfra")),
        "manager": manager(raw, labels),
        "state": {
            "status": status,
            "exit_code": state.get("ExitCode") if ran and not running else None,
            "started_at": _times.to_iso(started),
            # a running container keeps the end of its previous run
            "finished_at": _times.to_iso(finished) if ran and not running else None,
            "restart_count": raw.get("RestartCount") or 0,
            "oom_killed_flag": bool(state.get("OOMKilled")),
            "stopped_by_user": stopped,
        },
        "declared": _declared(host_config),
    }
    return Container(
        public=public, ident=raw["Id"], created=created, started=started, finished=finished, ran=ran,
        running=running, pid=state.get("Pid") or None, pidfile=raw.get("PidFile") or None,
        flag=public["state"]["oom_killed_flag"], stopped_by_user=stopped,
        cgroup_parent=host_config.get("CgroupParent") or "",
        # rootless with the cgroupfs manager it may run in the cgroup of whoever started it
        own_cgroup=host_config.get("Cgroups") != "disabled" and not (
            user != "root" and host_config.get("CgroupManager") == "cgroupfs"),
        auto_remove=bool(host_config.get("AutoRemove")),
        command=[str(word) for word in config.get("CreateCommand") or []])


def _tells_stopped_by_user(raw):
    """Whether this Podman has State.StoppedByUser (4.7.0), which it leaves out when false.

    lockNumber came with 4.6/4.7 and is always there from then on.
    """
    return "lockNumber" in raw


def _declared(host_config):
    """The limits that inspect shows: bytes, None for none (Podman: 0 or -1)."""
    conf = {str(key): str(value) for key, value in (host_config.get("CgroupConf") or {}).items()}
    group = conf.get("memory.oom.group")
    return {
        "limit": _bytes(host_config.get("Memory")),
        "swap_limit": _bytes(host_config.get("MemorySwap")),
        "reservation": _bytes(host_config.get("MemoryReservation")),
        "oom_group": None if group is None else group.strip() == "1",
    }


def _bytes(value):
    return value if value and value > 0 else None


def manager(raw, labels):
    """Return {kind, unit}: who makes the container anew, so where a setting must be written to last."""
    command = raw.get("Config", {}).get("CreateCommand") or []
    unit = labels.get("PODMAN_SYSTEMD_UNIT")
    if unit:
        # Quadlet always runs with --cgroups=split, podman-generate-systemd never does.
        return {"kind": "quadlet" if "--cgroups=split" in command else "systemd", "unit": unit}
    if "com.docker.compose.project" in labels or "io.podman.compose.project" in labels:
        return {"kind": "compose", "unit": None}
    annotations = raw.get("Config", {}).get("Annotations") or {}
    # `podman kube play` makes containers without a command line, in a pod with its service container
    if raw.get("IsService") or any(key.startswith(_KUBE_ANNOTATION) for key in annotations):
        return {"kind": "kube", "unit": None}
    return {"kind": "none", "unit": None}
