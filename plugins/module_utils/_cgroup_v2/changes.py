# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""What would have to change on a host for cgroup v2 with the memory controller and rootless delegation.

Pure. The rules are systemd's (NEWS of 243, 256, 258; systemd.resource-control(5)), the kernel's
(kernel-parameters.txt), Raspberry Pi's (raspberrypi/linux#6980) and rootlesscontaine.rs's for delegation.
"""

from collections import namedtuple

from .._boot.kernel_args import boolean_argument, disabling_argument
from .._system.platform import kernel_at_least
from .mode import CGROUP_ROOT, mode_at_boot

# mode: see _cgroup_mode.Mode; mounts_known: bool; container: str or None; kernel: release or None;
# systemd: Systemd or None; default: see default_hierarchy(); arguments: [Argument] or None;
# plan: _next_boot.Plan or None; memory: see _cgroup_memory.present(); reasons: see absence();
# enabled: [str] of the root's cgroup.subtree_control or None; raspberry: bool;
# users: [{name, uid, memory_delegated, configured}].
HostState = namedtuple("State", "mode mounts_known container kernel systemd default arguments plan memory reasons "
                            "enabled raspberry users")

# Delegate= accumulates over drop-ins, and an empty one takes everything back: so it has to be the last of them.
DELEGATE_FILE = "/etc/systemd/system/user@.service.d/zz-podman-memory.conf"
_UNIFIED = "systemd.unified_cgroup_hierarchy"
# They mean nothing on v2 and go along with what forces v1 (systemd(1), NEWS of 256).
_LEFTOVERS = ("systemd.legacy_systemd_cgroup_controller", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE")
_FILES = {"grub": "/etc/default/grub", "kernel_install": "/etc/kernel/cmdline"}


def is_ready(state):
    """Whether v2, the memory controller and the users' delegation are there; None where something isn't known."""
    parts = [state.mode == "v2" if state.mounts_known else None, state.memory]
    if state.mode == "v2":
        if not state.container:  # whose root has nothing below it before the first container in it
            parts.append(None if state.enabled is None else "memory" in state.enabled)
        parts.extend(_user_ready(each) for each in state.users)
    return False if False in parts else None if None in parts else True


def _user_ready(user):
    """A user without a session is ready when systemd's configuration delegates memory to him."""
    if user["memory_delegated"] is None and user["configured"] is not None:
        return "memory" in user["configured"]
    return user["memory_delegated"]


def needs_reboot(changes):
    """Whether one of the changes needs a reboot; None when that isn't known."""
    answers = [each["reboot"] for each in changes]
    return True if True in answers else None if None in answers else False


def plan_changes(state):
    """Return the changes: [{id, what, why, argument, file, users, reboot, configured}]."""
    if state.container and (state.mode != "v2" or state.memory is False):
        return [_change("change_container_host",
                        "bring the host of this container to cgroup v2, and let it give the memory controller to the container",
                        "this is a %s container, whose cgroups are its host's" % state.container, reboot=None)]
    return _for_mode(state) + _for_memory(state) + _for_children(state) + _for_users(state)


def _change(ident, what, why, argument=None, file=None, users=(), reboot=False, configured=None):
    return {"id": ident, "what": what, "why": why, "argument": argument, "file": file, "users": list(users),
            "reboot": reboot, "configured": configured}


def _for_mode(state):
    if not state.mounts_known:
        return []
    if state.mode == "v2":
        return _threats(state)
    if kernel_at_least(state.kernel, (4, 15)) is False:
        # rootlesscontaine.rs: cgroup v2 for containers needs 4.15, better 5.2
        return [_change("upgrade_kernel", "install a kernel of 4.15 or later, better 5.2",
                        "kernel %s has too little of cgroup v2 for containers" % state.kernel, reboot=True)]
    if state.systemd is None:
        return [_change("init_mounts_v2", "let the init system mount cgroup v2 on %s" % CGROUP_ROOT,
                        "the host does not run systemd, or its version isn't known, so how to do that isn't either", reboot=True)]
    if state.arguments is None:
        return [_change("read_command_line", "find out what is on the kernel's command line",
                        "/proc/cmdline can't be read, and what forces cgroup v1 is mostly there", reboot=None)]
    return _arguments_for_v2(state)


def _arguments_for_v2(state):
    forcing = [each for each in state.arguments if _forces_v1(each)]
    rest = [each for each in state.arguments if each not in forcing]
    found = [_remove(state, each, "it makes systemd mount cgroup v1") for each in forcing]
    if mode_at_boot(rest, state.systemd.version, state.default) != "v2":
        why = ("systemd %d mounts the %s hierarchy by default here" % (state.systemd.version, state.default) if state.default
               else "what systemd %d mounts by default here isn't known; the argument does no harm" % state.systemd.version)
        found.append(_add(state, _UNIFIED + "=1", why))
    if not found:
        return [_change("find_who_mounts_v1", "find out what mounts cgroup v1, see mode_evidence",
                        "systemd %d would mount v2 with this command line" % state.systemd.version, reboot=True)]
    return found + [_remove(state, each, "it has no meaning on cgroup v2") for each in rest if each.name in _LEFTOVERS]


def _forces_v1(argument):
    return argument.name == _UNIFIED and boolean_argument([argument], _UNIFIED) is False


def _threats(state):
    """What the configuration holds that will take the host off v2 at the next boot."""
    if state.systemd is None or state.plan is None or state.plan.arguments is None:
        return []
    if mode_at_boot(state.plan.arguments, state.systemd.version, state.default) in ("v2", None):
        return []
    return [_remove(state, each, "the next boot would not be on cgroup v2 any more", reboot=False)
            for each in state.plan.arguments if _forces_v1(each)]


def _for_memory(state):
    if state.memory is None:
        return []
    if state.memory:
        planned = state.plan.arguments if state.plan else None
        off = disabling_argument(planned or [], "memory", state.raspberry)
        return [_remove(state, off, "the next boot would be without the memory controller", reboot=False)] if off else []
    reason = state.reasons[0]
    by_id = {
        "disabled_by_argument": _undo_disable,
        "disabled_by_default": lambda state, reason: [_add(state, "cgroup_enable=memory", reason["detail"])],
        "used_by_v1": _release_from_v1,
    }
    return by_id.get(reason["id"], _other_kernel)(state, reason)


def _undo_disable(state, reason):
    argument = disabling_argument(state.arguments, "memory", state.raspberry)
    planned = (state.plan.arguments if state.plan else None) or []
    if not state.raspberry or argument in planned:
        return [_remove(state, argument, "the kernel turns the memory controller off because of it")]
    # Not in cmdline.txt, so it comes from the device tree, in front of it; what comes later wins there.
    return [_add(state, "cgroup_enable=memory", "the firmware gives %s to the kernel" % argument.text)]


def _release_from_v1(state, reason):
    if state.mode != "v2":
        return []  # it comes with v2
    return [_change("unmount_v1_memory", "don't mount the cgroup v1 hierarchy with the memory controller",
                    reason["detail"] + ", so that v2 can't", reboot=True)]


def _other_kernel(state, reason):
    if reason["id"] == "not_compiled_in":
        return [_change("install_kernel", "install a kernel with CONFIG_MEMCG=y", reason["detail"], reboot=True)]
    return [_change("find_memory_controller", "find out why the kernel has no memory controller", reason["detail"], reboot=None)]


def _for_children(state):
    if state.mode != "v2" or state.container or not state.memory or state.enabled is None or "memory" in state.enabled:
        return []
    return [_change("enable_memory_for_children",
                    "let systemd account memory: DefaultMemoryAccounting=yes (its default), and no unit turns it off",
                    "the memory controller is there, and not enabled in cgroup.subtree_control of the root",
                    file="/etc/systemd/system.conf")]


def _for_users(state):
    users = [each for each in state.users if each["uid"] != 0]
    lacking = [each for each in users if _lacks_memory(state, each)]
    late = [each["name"] for each in users if each not in lacking and _without_memory(state, each)]
    found = []
    if lacking:
        found.append(_change("delegate_memory", "Delegate=cpu cpuset io memory pids in a drop-in for user@.service, "
                             "then restart the users' managers", "systemd does not delegate the memory controller to them",
                             file=DELEGATE_FILE, users=[each["name"] for each in lacking],
                             configured=None if None in [each["configured"] for each in lacking] else False))
    if late:
        found.append(_change("restart_user_manager", "restart user@UID.service of these users (it ends their sessions "
                             "and containers)", "their managers run without the memory controller that is meant for them",
                             users=late, configured=True))
    return found


def _without_memory(state, user):
    """Whether the user's manager runs without memory that the host has."""
    return state.mode == "v2" and bool(state.memory) and user["memory_delegated"] is False


def _lacks_memory(state, user):
    """Whether his next manager will run without memory, as far as is known."""
    if user["configured"] is None:
        return _without_memory(state, user)
    return "memory" not in user["configured"]


def _planned(state, name, value):
    """Whether the configuration for the next boot has the argument; None when it can't be read."""
    if state.plan is None or state.plan.arguments is None:
        return None
    return (name, value) in [(each.name, each.value) for each in state.plan.arguments]


def _remove(state, argument, why, reboot=True):
    there = _planned(state, argument.name, argument.value)
    where = "kernel's command line" if reboot else "command line of the next boot"
    return _change("remove_argument", "remove %s from the %s" % (argument.text, where), why, argument.text,
                   _file(state), reboot=reboot, configured=None if there is None else not there)


def _add(state, text, why):
    name, _equals, value = text.partition("=")
    return _change("add_argument", "add %s to the kernel's command line" % text, why, text, _file(state), reboot=True,
                   configured=_planned(state, name, value))


def _file(state):
    """The file that an administrator changes for an argument; None where a tool does it (grubby, rpm-ostree)."""
    if state.plan is None or state.plan.kind in (None, "bls"):
        return None
    return _FILES.get(state.plan.kind, state.plan.path)
