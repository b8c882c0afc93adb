# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do about a finding, as commands that can be pasted: on the host, where no remark says otherwise.

Pure. Lines that begin with # are remarks. Nothing that a host says is in a line, remark or command, but words that words.py lets pass.
Why not `podman update` alone: before Podman 5.1 it is lost at the next start, and --memory without
--memory-swap sets swap to twice the memory (podman-update(1), libpod/container_internal.go).

Podman's version, `podman`, is a tuple of numbers, () where it is not known.
"""

from __future__ import annotations

import json
import shlex

from ...module_utils._system.sizes import UNLIMITED, format_size
from ...module_utils._system.versions import parse_version
from .._model.container_facts import Facts, effective_settings, is_running, memory_usage, next_start_settings
from .._model.container_key import ContainerKey
from .._policy.policy import Decision
from .._text import human_size
from .words import NO_COMMAND, cgroup_word, container_word, host_word, path_word, unit_word, user_word
from .yaml_remarks import compose_remarks, kube_remarks

_MIB = 1024 * 1024
LIMIT_STEP = 64 * _MIB
# Where the policy has no default; that of its example: small enough for every host, large enough for most.
FIRST_LIMIT = 512 * _MIB

_UPDATES, _UPDATE_LASTS, _DROP_INS = (4, 3), (5, 1), (5, 0)  # Podman's release notes; the same in _enforce/obstacles.py
# The file that container_memory writes, so that it goes on with what was pasted; of several the last one counts.
DROP_IN = "50-podman-fleet-memory.conf"

HOST_OOM_REMEDY = "# see who uses the memory of the host: give the largest without a limit one\npodman stats --no-stream --all"
KERNEL_LOG_REMEDY = "# see what the kernel wrote\njournalctl --dmesg --grep='oom-kill:|Killed process'"


def podman_version(host_facts: Facts) -> tuple[int, ...]:
    """Return the host's Podman as numbers, () when it is not known."""
    # from the report: any text, or none at all
    return parse_version(str((host_facts.get("podman") or {}).get("version") or ""))[:2]


def cgroup_v2_remedy(host: str) -> str:
    """Boot with cgroup v2: the collection's own playbook, which knows the boot loaders, their files and their quotes."""
    remarks = ["# on the controller: shows what has to change for cgroup v2. Without --check it is configured for the next boot,",
               "# with -e cgroup_v2_reboot_ok=true containers are stopped in order and the host is rebooted"]
    pattern = host_word(host)
    command = "ansible-playbook podman_fleet.memory.prepare --check --diff --limit=%s" % shlex.quote(pattern) if pattern else NO_COMMAND % "host"
    return "\n".join([*remarks, command])


def first_limit_remedy(container: Facts, key: ContainerKey, decision: Decision, podman: tuple[int, ...] = ()) -> str:
    """Give the container a first limit, above everything it has been seen to use, as far as the policy allows."""
    most_used = _most_used(container, "current", "peak", "working_set")
    limit = max(decision.default or FIRST_LIMIT, decision.min or 0, _round_up(most_used * 1.5))
    if decision.max is not None:
        limit = min(limit, decision.max)
    remark = "# %s: a first limit%s, adjust it to what the application needs" % (
        human_size(limit), ", above the %s it has been seen to use" % human_size(most_used) if 0 < most_used < limit else "")
    return "\n".join([remark, *_usage_warning(container, limit), *_set_limit(container, key, limit, podman)])


def bound_remedy(container: Facts, key: ContainerKey, bound: int, podman: tuple[int, ...] = ()) -> str:
    """Give the container the bound of the policy that its limit violates."""
    remark = "# %s is the bound of the policy: an application that needs another limit gets a rule or a waiver" % human_size(bound)
    return "\n".join([remark, *_usage_warning(container, bound), *_set_limit(container, key, bound, podman)])


def _usage_warning(container: Facts, limit: int) -> list[str]:
    """A limit below what is in use: the kernel kills at once (memory.max in cgroup-v2.rst)."""
    used = _most_used(container, "working_set") or _most_used(container, "current")
    return [] if used <= limit else ["# it uses %s now: this limit would kill it at once, make it use less first" % human_size(used)]


def _most_used(container: Facts, *keys: str) -> int:
    usage = memory_usage(container)
    return max((usage[key] for key in keys if isinstance(usage.get(key), int)), default=0)


def higher_limit_remedy(container: Facts, key: ContainerKey, limit: int | None, podman: tuple[int, ...] = ()) -> str:
    """Give a killed container more; VPA recommender: an OOM kill raises to max(limit x 1.2, limit + 100 MiB)."""
    if limit is None:
        return "# find out why it needs that much, then give it a limit above it"
    # below 100 MiB, at most double
    higher = _round_up(max(limit * 1.2, limit + min(100 * _MIB, limit)), 16 * _MIB)
    remark = "# if it needs more than %s: %s is the next step. If it leaks, no limit will do" % (
        human_size(limit), human_size(higher))
    return "\n".join([remark, *_set_limit(container, key, higher, podman)])


def _round_up(value: float, step: int = LIMIT_STEP) -> int:
    return int(-(-value // step) * step)


def _set_limit(container: Facts, key: ContainerKey, limit: int, podman: tuple[int, ...]) -> list[str]:
    text = format_size(limit)
    options = "--memory=%s --memory-swap=%s" % (text, text)
    if _kind(container) == "quadlet" and key.unit:
        return _in_quadlet(container, key, "PodmanArgs=" + options, podman)
    if "gone" in container and _kind(container) in ("none", "systemd"):
        return ["# it is removed: what runs it the next time has to have %s" % options]
    also = _also_change(container, key, options, podman)
    if podman and (podman < _UPDATES or (podman < _UPDATE_LASTS and not is_running(container))):
        return also  # it has no `podman update`, or one for running containers only
    return [_podman_update(container, key, options), *also]


def _kind(container: Facts) -> str:
    return (container.get("manager") or {}).get("kind") or "none"


def oom_group_remedy(host: str, container: Facts, key: ContainerKey, wanted: bool, podman: tuple[int, ...] = ()) -> str:
    """Make an OOM kill take all of the container (or one process only)."""
    option = "--cgroup-conf=memory.oom.group=%d" % wanted
    return "\n".join([*_by_module(host, container, key, {"oom_group": wanted}), *_also_change(container, key, option, podman)])


def persist_remedy(host: str, container: Facts, key: ContainerKey, settings: set[str], podman: tuple[int, ...] = ()) -> str:
    """Make what is enforced now outlast the next start.

    :param settings: of limit, swap_limit, oom_group; swap_limit comes with limit only.
    """
    effective = effective_settings(container) or {}
    wanted: dict[str, int | str | bool] = {}
    options = []
    if "limit" in settings:
        limit, swap = effective["limit"], effective.get("swap_limit")
        wanted.update(memory=limit, memory_swap=UNLIMITED if swap is None else swap)
        options += ["--memory=%d" % limit, "--memory-swap=%d" % (-1 if swap is None else swap)]
    if "oom_group" in settings:
        wanted["oom_group"] = effective["oom_group"]
        options.append("--cgroup-conf=memory.oom.group=%d" % effective["oom_group"])
    text = " ".join(options)
    return "\n".join([*_by_module(host, container, key, wanted), *_also_change(container, key, text, podman)])


def wishes_remedy(host: str, container: Facts, key: ContainerKey, wanted: dict[str, int | None], podman: tuple[int, ...] = ()) -> str:
    """Set swap (beside its limit) and reservation; memory.high is for who creates it.

    :param wanted: bytes of swap, reservation, high; None: unlimited swap.
    """
    settings: dict[str, int | str | bool] = {}
    options = []
    limit = (effective_settings(container) or next_start_settings(container)).get("limit")
    if "swap" in wanted and limit is not None:
        swap = wanted["swap"]
        settings.update(memory=limit, memory_swap=UNLIMITED if swap is None else limit + swap)
        options += ["--memory=%d" % limit, "--memory-swap=%d" % (-1 if swap is None else limit + swap)]
    if wanted.get("reservation") is not None:
        settings["memory_reservation"] = wanted["reservation"] or 0
        options.append("--memory-reservation=%d" % (wanted["reservation"] or 0))
    lines = _by_module(host, container, key, settings) + _also_change(container, key, " ".join(options), podman) if settings else []
    if "high" in wanted:
        lines.append("# memory.high is given when it is created: podman run --cgroup-conf=memory.high=%d" % (wanted["high"] or 0))
    return "\n".join(lines)


def _by_module(host: str, container: Facts, key: ContainerKey, settings: dict[str, int | str | bool]) -> list[str]:
    """The collection's own module: live without a restart, and persistent where this Podman can."""
    every = "# on the controller. For all that the policy wants: ansible-playbook podman_fleet.memory.enforce"
    pattern, name, user = host_word(host), container_word(container, key), user_word(key.user)
    for word, kind in ((pattern, "host"), (name, "container"), (user, "user")):
        if word is None:
            return [every, NO_COMMAND % kind]
    return [every, "ansible -b -m podman_fleet.memory.container_memory -a %s -- %s" % (
        shlex.quote(json.dumps({"name": name, "user": user, **settings})), pattern)]


def shared_limit_remedy(scope: str | None, user: str | None = None) -> str:
    """Show the limit of the pod, slice or service that a container shares with others.

    :param user: owner of the container; a unit below his user@UID.service is one of his manager, of which the host's knows nothing.
    """
    if not scope:
        return KERNEL_LOG_REMEDY
    path = cgroup_word(scope.rstrip("/"))
    above, _slash, last = (path or "").rpartition("/")
    unit = unit_word(last)
    properties = "show -p MemoryMax -p MemoryHigh -p MemoryCurrent -- %s" % shlex.quote(unit or "")
    if unit and "/user@" not in above:
        command = "systemctl " + properties
    elif unit and user_word(user) and user != "root":
        command = _systemctl(user or "", properties)
    elif path:  # a unit of a user's manager, or with the cgroupfs backend none
        command = "grep . -- " + " ".join(_memory_files(path, "max", "high", "current"))
    else:
        command = NO_COMMAND % "cgroup"
    return "# its limit is shared by all that is in it: raise it, or give each container a limit of its own\n" + command


def nested_limit_remedy(scope: str | None) -> str:
    """Show the limit that something inside of a container set: the container's own was not hit, so raising that changes nothing."""
    remark = ("# not the container's limit, leave that as it is: what runs inside (a service manager, kind, a container engine) gave "
              "one of its own cgroups a limit. Raise it there, inside")
    path = cgroup_word(scope) if scope else None
    if not path:
        return remark + ("\n" + NO_COMMAND % "cgroup" if scope else "")
    return "%s\ngrep . -- %s" % (remark, " ".join(_memory_files(path, "max", "high", "current", "events")))


def numa_nodes_remedy(container: Facts, key: ContainerKey) -> str:
    """Show what the NUMA nodes of a container have left: a limit has nothing to do with it."""
    lines = ["# its NUMA nodes ran out of memory, others may have some: let it use more of them (--cpuset-mems, numactl), or move "
             "something else away", "grep -E 'MemTotal|MemFree' -- /sys/devices/system/node/node*/meminfo"]
    name = container_word(container, key)
    lines.append(as_user(key.user, "podman container inspect -- %s | grep CpusetMems" % name) if name else NO_COMMAND % "container")
    return "\n".join(lines)


def _memory_files(path: str, *names: str) -> list[str]:
    return [shlex.quote("/sys/fs/cgroup%s/memory.%s" % (path, name)) for name in names]


def memory_stalls_remedy(source: str | None, high: int | None) -> str:
    """Show what a container waits for: its memory.high, reclaim at a limit, or the host's memory.

    :param source: the cgroup whose limit is enforced, None when there is no limit.
    :param high: memory.high in bytes where it throttled the container.
    """
    lines = ["# memory.high of %s throttles it: raise that above its working set" % human_size(high)] if high is not None else []
    lines.append("# see whether it waits for reclaim at this limit, or the whole host lacks memory")
    path = cgroup_word((source or "").rstrip("/"))
    if source and source != "/" and path is None:
        lines.append(NO_COMMAND % "cgroup")
    files = _memory_files(path, "high", "max", "events", "pressure") if path else []
    return "\n".join([*lines, " ".join(["grep . --", *files, "/proc/pressure/memory"])])


def drift_remedy(container: Facts, key: ContainerKey) -> str:
    """Enforce what is declared again."""
    declared, effective = next_start_settings(container), effective_settings(container) or {}
    swap = declared.get("swap_limit")
    remark = "# enforce what is declared again"
    if effective.get("limit") is None:
        remark += ", with --cgroups=disabled that is impossible: recreate it without that"
    options = "--memory=%d --memory-swap=%d" % (declared["limit"], -1 if swap is None else swap)
    return "%s\n%s" % (remark, _podman_update(container, key, options))


def _podman_update(container: Facts, key: ContainerKey, options: str) -> str:
    name = container_word(container, key)
    return as_user(key.user, "podman update %s -- %s" % (options, name)) if name else NO_COMMAND % "container"


def as_user(user: str | None, command: str) -> str:
    """Return a command that root runs for a user: "sudo -iu alice podman info", for root the command alone."""
    if user in (None, "root"):
        return command
    name = user_word(user)
    return "sudo -iu %s -- %s" % (shlex.quote(name), command) if name else NO_COMMAND % "user"


def _systemctl(user: str, arguments: str) -> str:
    """A call of the manager of a user whose name has passed user_word(); `sudo -i` alone does not find it."""
    if user == "root":
        return "systemctl " + arguments
    name = shlex.quote(user)
    return "sudo -iu %s -- env XDG_RUNTIME_DIR=/run/user/$(id -u -- %s) systemctl --user %s" % (name, name, arguments)


def _in_quadlet(container: Facts, key: ContainerKey, line: str, podman: tuple[int, ...]) -> list[str]:
    """Write a line into the quadlet that makes the container: as a drop-in, which quadlet reads since Podman 5.0, or by hand.

    Quadlet looks for drop-ins by the name of its file, which is not that of the unit with ServiceName= or for a template.
    """
    unit, user = unit_word(key.unit), user_word(key.user)
    if unit is None or user is None:
        return [NO_COMMAND % ("user" if unit else "unit")]
    path = path_word((container.get("manager") or {}).get("file"))
    file = unit_word(path.rpartition("/")[2]) if path and path.endswith(".container") else None
    pod = unit_word((container.get("manager") or {}).get("pod_unit"))
    restart = ["# with its pod, which ends with the last of its containers"] * bool(pod) + [
        "%s && %s" % (_systemctl(user, "daemon-reload"), _systemctl(user, "restart -- %s" % shlex.quote(pod or unit)))]
    if file is None:
        return ["# write %s into the section Container of its quadlet file, which is the SourcePath here, then restart it" % line,
                _systemctl(user, "show -p SourcePath -- %s" % shlex.quote(unit)), *restart]
    if podman and podman < _DROP_INS:
        return ["# quadlet of Podman %s reads no drop-ins: write %s into the section Container of %s, then" % (_version(podman), line, path), *restart]
    return [
        *(["# for all instances of the template %s" % file] if "@." in file else []),
        *([] if podman else ["# before Podman 5.0, write the line into %s itself" % path]),
        *_append(user, "%s/%s.d" % ("/etc/containers/systemd" if user == "root" else ".config/containers/systemd", file), line), *restart]


def _append(user: str, folder: str, line: str) -> list[str]:
    """Append to our drop-in as its owner."""
    text, path = r"printf '[Container]\n%s\n'" % line, shlex.quote("%s/%s" % (folder, DROP_IN))
    if user == "root":
        return ["mkdir -p -- %s" % shlex.quote(folder), "%s >> %s" % (text, path)]
    return [as_user(user, "mkdir -p -- %s" % shlex.quote(folder)), "%s | %s" % (text, as_user(user, "tee -a -- %s" % path))]


def _version(podman: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in podman)


def _also_change(container: Facts, key: ContainerKey, options: str, podman: tuple[int, ...]) -> list[str]:
    """What else it takes for the options to last: a remark, or commands."""
    kind, path = _kind(container), path_word((container.get("manager") or {}).get("file"))
    if kind == "quadlet" and key.unit:
        # container_memory writes drop-ins, but not for all instances of a template
        by_hand = (podman and podman < _DROP_INS) or "@." in (path or "")
        return _in_quadlet(container, key, "PodmanArgs=" + options, podman) if by_hand else []
    forgets = "" if podman >= _UPDATE_LASTS else "# Podman %s forgets it at the next start" % (_version(podman) if podman else "before 5.1")
    if kind in ("compose", "kube"):
        return [forgets] * bool(forgets) + (compose_remarks if kind == "compose" else kube_remarks)(container, options)
    if kind == "systemd" and key.unit:
        unit = unit_word(key.unit) or "its unit"
        return ["# and put %s into the podman run of %s, or its next start undoes it" % (options, "%s in %s" % (unit, path) if path else unit)]
    if container.get("pod"):
        return ["# it is in a pod: whatever creates the pod has to have it too"]
    return ["%s, what lasts is to recreate the container with %s" % (forgets, options)] if forgets else []
