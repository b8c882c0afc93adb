# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""From what was read of a host to ansible_facts.podman_cgroup. Pure: knows no files and no Ansible."""

from .._boot.kernel_args import describe_arguments, parse_arguments
from .._boot.next_boot import FIRMWARE_ARGUMENTS, next_boot_differences
from .._system.platform import is_raspberry_pi, parse_os_release, parse_systemd_version
from .changes import HostState, is_ready, needs_reboot, plan_changes
from .controller import (
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

SCHEMA = "podman_fleet.memory/cgroup/v1"


def cgroup_facts(snapshot, problems=()):
    """Return podman_cgroup.

    :param snapshot: _cgroup_host.Snapshot.
    :param problems: [{user, message}] of names that can't be looked at.
    """
    mode = detect_mode(snapshot.mounts or [])
    state = _state(snapshot, mode.mode)
    changes = plan_changes(state)
    ready = is_ready(state)
    facts = {
        "schema": SCHEMA,
        "mode": mode.mode,
        "mode_evidence": mode.evidence if snapshot.mounts is not None else [],
        "host": _host(snapshot, state),
        "controllers": {"available": _words(snapshot.available), "enabled": state.enabled,
                        "v1": _v1_enabled(snapshot.v1_text)},
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


def _state(snapshot, mode):
    v1_known = None if snapshot.v1_text is None else parse_proc_cgroups(snapshot.v1_text)
    arguments = None if snapshot.cmdline is None else parse_arguments(snapshot.cmdline)
    manager = parse_systemd_version(snapshot.systemd or "")
    distro = parse_os_release(snapshot.os_release or "")
    raspberry = is_raspberry_pi(snapshot.model, snapshot.kernel)
    memory = has_memory_controller(mode, _words(snapshot.available), v1_known)
    reasons = [] if memory is not False else absence_reasons(
        arguments or [], raspberry, v1_known, snapshot.config, snapshot.container)
    enabled = _words(snapshot.enabled)
    # A container's root has nothing enabled below it until something runs there; what it was given counts.
    roots = _words(snapshot.available) if snapshot.container else enabled
    return HostState(
        mode=mode, mounts_known=snapshot.mounts is not None, container=snapshot.container, kernel=snapshot.kernel,
        systemd=manager, default=default_hierarchy(manager, distro) if manager else None,
        arguments=arguments, plan=snapshot.plan, memory=memory, reasons=reasons, enabled=enabled, raspberry=raspberry,
        users=[_user(each, mode, memory, roots) for each in snapshot.users])


def _user(seen, mode, memory, roots):
    if seen.uid == 0 and mode == "v2":
        controllers, delegated, why = root_delegation(roots, memory)
    elif seen.uid == 0:
        controllers, delegated, why = None, None, "root needs no delegation"
    else:
        controllers, delegated, why = user_delegation(mode, memory, seen.exists, _words(seen.controllers))
    return {"name": seen.name, "uid": seen.uid, "manager_running": seen.exists, "linger": seen.linger,
            "controllers": controllers, "memory_delegated": delegated, "configured": seen.configured, "why": why}


def _host(snapshot, state):
    distro = parse_os_release(snapshot.os_release or "")
    return {
        "kernel": snapshot.kernel,
        "distribution": None if snapshot.os_release is None else {
            "id": distro.id, "version": distro.version, "name": distro.name},
        "systemd": {"running": snapshot.booted, "version": state.systemd.version if state.systemd else None,
                    "default_hierarchy": state.default},
        "container": snapshot.container,
    }


def _boot(snapshot, state):
    plan = snapshot.plan
    configured = plan is not None and plan.arguments is not None
    told, pending = [_no_plan(snapshot)], None
    if configured:
        told = next_boot_differences(state.arguments, plan, _by_firmware(state))
        pending = bool(told)
    return {
        "arguments": None if state.arguments is None else describe_arguments(state.arguments),
        "next": {"kind": plan.kind, "path": plan.path, "arguments": describe_arguments(plan.arguments),
                 "mode": _next_mode(state, plan)} if configured else None,
        "reboot_pending": pending,
        "evidence": told,
    }


def _by_firmware(state):
    """Arguments that a Raspberry Pi's firmware puts in front of cmdline.txt (raspberrypi/linux#6980)."""
    return FIRMWARE_ARGUMENTS if state.raspberry and state.plan.kind == "cmdline_txt" else ()


def _next_mode(state, plan):
    return None if state.systemd is None else mode_at_boot(plan.arguments, state.systemd.version, state.default)


def _no_plan(snapshot):
    if snapshot.container:
        return "this is a %s container; it is not the one that boots" % snapshot.container
    if snapshot.cmdline is None:
        return "/proc/cmdline can't be read"
    if snapshot.plan is None:
        return "no boot loader configuration that is known here (GRUB, boot loader entries, cmdline.txt, /etc/kernel/cmdline)"
    return snapshot.plan.why


def _missing(snapshot, problems):
    found = [{"what": path, "why": why} for path, why in sorted(snapshot.unreadable.items())]
    found += [{"what": path, "why": "there is no such file"} for path, text in (
        ("/proc/cmdline", snapshot.cmdline), ("/proc/self/mountinfo", snapshot.mounts),
        ("/proc/sys/kernel/osrelease", snapshot.kernel), ("/etc/os-release", snapshot.os_release),
    ) if text is None and path not in snapshot.unreadable]
    found += [{"what": what, "why": why} for what, why in snapshot.failed]
    if snapshot.plan is not None and snapshot.plan.arguments is None:
        found.append({"what": "next boot", "why": snapshot.plan.why})
    return found + [{"what": "user %s" % each["user"], "why": each["message"]} for each in problems]


def _v1_enabled(text):
    if text is None:
        return None
    return sorted(name for name, (hierarchy, enabled) in parse_proc_cgroups(text).items()
                  if enabled and hierarchy != "0")


def _words(text):
    return None if text is None else text.split()
