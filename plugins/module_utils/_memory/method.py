# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a memory setting reaches a container, by Podman's version, the cgroups and who created the container.

Pure: the table of docs/docsite/rst/container_memory.rst, whose rows are measured on Podman 4.3.1, 5.4.2 and 5.8.6.
"""

from typing import Any, Dict, NamedTuple, Optional, Tuple

# What came with which version: Podman's release notes.
UPDATES = (4, 3)  # `podman update` and its API
KEEPS_UPDATES = (5, 1)  # at the next start
KEEPS_OTHER_RESOURCES = (5, 4)  # that an update doesn't send (issue 24610)
QUADLET_DROP_INS = (5, 0)
QUADLET_MEMORY_KEY = (5, 5)  # Memory=


class Context(NamedTuple):
    """What decides how a container can be changed."""

    version: Tuple[int, ...]  # of Podman
    cgroup_version: int  # 1 or 2
    rootless: bool
    running: bool
    own_cgroup: bool  # it runs in a cgroup of its own
    manager: str  # none, quadlet, systemd, compose, kube
    unit_file: Optional[str]  # path of the quadlet file, None when it wasn't found
    template: bool  # the quadlet file is a template
    pod: bool  # it is in a pod
    auto_remove: bool  # it is removed when it stops (--rm)


class Method(NamedTuple):
    """How a container is changed."""

    backend: Optional[str]  # libpod_api, cli, cgroupfs, or None when nothing can be done now
    recorded: bool  # Podman keeps it for the container
    resend: bool  # Podman forgets the resources that aren't sent
    drop_in: bool  # a quadlet drop-in makes it last
    persistent: bool  # the next start has it
    reason: Optional[str]  # a key of ADVICE: why not


class Unsupported(ValueError):
    """It can't be done on this host or to this container."""


def choose_method(context: Context, requested: Dict[str, Any], backend: str, persist: bool) -> Method:
    """Return how to do it.

    :param requested: {option: value} of a Request.
    :param backend: auto, libpod_api, cli or cgroupfs.
    :param persist: whether a unit's drop-in may be written.
    :raises Unsupported: there is no way at all, or not with this backend.
    """
    _check_possible(context, requested)
    used_backend = _choose_backend(context, requested, backend)
    recorded = used_backend in ("libpod_api", "cli") and context.version >= KEEPS_UPDATES
    reason = _reason(context, backend, persist)
    drop_in = context.manager == "quadlet" and persist and reason is None
    resend = recorded and context.version < KEEPS_OTHER_RESOURCES
    if resend and used_backend == "cli":
        raise Unsupported("backend: `podman update` of Podman %s drops all other limits of the container; use libpod_api, "
                          "which sends them again" % format_version(context.version))
    return Method(
        backend=used_backend, recorded=recorded, resend=resend, drop_in=drop_in,
        persistent=drop_in or (recorded and reason is None and context.manager == "none"), reason=reason)


def _check_possible(context: Context, requested: Dict[str, Any]) -> None:
    if context.cgroup_version == 1 and "oom_group" in requested:
        raise Unsupported("oom_group: cgroup v1 has no memory.oom.group; the host needs cgroup v2")
    if context.cgroup_version == 1 and context.rootless:
        raise Unsupported("the memory of rootless containers can't be limited on cgroup v1; the host needs cgroup v2")
    if context.running and not context.own_cgroup and context.manager != "quadlet":
        raise Unsupported("it runs in a cgroup that isn't its own (--cgroups=disabled, or no systemd session when it was "
                          "started), so a limit would not be its own; recreate it without that")


def _choose_backend(context: Context, requested: Dict[str, Any], backend: str) -> Optional[str]:
    if not context.running and context.version < KEEPS_UPDATES:
        return None
    if context.running and not context.own_cgroup:
        return None
    if backend == "auto":
        backend = "libpod_api" if context.version >= UPDATES else "cgroupfs"
    if backend in ("libpod_api", "cli") and context.version < UPDATES:
        raise Unsupported("backend: Podman %s can't update containers, that came with 4.3.0; use auto or cgroupfs"
                          % format_version(context.version))
    if backend == "cgroupfs" and context.cgroup_version == 1:
        raise Unsupported("backend: cgroupfs is for cgroup v2 only, and this host has cgroup v1")
    if backend == "cgroupfs" and not context.running:
        raise Unsupported("backend: it does not run, so it has no cgroup that could be written to; use auto or libpod_api")
    if backend == "cli":
        _check_cli(requested)
    return backend


def _check_cli(requested: Dict[str, Any]) -> None:
    """`podman update` has no --cgroup-conf, takes no -1 and ignores 0."""
    if "oom_group" in requested:
        raise Unsupported("backend: `podman update` can't set oom_group; use auto or libpod_api")
    unlimited = [key for key in sorted(requested) if requested[key] is None and key != "memory_swap"]
    if unlimited:
        raise Unsupported("backend: `podman update` can't remove %s; use auto or libpod_api" % ", ".join(unlimited))


def _reason(context: Context, backend: str, persist: bool) -> Optional[str]:
    """Return why it will not last (a key of ADVICE), None when it will."""
    if context.manager == "quadlet":
        return _quadlet_reason(context, persist)
    if context.manager != "none":
        return context.manager
    if context.pod:
        return "pod"
    if context.auto_remove:
        return "auto_remove"
    if context.version < KEEPS_UPDATES:
        return "version" if context.running else "stopped"
    return "cgroupfs" if backend == "cgroupfs" else None


def _quadlet_reason(context: Context, persist: bool) -> Optional[str]:
    if context.unit_file is None:
        return "unit_unknown"
    if context.template:
        return "template"
    if context.version < QUADLET_DROP_INS:
        return "no_drop_ins"
    return None if persist else "persist_off"


# What would make it last; {options}: for podman run, {unit}, {file}: of systemd, {compose}, {kube}: lines.
ADVICE = {
    "version": "Podman {version} forgets it at the next start (5.1 and newer keep it): recreate the container with {options}",
    "stopped": "Podman {version} can't change a container that does not run (5.1 and newer can): recreate it with {options}, "
               "or run this again when it runs",
    "systemd": "{unit} recreates the container: add {options} to its podman run or podman create ({file})",
    "compose": "compose recreates the container: write {compose} into the service",
    "kube": "podman kube play recreates the container: write {kube} into the YAML",
    "pod": "it lasts as long as the container; whoever recreates the pod recreates the container: add {options} there",
    "auto_remove": "the container is removed when it stops (--rm): add {options} where it is run",
    "cgroupfs": "backend cgroupfs changes only what is enforced now: use libpod_api to keep it",
    "unit_unknown": "the quadlet file of {unit} was not found: add PodmanArgs={options} to its [Container] section",
    "template": "{unit} is an instance of a template: add PodmanArgs={options} to {file}, for all its instances",
    "no_drop_ins": "quadlet of Podman {version} reads no drop-ins (5.0 and newer do): add PodmanArgs={options} to {file}",
    "persist_off": "persist is off: the next start of {unit} recreates the container without it",
}


def format_version(version: Tuple[int, ...]) -> str:
    """Return a version as people write it."""
    return ".".join(str(part) for part in version)
