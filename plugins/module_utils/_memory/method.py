# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""How a memory setting reaches a container, by Podman's version, the cgroups and who made the container.

Pure: the table of docs/container-memory.md, whose rows are measured on Podman 4.3.1, 5.4.2 and 5.8.6.
What the versions can do: Podman's release notes (update: 4.3.0; kept: 5.1.0; keeps the other
resources: 5.4.0, issue 24610; quadlet drop-ins: 5.0.0; quadlet's Memory=: 5.5.0).
"""

from collections import namedtuple

from .._system.versions import parse_version

UPDATE = (4, 3)
RECORDS = (5, 1)
MERGES = (5, 4)
DROP_INS = (5, 0)
MEMORY_KEY = (5, 5)

# version: (int, …); cgroup: 1 or 2; rootless, running: bool; own: whether the container runs in
# a cgroup of its own; manager: none, quadlet, systemd, compose, kube; unit_file: path of the
# quadlet file, None when it wasn't found; template: whether it is one; pod: whether it is in one;
# removed: whether it goes when it stops (--rm).
Case = namedtuple("Case", "version cgroup rootless running own manager unit_file template pod removed")

# write: libpod_api, cli, cgroupfs, or None for nothing that can be done now; records: whether Podman
# keeps it for the container; resend: whether it forgets what isn't sent; drop_in: whether a
# quadlet drop-in makes it last; persistent: whether the next start has it; reason: a key of ADVICE.
Method = namedtuple("Method", "write records resend drop_in persistent reason")


class Unsupported(ValueError):
    """It can't be done on this host or to this container."""


def podman_version(text):
    """Return Podman's version as numbers: "5.0.0-rc1" gives (5, 0, 0).

    :raises Unsupported: it is no version.
    """
    version = parse_version(text)
    if not version:
        raise Unsupported("the version of Podman can't be told from %r" % text)
    return version


def choose(case, wanted, backend, persist):
    """Return the Method.

    :param wanted: {setting: value} as in _memory_request.Request.
    :param backend: auto, libpod_api, cli or cgroupfs.
    :param persist: whether a unit's drop-in may be written.
    :raises Unsupported: when there is no way at all, or not with this backend.
    """
    _possible(case, wanted)
    write = _writer(case, wanted, backend)
    records = write in ("libpod_api", "cli") and case.version >= RECORDS
    reason = _reason(case, backend, persist)
    drop_in = case.manager == "quadlet" and persist and reason is None
    persistent = drop_in or (records and reason is None and case.manager == "none")
    resend = records and case.version < MERGES
    if resend and write == "cli":
        raise Unsupported("backend: `podman update` of Podman %s drops all other limits of the container; use libpod_api, "
                          "which sends them again" % _shown(case.version))
    return Method(write, records, resend, drop_in, persistent, reason)


def _possible(case, wanted):
    if case.cgroup == 1 and "oom_group" in wanted:
        raise Unsupported("oom_group: cgroup v1 has no memory.oom.group; the host needs cgroup v2")
    if case.cgroup == 1 and case.rootless:
        raise Unsupported("the memory of rootless containers can't be limited on cgroup v1; the host needs cgroup v2")
    if case.running and not case.own and case.manager != "quadlet":
        raise Unsupported("it runs in a cgroup that isn't its own (--cgroups=disabled, or no systemd session when it was "
                          "started), so a limit would not be its own; make it anew without that")


def _writer(case, wanted, backend):
    if not case.running and case.version < RECORDS:
        return None
    if case.running and not case.own:
        return None
    if backend == "auto":
        backend = "libpod_api" if case.version >= UPDATE else "cgroupfs"
    if backend in ("libpod_api", "cli") and case.version < UPDATE:
        raise Unsupported("backend: Podman %s can't update containers, that came with 4.3.0; use auto or cgroupfs"
                          % _shown(case.version))
    if backend == "cgroupfs" and case.cgroup == 1:
        raise Unsupported("backend: cgroupfs is for cgroup v2 only, and this host has cgroup v1")
    if backend == "cgroupfs" and not case.running:
        raise Unsupported("backend: it does not run, so it has no cgroup that could be written to; use auto or libpod_api")
    if backend == "cli":
        _cli_can(wanted)
    return backend


def _cli_can(wanted):
    """`podman update` has no --cgroup-conf, takes no -1 and ignores 0."""
    if "oom_group" in wanted:
        raise Unsupported("backend: `podman update` can't set oom_group; use auto or libpod_api")
    unlimited = [key for key in sorted(wanted) if wanted[key] is None and key != "memory_swap"]
    if unlimited:
        raise Unsupported("backend: `podman update` can't remove %s; use auto or libpod_api" % ", ".join(unlimited))


def _reason(case, backend, persist):
    """Return why it will not last (a key of ADVICE), None when nothing speaks against it."""
    if case.manager == "quadlet":
        return _quadlet_reason(case, persist)
    if case.manager != "none":
        return case.manager
    if case.pod:
        return "pod"
    if case.removed:
        return "removed"
    if case.version < RECORDS:
        return "version" if case.running else "stopped"
    return "cgroupfs" if backend == "cgroupfs" else None


def _quadlet_reason(case, persist):
    if case.unit_file is None:
        return "unit_unknown"
    if case.template:
        return "template"
    if case.version < DROP_INS:
        return "no_drop_ins"
    return None if persist else "persist_off"


# What would make it last; {options}: for podman run, {unit}, {file}: of systemd, {compose}, {kube}: lines.
ADVICE = {
    "version": "Podman {version} forgets it at the next start (5.1 and newer keep it): make the container anew with {options}",
    "stopped": "Podman {version} can't change a container that does not run (5.1 and newer can): make it anew with {options}, "
               "or run this again when it runs",
    "systemd": "{unit} makes the container anew: add {options} to its podman run or podman create ({file})",
    "compose": "compose makes the container anew: write {compose} into the service",
    "kube": "podman kube play makes the container anew: write {kube} into the YAML",
    "pod": "it lasts as long as the container; whoever makes the pod makes the container anew: add {options} there",
    "removed": "the container is removed when it stops (--rm): add {options} where it is run",
    "cgroupfs": "backend cgroupfs changes only what is enforced now: use libpod_api to keep it",
    "unit_unknown": "the quadlet file of {unit} was not found: add PodmanArgs={options} to its [Container] section",
    "template": "{unit} is an instance of a template: add PodmanArgs={options} to {file}, for all its instances",
    "no_drop_ins": "quadlet of Podman {version} reads no drop-ins (5.0 and newer do): add PodmanArgs={options} to {file}",
    "persist_off": "persist is off: the next start of {unit} makes the container anew without it",
}


def _shown(version):
    return ".".join(str(part) for part in version)
