# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would have to change on a host for cgroup v2 with the memory controller and rootless delegation.

Pure. The rules are systemd's (NEWS of 243, 256, 258; systemd.resource-control(5)), the kernel's
(kernel-parameters.txt), Raspberry Pi's (raspberrypi/linux#6980) and rootlesscontaine.rs's for delegation.
"""

from typing import Any, Dict, Iterable, List, NamedTuple, Optional

from .._boot.kernel_args import Argument, boolean_argument, disabling_argument
from .._boot.next_boot import BootConfig
from .._system.platform import Systemd, kernel_at_least
from .mode import CGROUP_ROOT, mode_at_boot


class HostState(NamedTuple):
    """What decides about the changes; None: unknown, where nothing else is said."""

    mode: Optional[str]  # as Mode.mode
    mounts_known: bool
    container: Optional[str]  # engine of the container that this is
    kernel: Optional[str]  # release
    systemd: Optional[Systemd]
    default_hierarchy: Optional[str]  # see mode.default_hierarchy()
    arguments: Optional[List[Argument]]  # of the running kernel
    next_boot: Optional[BootConfig]
    memory: Optional[bool]  # see has_memory_controller()
    reasons: List[Dict[str, Any]]  # see absence_reasons()
    enabled: Optional[List[str]]  # controllers in the root's cgroup.subtree_control
    raspberry: bool
    users: List[Dict[str, Any]]  # [{name, uid, memory_delegated, configured}]

    @property
    def next_arguments(self) -> Optional[List[Argument]]:
        """Arguments of the next boot."""
        return None if self.next_boot is None else self.next_boot.arguments


# Delegate= accumulates over drop-ins, and an empty one resets it: so it has to be the last of them.
DELEGATE_FILE = "/etc/systemd/system/user@.service.d/zz-podman-memory.conf"
_UNIFIED = "systemd.unified_cgroup_hierarchy"
# They mean nothing on v2 and are removed with what forces v1 (systemd(1), NEWS of 256).
_LEFTOVERS = ("systemd.legacy_systemd_cgroup_controller", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE")
_FILES = {"grub": "/etc/default/grub", "kernel_install": "/etc/kernel/cmdline"}


def is_ready(state: HostState) -> Optional[bool]:
    """Whether v2, the memory controller and the users' delegation are there; None where something is unknown."""
    parts = [state.mode == "v2" if state.mounts_known else None, state.memory]
    if state.mode == "v2":
        if not state.container:  # whose root has nothing below it before the first container in it
            parts.append(None if state.enabled is None else "memory" in state.enabled)
        parts.extend(_is_user_ready(user) for user in state.users)
    return False if False in parts else None if None in parts else True


def _is_user_ready(user: Dict[str, Any]) -> Optional[bool]:
    """A user without a session is ready when systemd's configuration delegates memory to them."""
    if user["memory_delegated"] is None and user["configured"] is not None:
        return "memory" in user["configured"]
    return user["memory_delegated"]


def needs_reboot(changes: Iterable[Dict[str, Any]]) -> Optional[bool]:
    """Whether one of the changes needs a reboot; None when that is unknown."""
    answers = [change["reboot"] for change in changes]
    return True if True in answers else None if None in answers else False


def plan_changes(state: HostState) -> List[Dict[str, Any]]:
    """Return the changes: [{id, what, why, argument, file, users, reboot, configured}]."""
    if state.container and (state.mode != "v2" or state.memory is False):
        return [_change("change_container_host",
                        "bring the host of this container to cgroup v2, and let it give the memory controller to the container",
                        "this is a %s container, whose cgroups are its host's" % state.container, reboot=None)]
    return _changes_for_mode(state) + _changes_for_memory(state) + _changes_for_children(state) + _changes_for_users(state)


def _change(ident: str, what: str, why: str, argument: Optional[str] = None, file: Optional[str] = None,
            users: Iterable[str] = (), reboot: Optional[bool] = False, configured: Optional[bool] = None) -> Dict[str, Any]:
    return {"id": ident, "what": what, "why": why, "argument": argument, "file": file, "users": list(users),
            "reboot": reboot, "configured": configured}


def _changes_for_mode(state: HostState) -> List[Dict[str, Any]]:
    if not state.mounts_known:
        return []
    if state.mode == "v2":
        return _changes_to_stay_on_v2(state)
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
    return _changes_for_v2(state, state.systemd.version, state.arguments)


def _changes_for_v2(state: HostState, version: int, arguments: List[Argument]) -> List[Dict[str, Any]]:
    forcing = [argument for argument in arguments if _forces_v1(argument)]
    rest = [argument for argument in arguments if argument not in forcing]
    default = state.default_hierarchy
    changes = [_remove_argument(state, argument, "it makes systemd mount cgroup v1") for argument in forcing]
    if mode_at_boot(rest, version, default) != "v2":
        why = ("systemd %d mounts the %s hierarchy by default here" % (version, default) if default
               else "what systemd %d mounts by default here isn't known; the argument does no harm" % version)
        changes.append(_add_argument(state, _UNIFIED + "=1", why))
    if not changes:
        return [_change("find_who_mounts_v1", "find out what mounts cgroup v1, see mode_evidence",
                        "systemd %d would mount v2 with this command line" % version, reboot=True)]
    return changes + [_remove_argument(state, argument, "it has no meaning on cgroup v2")
                      for argument in rest if argument.name in _LEFTOVERS]


def _forces_v1(argument: Argument) -> bool:
    return argument.name == _UNIFIED and boolean_argument([argument], _UNIFIED) is False


def _changes_to_stay_on_v2(state: HostState) -> List[Dict[str, Any]]:
    """Remove what will take the host off v2 at the next boot."""
    arguments = state.next_arguments
    if state.systemd is None or arguments is None:
        return []
    if mode_at_boot(arguments, state.systemd.version, state.default_hierarchy) in ("v2", None):
        return []
    return [_remove_argument(state, argument, "the next boot would no longer be on cgroup v2", reboot=False)
            for argument in arguments if _forces_v1(argument)]


def _changes_for_memory(state: HostState) -> List[Dict[str, Any]]:
    if state.memory is None:
        return []
    if state.memory:
        disabling = disabling_argument(state.next_arguments or [], "memory", state.raspberry)
        return [_remove_argument(state, disabling, "the next boot would be without the memory controller",
                                 reboot=False)] if disabling else []
    reason = state.reasons[0]
    if reason["id"] == "disabled_by_argument":
        return [_undo_disabling(state)]
    if reason["id"] == "enable_ignored":
        return [_stop_relying_on_enable(state, reason)]
    if reason["id"] == "disabled_by_default":
        return [_add_argument(state, "cgroup_enable=memory", reason["detail"])]
    if reason["id"] == "used_by_v1":
        return [] if state.mode != "v2" else [  # otherwise it comes with v2
            _change("unmount_v1_memory", "don't mount the cgroup v1 hierarchy with the memory controller",
                    reason["detail"] + ", so that v2 can't", reboot=True)]
    if reason["id"] == "not_compiled_in":
        return [_change("install_kernel", "install a kernel with CONFIG_MEMCG=y", reason["detail"], reboot=True)]
    return [_change("find_memory_controller", "find out why the kernel has no memory controller", reason["detail"], reboot=None)]


def _stop_relying_on_enable(state: HostState, reason: Dict[str, Any]) -> Dict[str, Any]:
    """With a kernel that ignores cgroup_enable=, only what turns the controller off can be taken away."""
    disabling = disabling_argument(state.arguments or [], "memory", False)
    if disabling is not None and disabling in (state.next_arguments or []):
        return _remove_argument(state, disabling, "the kernel turns the memory controller off because of it; " + reason["detail"])
    what = "install a kernel that has the memory controller on, or knows cgroup_enable= (the Raspberry Pi's own, Ubuntu's linux-raspi)"
    if disabling is not None:
        what += ", or take %s out of bootargs of the device tree, from where the firmware gives it to the kernel" % disabling.text
    # nothing that can be configured here waits for a reboot
    return _change("install_kernel", what, reason["detail"], reboot=None)


def _undo_disabling(state: HostState) -> Dict[str, Any]:
    argument = disabling_argument(state.arguments or [], "memory", state.raspberry)
    if argument is None:
        raise AssertionError("the controller is off because of an argument, and there is none")
    if not state.raspberry or argument in (state.next_arguments or []):
        return _remove_argument(state, argument, "the kernel turns the memory controller off because of it")
    # Not in cmdline.txt, so it comes from the device tree, in front of it; what comes later wins there.
    return _add_argument(state, "cgroup_enable=memory", "the firmware gives %s to the kernel" % argument.text)


def _changes_for_children(state: HostState) -> List[Dict[str, Any]]:
    if state.mode != "v2" or state.container or not state.memory or state.enabled is None or "memory" in state.enabled:
        return []
    return [_change("enable_memory_for_children",
                    "let systemd account memory: DefaultMemoryAccounting=yes (its default), and no unit turns it off",
                    "the memory controller is there, and not enabled in cgroup.subtree_control of the root",
                    file="/etc/systemd/system.conf")]


def _changes_for_users(state: HostState) -> List[Dict[str, Any]]:
    users = [user for user in state.users if user["uid"] != 0]
    undelegated = [user for user in users if not _is_configured(state, user)]
    outdated = [user["name"] for user in users if user not in undelegated and _runs_without_memory(state, user)]
    changes = []
    if undelegated:
        changes.append(_change(
            "delegate_memory",
            "Delegate=cpu cpuset io memory pids in a drop-in for user@.service, then restart the users' managers",
            "systemd does not delegate the memory controller to them", file=DELEGATE_FILE,
            users=[user["name"] for user in undelegated],
            configured=None if None in [user["configured"] for user in undelegated] else False))
    if outdated:
        changes.append(_change(
            "restart_user_manager", "restart user@UID.service of these users (it ends their sessions and containers)",
            "their managers run without the memory controller that is meant for them", users=outdated, configured=True))
    return changes


def _runs_without_memory(state: HostState, user: Dict[str, Any]) -> bool:
    """Whether the user's manager runs without memory that the host has."""
    return state.mode == "v2" and bool(state.memory) and user["memory_delegated"] is False


def _is_configured(state: HostState, user: Dict[str, Any]) -> bool:
    """Whether the user's next manager will have memory, as far as is known."""
    if user["configured"] is None:
        return not _runs_without_memory(state, user)
    return "memory" in user["configured"]


def _is_in_next_boot(state: HostState, name: str, value: Optional[str]) -> Optional[bool]:
    """Whether the configuration for the next boot has the argument; None when it can't be read."""
    if state.next_arguments is None:
        return None
    return (name, value) in [(argument.name, argument.value) for argument in state.next_arguments]


def _remove_argument(state: HostState, argument: Argument, why: str, reboot: bool = True) -> Dict[str, Any]:
    there = _is_in_next_boot(state, argument.name, argument.value)
    where = "kernel's command line" if reboot else "command line of the next boot"
    return _change("remove_argument", "remove %s from the %s" % (argument.text, where), why, argument.text,
                   _file_to_edit(state), reboot=reboot, configured=None if there is None else not there)


def _add_argument(state: HostState, text: str, why: str) -> Dict[str, Any]:
    name, _equals, value = text.partition("=")
    return _change("add_argument", "add %s to the kernel's command line" % text, why, text, _file_to_edit(state), reboot=True,
                   configured=_is_in_next_boot(state, name, value))


def _file_to_edit(state: HostState) -> Optional[str]:
    """The file that an administrator changes for an argument; None where a tool does it (grubby, rpm-ostree)."""
    if state.next_boot is None or state.next_boot.kind in (None, "bls"):
        return None
    return _FILES.get(state.next_boot.kind or "", state.next_boot.path)
