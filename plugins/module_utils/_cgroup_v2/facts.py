# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what was read of a host to ansible_facts.podman_cgroup. Pure: knows no files and no Ansible."""

from typing import Any, Dict, List, Optional, Sequence

from .._boot.kernel_args import describe_arguments, parse_arguments
from .._boot.next_boot import FIRMWARE_ARGUMENTS, next_boot_differences
from .._system.platform import is_raspberry_pi, parse_os_release, parse_systemd_version
from .changes import HostState, is_ready, needs_reboot, plan_changes
from .controller import (
    Delegation,
    absence_reasons,
    has_memory_controller,
    has_swap_accounting,
    oom_group_support,
    psi_support,
    root_delegation,
    user_delegation,
)
from .mode import default_hierarchy, detect_mode, mode_at_boot, parse_proc_cgroups
from .plan import list_blockers, plan_preparation
from .snapshot import Snapshot, UserCgroup

SCHEMA = "podman_fleet.memory/cgroup/v1"


def cgroup_facts(snapshot: Snapshot, problems: Sequence[Dict[str, str]] = ()) -> Dict[str, Any]:
    """Return podman_cgroup.

    :param problems: [{user, message}] of users that can't be looked at.
    """
    mode = detect_mode(snapshot.mounts or [])
    state = _host_state(snapshot, mode.mode)
    changes = plan_changes(state)
    ready = is_ready(state)
    facts = {
        "schema": SCHEMA,
        "mode": mode.mode,
        "mode_evidence": mode.evidence if snapshot.mounts is not None else [],
        "host": _host(snapshot, state),
        "controllers": {"available": _words(snapshot.available), "enabled": state.enabled,
                        "v1": _v1_controllers(snapshot.v1_text)},
        "memory": {"present": state.memory, "reasons": state.reasons},
        "oom_group": oom_group_support(mode.mode, state.memory, snapshot.samples),
        "swap_accounting": has_swap_accounting(mode.mode, state.memory, snapshot.samples, snapshot.v1_root),
        "psi": psi_support(snapshot.pressure, snapshot.unreadable.get("/proc/pressure/memory")),
        "boot": _boot(snapshot, state),
        "users": state.users,
        "v2_ready": None if ready and problems else ready,
        "changes_needed": changes,
        "reboot_required_for_changes": needs_reboot(changes),
        "missing": _missing(snapshot, problems),
    }
    return dict(facts, plan=plan_preparation(facts), blockers=list_blockers(facts))


def _host_state(snapshot: Snapshot, mode: Optional[str]) -> HostState:
    v1_controllers = None if snapshot.v1_text is None else parse_proc_cgroups(snapshot.v1_text)
    arguments = None if snapshot.cmdline is None else parse_arguments(snapshot.cmdline)
    systemd = parse_systemd_version(snapshot.systemd or "")
    distribution = parse_os_release(snapshot.os_release or "")
    raspberry = is_raspberry_pi(snapshot.model, snapshot.kernel)
    memory = has_memory_controller(mode, _words(snapshot.available), v1_controllers)
    reasons = [] if memory is not False else absence_reasons(
        arguments or [], raspberry, v1_controllers, snapshot.config, snapshot.container)
    enabled = _words(snapshot.enabled)
    # A container's root has nothing enabled below it until something runs there; what it was given counts.
    root_controllers = _words(snapshot.available) if snapshot.container else enabled
    return HostState(
        mode=mode, mounts_known=snapshot.mounts is not None, container=snapshot.container, kernel=snapshot.kernel,
        systemd=systemd, default_hierarchy=default_hierarchy(systemd, distribution) if systemd else None,
        arguments=arguments, next_boot=snapshot.next_boot, memory=memory, reasons=reasons, enabled=enabled, raspberry=raspberry,
        users=[_user(user, mode, memory, root_controllers) for user in snapshot.users])


def _user(user: UserCgroup, mode: Optional[str], memory: Optional[bool], root_controllers: Optional[List[str]]) -> Dict[str, Any]:
    if user.uid == 0 and mode == "v2":
        delegation = root_delegation(root_controllers, memory)
    elif user.uid == 0:
        delegation = Delegation(None, None, "root needs no delegation")
    else:
        delegation = user_delegation(mode, memory, user.exists, _words(user.controllers))
    return {"name": user.name, "uid": user.uid, "manager_running": user.exists, "linger": user.linger,
            "controllers": delegation.controllers, "memory_delegated": delegation.memory, "configured": user.configured,
            "why": delegation.why}


def _host(snapshot: Snapshot, state: HostState) -> Dict[str, Any]:
    distribution = parse_os_release(snapshot.os_release or "")
    return {
        "kernel": snapshot.kernel,
        "distribution": None if snapshot.os_release is None else {
            "id": distribution.id, "version": distribution.version, "name": distribution.name},
        "systemd": {"running": snapshot.booted, "version": state.systemd.version if state.systemd else None,
                    "default_hierarchy": state.default_hierarchy},
        "container": snapshot.container,
    }


def _boot(snapshot: Snapshot, state: HostState) -> Dict[str, Any]:
    running, config = state.arguments, state.next_boot
    facts: Dict[str, Any] = {
        "arguments": None if running is None else describe_arguments(running), "next": None, "reboot_pending": None,
        "evidence": [_why_next_boot_is_unknown(snapshot)]}
    if running is not None and config is not None and config.arguments is not None:
        # A Raspberry Pi's firmware puts arguments in front of cmdline.txt (raspberrypi/linux#6980).
        by_firmware = FIRMWARE_ARGUMENTS if state.raspberry and config.kind == "cmdline_txt" else ()
        differences = next_boot_differences(running, config.arguments, config.path, by_firmware)
        mode = None if state.systemd is None else mode_at_boot(
            config.arguments, state.systemd.version, state.default_hierarchy)
        facts.update(
            next={"kind": config.kind, "path": config.path, "arguments": describe_arguments(config.arguments), "mode": mode},
            reboot_pending=bool(differences), evidence=differences)
    return facts


def _why_next_boot_is_unknown(snapshot: Snapshot) -> Optional[str]:
    if snapshot.container:
        return "this is a %s container; it is not the one that boots" % snapshot.container
    if snapshot.cmdline is None:
        return "/proc/cmdline can't be read"
    if snapshot.next_boot is None:
        return "no boot loader configuration found (GRUB, boot loader entries, cmdline.txt, /etc/kernel/cmdline)"
    return snapshot.next_boot.why


def _missing(snapshot: Snapshot, problems: Sequence[Dict[str, str]]) -> List[Dict[str, Any]]:
    """What could not be read."""
    missing: List[Dict[str, Any]] = [{"what": path, "why": why} for path, why in sorted(snapshot.unreadable.items())]
    missing += [{"what": path, "why": "there is no such file"} for path, content in (
        ("/proc/cmdline", snapshot.cmdline), ("/proc/self/mountinfo", snapshot.mounts),
        ("/proc/sys/kernel/osrelease", snapshot.kernel), ("/etc/os-release", snapshot.os_release),
    ) if content is None and path not in snapshot.unreadable]
    missing += [{"what": command, "why": why} for command, why in snapshot.failed]
    if snapshot.next_boot is not None and snapshot.next_boot.arguments is None:
        missing.append({"what": "next boot", "why": snapshot.next_boot.why})
    return missing + [{"what": "user %s" % problem["user"], "why": problem["message"]} for problem in problems]


def _v1_controllers(text: Optional[str]) -> Optional[List[str]]:
    """The controllers that v1 hierarchies have."""
    if text is None:
        return None
    return sorted(name for name, (hierarchy, enabled) in parse_proc_cgroups(text).items() if enabled and hierarchy != "0")


def _words(text: Optional[str]) -> Optional[List[str]]:
    return None if text is None else text.split()
