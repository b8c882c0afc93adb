# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the memory controller of a host offers, and why it isn't there.

Pure: texts of cgroup files and of the kernel's configuration in, data out. None is "unknown".
"""

import re
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence

from .._boot.kernel_args import Argument, disabling_argument, enabling_argument
from .mode import V1Controllers

# The user's manager, whose cgroup systemd gives away (user@.service, Delegate=).
USER_CGROUP = "/user.slice/user-%d.slice/user@%d.service"
NO_CONTROLLER = "the host has no memory controller"

# Files of a cgroup: {name: text, None when there is no such file}.
CgroupTexts = Mapping[str, Optional[str]]


class Delegation(NamedTuple):
    """What a user has of the host's controllers."""

    controllers: Optional[List[str]]
    memory: Optional[bool]  # whether the memory controller is among them
    why: Optional[str]  # why it is not, or is unknown


def has_memory_controller(mode: Optional[str], available: Optional[Sequence[str]], v1_controllers: Optional[V1Controllers],
                          ) -> Optional[bool]:
    """Whether there is a memory controller that this mode can use; None: unknown.

    :param available: of the root's cgroup.controllers, None: unreadable or v1.
    :param v1_controllers: of /proc/cgroups, None: unreadable.
    """
    if mode == "v2":
        return None if available is None else "memory" in available
    if v1_controllers is None or mode is None:
        return None
    return v1_controllers.get("memory", ("0", False))[1]


def absence_reasons(arguments: Iterable[Argument], raspberry: bool, v1_controllers: Optional[V1Controllers],
                    config: Optional[str], container: Optional[str]) -> List[Dict[str, Any]]:
    """Return why the memory controller isn't there: [{id, detail, argument}], the most direct reason first.

    :param config: CONFIG_MEMCG in the running kernel's configuration: y or n, None: unknown.
    :param container: engine of the container that this is, or None.
    """
    reasons = []
    arguments = list(arguments)
    enabling = enabling_argument(arguments, "memory")
    # mainline has no cgroup_enable=, and a kernel that ignores it does so wherever a cgroup_disable= stands
    disabling = disabling_argument(arguments, "memory", raspberry and not enabling)
    hierarchy, enabled = (v1_controllers or {}).get("memory", ("0", False))
    if config == "n":
        reasons.append(_reason("not_compiled_in", "the kernel is built without CONFIG_MEMCG"))
    if disabling:
        reasons.append(_reason("disabled_by_argument", "%s is on the kernel's command line" % disabling.text, disabling.text))
    if hierarchy != "0":
        reasons.append(_reason("used_by_v1", "a cgroup v1 hierarchy (number %s in /proc/cgroups) has it" % hierarchy))
    if enabling and hierarchy == "0" and not container and (raspberry or not disabling) and config != "n":
        reasons.insert(0, _reason("enable_ignored", "%s is on the kernel's command line already, and the kernel ignores it: only kernels of "
                                  "the Raspberry Pi and of some distributions know it" % enabling.text, enabling.text))
    if not reasons and raspberry:
        # raspberrypi/linux, 5.4 to 6.11: "cgroup: Disable cgroup "memory" by default", no argument to be seen.
        reasons.append(_reason("disabled_by_default",
                               "kernels of the Raspberry Pi turn it off unless cgroup_enable=memory is given"))
    if not reasons and container:
        reasons.append(_reason("not_given_to_container", "the host has not given it to this %s container" % container))
    if not reasons and "memory" in (v1_controllers or {}) and not enabled:
        reasons.append(_reason("disabled_by_default", "the kernel has it turned off, and no argument says so"))
    return reasons or [_reason("unknown", "no argument turns it off, and the kernel's configuration "
                               + ("has it" if config == "y" else "can't be read"))]


def _reason(ident: str, detail: str, argument: Optional[str] = None) -> Dict[str, Any]:
    return {"id": ident, "detail": detail, "argument": argument}


def kernel_config_value(text: str, name: str) -> str:
    """Return y or n for an option in a kernel's configuration file (it says "# CONFIG_X is not set")."""
    return "y" if re.search(r"^%s=y$" % name, text, re.M) else "n"


def oom_group_support(mode: Optional[str], memory: Optional[bool], samples: Sequence[CgroupTexts]) -> Dict[str, Any]:
    """Return {supported, kill_event, why} from the files of cgroups below the root.

    memory.oom.group came with Linux 4.19, oom_group_kill in memory.events with 5.17, both are in
    every cgroup but the root (Documentation/admin-guide/cgroup-v2.rst).

    :param memory: see has_memory_controller().
    :param samples: of cgroups with memory enabled.
    """
    if mode in ("v1", "hybrid"):
        return _oom_group(False, False, "cgroup v1 has no memory.oom.group")
    if memory is False:
        return _oom_group(False, False, NO_CONTROLLER)
    if not samples:
        return _oom_group(None, None, "no cgroup below the root has the memory controller, so there is no file to look at")
    supported = any(sample.get("memory.oom.group") is not None for sample in samples)
    events = [text for text in (sample.get("memory.events") for sample in samples) if text is not None]
    kill_event = any(re.search(r"^oom_group_kill ", text, re.M) for text in events) if events else None
    return _oom_group(supported, kill_event, None if supported else
                      "the kernel has no memory.oom.group (it came with Linux 4.19)")


def _oom_group(supported: Optional[bool], kill_event: Optional[bool], why: Optional[str]) -> Dict[str, Any]:
    return {"supported": supported, "kill_event": kill_event, "why": why}


def has_swap_accounting(mode: Optional[str], memory: Optional[bool], samples: Sequence[CgroupTexts],
                        v1_root: Optional[CgroupTexts]) -> Optional[bool]:
    """Whether swap can be limited: v2 memory.swap.max, v1 memory.memsw.limit_in_bytes; None: unknown.

    :param memory: see has_memory_controller(); samples: see oom_group_support().
    :param v1_root: of the root of v1's memory hierarchy, None without one.
    """
    if memory is False:
        return False
    if mode == "v2":
        return any(sample.get("memory.swap.max") is not None for sample in samples) if samples else None
    return None if v1_root is None else v1_root.get("memory.memsw.limit_in_bytes") is not None


def psi_support(text: Optional[str], problem: Optional[str]) -> Dict[str, Any]:
    """Return {available, why} of pressure stall information (accounting/psi.rst, Linux 4.20).

    :param text: of /proc/pressure/memory, None when there is none; problem: why it couldn't be read.
    """
    if text is not None:
        return {"available": True, "why": None}
    if problem == "Operation not supported":
        return {"available": False, "why": "it is turned off; psi=1 on the kernel's command line turns it on"}
    if problem:
        return {"available": None, "why": "/proc/pressure/memory: %s" % problem}
    return {"available": False, "why": "there is no /proc/pressure/memory: the kernel has no PSI, or needs psi=1"}


def root_delegation(enabled: Optional[List[str]], memory: Optional[bool]) -> Delegation:
    """Return what root has on v2: what is enabled below the root cgroup."""
    if enabled is None:
        return Delegation(None, None, "cgroup.subtree_control of the root can't be read")
    if "memory" in enabled:
        return Delegation(enabled, True, None)
    return Delegation(enabled, False, NO_CONTROLLER if memory is False else
                      "the memory controller is not enabled for cgroups below the root")


def user_delegation(mode: Optional[str], memory: Optional[bool], exists: Optional[bool], controllers: Optional[List[str]],
                    ) -> Delegation:
    """Return what an ordinary user has.

    :param memory: see has_memory_controller().
    :param exists: whether the cgroup of the user's user@UID.service is there, None: unknown.
    :param controllers: of its cgroup.controllers, None: unreadable.
    """
    if mode is None:
        return Delegation(None, None, "no cgroup hierarchy is mounted")
    if mode != "v2":
        # systemd.resource-control(5), Delegate=: on v1 controllers are not given to unprivileged users.
        return Delegation([], False, "cgroup v1 can't safely delegate controllers to a user")
    if memory is False:
        return Delegation(controllers, False, NO_CONTROLLER)
    if exists is False:
        return Delegation(None, None, "the user has no session and no lingering manager now, so there is no cgroup to look at")
    if exists is None or controllers is None:
        return Delegation(None, None, "cgroup.controllers of the user's manager can't be read")
    delegated = "memory" in controllers
    return Delegation(controllers, delegated, None if delegated else
                      "systemd has not given the memory controller to this user's manager")


def delegated_controllers(units: Mapping[str, Mapping[str, str]]) -> Dict[str, List[str]]:
    """Return {unit: [controller]} of {unit: {property: value}} with DelegateControllers, see Systemctl.show().

    A unit without the property is left out: systemd before 236 does not know it.
    """
    return {unit: properties["DelegateControllers"].split() for unit, properties in units.items()
            if "DelegateControllers" in properties}
