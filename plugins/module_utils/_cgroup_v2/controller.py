# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""What the memory controller of a host offers, and why it isn't there.

Pure: texts of cgroup files and of the kernel's configuration in, data out. None is "not known".
"""

import re

from .._boot.kernel_args import disabling_argument

# The user's manager, whose cgroup systemd gives away (user@.service, Delegate=).
USER_CGROUP = "/user.slice/user-%d.slice/user@%d.service"
NO_CONTROLLER = "the host has no memory controller"


def has_memory_controller(mode, available, v1_known):
    """Whether there is a memory controller that this mode can use; None for unknown.

    :param available: [str] of the root's cgroup.controllers, None unreadable or v1.
    :param v1_known: {name: (hierarchy, enabled)} of /proc/cgroups, None unreadable.
    """
    if mode == "v2":
        return None if available is None else "memory" in available
    if v1_known is None or mode is None:
        return None
    return v1_known.get("memory", ("0", False))[1]


def absence_reasons(arguments, raspberry, v1_known, config, container):
    """Return why the memory controller isn't there: [{id, detail, argument}], the first is the most direct.

    :param config: value of CONFIG_MEMCG in the running kernel's configuration: y, n, None for unknown.
    :param container: name of the container engine around us, or None.
    """
    reasons = []
    off = disabling_argument(arguments, "memory", raspberry)
    hierarchy = (v1_known or {}).get("memory", ("0", False))
    if config == "n":
        reasons.append(_reason("not_compiled_in", "the kernel is built without CONFIG_MEMCG"))
    if off:
        reasons.append(_reason("disabled_by_argument", "%s is on the kernel's command line" % off.text, off.text))
    if hierarchy[0] != "0":
        reasons.append(_reason("used_by_v1", "a cgroup v1 hierarchy (number %s in /proc/cgroups) has it" % hierarchy[0]))
    if not reasons and raspberry:
        # raspberrypi/linux, 5.4 to 6.11: "cgroup: Disable cgroup "memory" by default", no argument to be seen.
        reasons.append(_reason("disabled_by_default", "kernels of the Raspberry Pi turn it off unless cgroup_enable=memory is given"))
    if not reasons and container:
        reasons.append(_reason("not_given_to_container", "the host has not given it to this %s container" % container))
    if not reasons and "memory" in (v1_known or {}) and not hierarchy[1]:
        reasons.append(_reason("disabled_by_default", "the kernel has it turned off, and no argument says so"))
    return reasons or [_reason("unknown", "no argument turns it off, and the kernel's configuration "
                               + ("has it" if config == "y" else "can't be read"))]


def _reason(ident, detail, argument=None):
    return {"id": ident, "detail": detail, "argument": argument}


def kernel_config_value(text, name):
    """Return y or n for an option in a kernel's configuration file (it says "# CONFIG_X is not set")."""
    return "y" if re.search(r"^%s=y$" % name, text, re.M) else "n"


def oom_group_support(mode, memory, samples):
    """Return {supported, kill_event, why} from the files of cgroups below the root.

    memory.oom.group came with Linux 4.19, oom_group_kill in memory.events with 5.17, both are in
    every cgroup but the root (Documentation/admin-guide/cgroup-v2.rst).

    :param memory: see present().
    :param samples: [{name: text, None when there is no such file}] of cgroups with memory enabled.
    """
    if mode in ("v1", "hybrid"):
        return _oom_group(False, False, "cgroup v1 has no memory.oom.group")
    if memory is False:
        return _oom_group(False, False, NO_CONTROLLER)
    if not samples:
        return _oom_group(None, None, "no cgroup below the root has the memory controller, so there is no file to look at")
    supported = any(each.get("memory.oom.group") is not None for each in samples)
    events = [each["memory.events"] for each in samples if each.get("memory.events") is not None]
    counted = any(re.search(r"^oom_group_kill ", text, re.M) for text in events) if events else None
    return _oom_group(supported, counted, None if supported else "the kernel has no memory.oom.group (it came with Linux 4.19)")


def _oom_group(supported, kill_event, why):
    return {"supported": supported, "kill_event": kill_event, "why": why}


def has_swap_accounting(mode, memory, samples, v1_root):
    """Whether swap can be limited: v2 memory.swap.max, v1 memory.memsw.limit_in_bytes; None for unknown.

    :param memory: see present().
    :param v1_root: {name: text or None} of the root of v1's memory hierarchy, None without one.
    """
    if memory is False:
        return False
    if mode == "v2":
        return any(each.get("memory.swap.max") is not None for each in samples) if samples else None
    return None if v1_root is None else v1_root.get("memory.memsw.limit_in_bytes") is not None


def psi_support(text, problem):
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


def root_delegation(enabled, memory):
    """Return (controllers, memory_delegated, why) for root on v2: what is enabled below the root is his."""
    if enabled is None:
        return None, None, "cgroup.subtree_control of the root can't be read"
    if "memory" in enabled:
        return enabled, True, None
    return enabled, False, NO_CONTROLLER if memory is False else "the memory controller is not enabled for cgroups below the root"


def user_delegation(mode, memory, exists, controllers):
    """Return (controllers, memory_delegated, why) for an ordinary user.

    :param memory: see present().
    :param exists: whether the cgroup of his user@UID.service is there, None for unknown.
    :param controllers: [str] of its cgroup.controllers, None unreadable.
    """
    if mode is None:
        return None, None, "no cgroup hierarchy is mounted"
    if mode != "v2":
        # systemd.resource-control(5), Delegate=: on v1 controllers are not given to unprivileged users.
        return [], False, "cgroup v1 can't safely delegate controllers to a user"
    if memory is False:
        return controllers, False, NO_CONTROLLER
    if exists is None or (exists and controllers is None):
        return None, None, "cgroup.controllers of the user's manager can't be read"
    if not exists:
        return None, None, "the user has no session and no lingering manager now, so there is no cgroup to look at"
    delegated = "memory" in controllers
    return controllers, delegated, None if delegated else "systemd has not given the memory controller to this user's manager"


def delegated_controllers(units):
    """Return {unit: [controller]} of {unit: {property: value}} with DelegateControllers, see Systemctl.show().

    A unit without the property is left out: systemd before 236 does not know it.
    """
    return {unit: properties["DelegateControllers"].split() for unit, properties in units.items()
            if "DelegateControllers" in properties}
