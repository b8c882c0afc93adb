# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""What to do about a finding, as commands that can be pasted: on the host, where no remark says otherwise.

Pure. Lines that begin with # are remarks. Names are quoted for the shell and made harmless.
Why no `podman update` alone: before Podman 5.1 it is lost at the next start, and --memory without
--memory-swap sets swap to twice the memory (podman-update(1), libpod/container_internal.go).
"""

from __future__ import annotations

import json
import shlex

from ...module_utils._system.sizes import UNLIMITED, format_size
from .._model.container_facts import effective_settings, next_start_settings
from .._model.container_key import ContainerKey
from .._model.finding import Facts
from .._policy.policy import Decision
from .._text import human_size, printable, shell_quoted

_MIB = 1024 * 1024
_STEP = 64 * _MIB
# Where the policy has no default; that of its example: small enough for every host, large enough for most.
_FLOOR = 512 * _MIB

HOST_OOM_REMEDY = "# who uses the host's memory: give the largest without a limit one\npodman stats --no-stream --all"
KERNEL_LOG_REMEDY = "# what the kernel wrote\njournalctl --dmesg --grep='oom-kill:|Killed process'"
CGROUP_V2_REMEDY = """\
# boot with cgroup v2: take systemd.unified_cgroup_hierarchy=0 out of the boot arguments, then reboot
sed -i 's/ *systemd\\.unified_cgroup_hierarchy=[^" ]*//' /etc/default/grub
update-grub || grub2-mkconfig -o /boot/grub2/grub.cfg"""


def first_limit_remedy(container: Facts, subject: ContainerKey, wanted: Decision) -> str:
    """Give the container a first limit, above everything it has been seen to use, as far as the policy allows."""
    seen = _seen(container, "current", "peak", "working_set")
    limit = max(wanted.default or _FLOOR, wanted.min or 0, _rounded(seen * 1.5))
    if wanted.max is not None:
        limit = min(limit, wanted.max)
    why = "# %s: a first limit%s; adjust it to what the application needs" % (
        human_size(limit), ", above the %s it has been seen to use" % human_size(seen) if 0 < seen < limit else "")
    return "\n".join([why, *_warned(container, limit), *_apply(container, subject, limit)])


def bound_remedy(container: Facts, subject: ContainerKey, bound: int) -> str:
    """Give the container the bound of the policy that its limit is beyond."""
    why = "# %s is the policy's bound; an application that needs another limit gets a rule or a waiver" % human_size(bound)
    return "\n".join([why, *_warned(container, bound), *_apply(container, subject, bound)])


def _warned(container: Facts, limit: int) -> list[str]:
    """A limit below what is in use: the kernel kills at once (memory.max in cgroup-v2.rst)."""
    used = _seen(container, "working_set") or _seen(container, "current")
    if used <= limit:
        return []
    return ["# it uses %s now: this limit would kill it at once, make it use less first" % human_size(used)]


def _seen(container: Facts, *keys: str) -> int:
    usage = (container.get("memory") or {}).get("usage") or {}
    return max((usage[key] for key in keys if isinstance(usage.get(key), int)), default=0)


def higher_limit_remedy(container: Facts, subject: ContainerKey, limit: int | None) -> str:
    """Give a killed container more; VPA recommender: an OOM kill raises to max(limit x 1.2, limit + 100 MiB)."""
    if limit is None:
        return "# find out why it needs that much, then give it a limit above it"
    # below 100 MiB, at most double
    more = _rounded(max(limit * 1.2, limit + min(100 * _MIB, limit)), 16 * _MIB)
    why = "# if it needs more than %s: %s is the next step; if it leaks, no limit will do" % (human_size(limit), human_size(more))
    return "\n".join([why, *_apply(container, subject, more)])


def _rounded(value: float, step: int = _STEP) -> int:
    return int(-(-value // step) * step)


def _apply(container: Facts, subject: ContainerKey, limit: int) -> list[str]:
    text = format_size(limit)
    if (container.get("manager") or {}).get("kind") == "quadlet" and subject.unit:
        return _drop_in(subject, "PodmanArgs=--memory=%s --memory-swap=%s" % (text, text))
    lines = ["%s --memory=%s --memory-swap=%s %s" % (_podman(subject, "update"), text, text, shell_quoted(subject.name))]
    return lines + _keep(container, subject, "--memory=%s --memory-swap=%s" % (text, text))


def oom_group_remedy(host: str, container: Facts, subject: ContainerKey, wanted: bool) -> str:
    """Make an OOM kill take all of the container (or one process only)."""
    option = "--cgroup-conf=memory.oom.group=%d" % wanted
    return "\n".join([*_by_module(host, subject, {"oom_group": wanted}), *_keep(container, subject, option)])


def persist_remedy(host: str, container: Facts, subject: ContainerKey, settings: set[str]) -> str:
    """Make what is enforced now outlast the next start."""
    enforced = effective_settings(container) or {}
    wanted: dict[str, int | str | bool] = {}
    options = []
    if "limit" in settings:
        limit, swap = enforced["limit"], enforced.get("swap_limit")
        wanted.update(memory=limit, memory_swap=UNLIMITED if swap is None else swap)
        options += ["--memory=%d" % limit, "--memory-swap=%d" % (-1 if swap is None else swap)]
    if "oom_group" in settings:
        wanted["oom_group"] = enforced["oom_group"]
        options.append("--cgroup-conf=memory.oom.group=%d" % enforced["oom_group"])
    text = " ".join(options)
    return "\n".join([*_by_module(host, subject, wanted), *(
        _keep(container, subject, text) or ["# Podman before 5.1 keeps nothing: there, make it anew with: podman run " + text])])


def _by_module(host: str, subject: ContainerKey, wanted: dict[str, int | str | bool]) -> list[str]:
    """The collection's own module: live without a restart, and persistent where this Podman can."""
    options = {"name": printable(subject.name), "user": printable(subject.user), **wanted}
    return ["# on the controller; all that the policy wants: ansible-playbook podman_fleet.memory.enforce",
            "ansible %s -b -m podman_fleet.memory.container_memory -a %s" % (
                shell_quoted(host), shlex.quote(json.dumps(options, ensure_ascii=False)))]


def shared_limit_remedy(scope: str | None) -> str:
    """Show the limit of the pod, slice or service that a container shares with others."""
    if not scope:
        return KERNEL_LOG_REMEDY
    return "# its limit is shared by all that is in it: raise it, or give each container a limit of its own\n" \
           "systemctl show -p MemoryMax -p MemoryHigh -p MemoryCurrent %s" % shell_quoted(scope.rstrip("/").rsplit("/", 1)[-1])


def memory_stalls_remedy(source: str | None, high: int | None) -> str:
    """Show what a container waits for: its memory.high, reclaim at a limit, or the host's memory.

    :param source: the cgroup whose limit is enforced, None when there is no limit.
    :param high: memory.high in bytes where it throttled the container.
    """
    lines = ["# memory.high of %s throttles it: raise that above its working set" % human_size(high)] if high is not None else []
    lines.append("# does it wait for reclaim at this limit, or does the whole host lack memory?")
    group = "/sys/fs/cgroup%s/memory" % (source or "").rstrip("/")
    files = [shell_quoted("%s.%s" % (group, name)) for name in ("high", "max", "events", "pressure")] if source else []
    return "\n".join([*lines, " ".join(["grep .", *files, "/proc/pressure/memory"])])


def drift_remedy(container: Facts, subject: ContainerKey) -> str:
    """Enforce what is declared again."""
    said = next_start_settings(container)
    swap = said.get("swap_limit")
    enforced = effective_settings(container) or {}
    why = "" if enforced.get("limit") is not None else " (with --cgroups=disabled nothing can be: make it anew without that)"
    return "# enforce what is declared again" + why + "\n%s --memory=%d --memory-swap=%d %s" % (
        _podman(subject, "update"), said["limit"], swap if swap is not None else -1, shell_quoted(subject.name))


def _podman(subject: ContainerKey, verb: str) -> str:
    if subject.user == "root":
        return "podman %s" % verb
    return "sudo -iu %s podman %s" % (shell_quoted(subject.user), verb)


def _drop_in(subject: ContainerKey, line: str) -> list[str]:
    """A drop-in beside the quadlet file; quadlet reads them since Podman 5.0."""
    unit = subject.unit or ""
    name = unit[: -len(".service")] if unit.endswith(".service") else unit
    rootful = subject.user == "root"
    where = "%s/%s.container.d" % ("/etc/containers/systemd" if rootful else ".config/containers/systemd", printable(name))
    systemctl = "systemctl" if rootful else "systemctl --user"
    return [
        *([] if rootful else ["# as %s, in the home directory" % printable(subject.user)]),
        "# before Podman 5.0, write the line into %s.container itself" % printable(name),
        "mkdir -p %s" % shell_quoted(where),
        r"printf '[Container]\n%s\n' > %s" % (line, shell_quoted(where + "/50-memory.conf")),
        "%s daemon-reload && %s restart %s" % (systemctl, systemctl, shell_quoted(unit)),
    ]


def _keep(container: Facts, subject: ContainerKey, options: str) -> list[str]:
    """Where the option has to be written so that it survives the container."""
    manager = container.get("manager") or {}
    kind = manager.get("kind")
    if kind == "compose":
        return ["# and write the same into the compose file, or the next `up` undoes it"]
    if kind == "kube":
        return ["# and write the same into the pod's YAML (resources.limits.memory), or the next `play` undoes it"]
    if kind == "systemd" and subject.unit:
        return ["# and put %s into the podman run of %s, or its next start undoes it"
                % (options, printable(subject.unit))]
    if container.get("pod"):
        return ["# it is in a pod: whatever made the pod has to have it too"]
    return []
