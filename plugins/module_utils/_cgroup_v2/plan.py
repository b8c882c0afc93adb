# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of the changes that a host needs for cgroup v2 the role cgroup_v2 can make, and what stands in the way. Pure."""

from typing import Any, Dict, List

Facts = Dict[str, Any]

# Changes that the role can make; whatever else cgroup_facts wants changed is an obstacle.
ARGUMENT_CHANGES = ("remove_argument", "add_argument")
DELEGATION_CHANGES = ("delegate_memory", "restart_user_manager")


def plan_preparation(facts: Facts) -> Facts:
    """Return what the role cgroup_v2 has to do on a host.

    :param facts: ansible_facts.podman_cgroup: changes_needed, users.
    :returns: present, absent: kernel arguments; delegate: file for the delegation, None when it isn't needed; users:
        [{name, uid}] whose managers have to be restarted for it; reboot: whether it takes one; steps: [str] in words;
        obstacles: [str], what the role can't do.
    """
    changes = facts["changes_needed"]
    arguments = [change for change in changes if change["id"] in ARGUMENT_CHANGES]
    absent = [change["argument"] for change in arguments if change["id"] == "remove_argument"]
    added = [change["argument"] for change in arguments if change["id"] == "add_argument"]
    delegation = [change for change in changes if change["id"] in DELEGATION_CHANGES]
    names = {name for change in delegation for name in change["users"]}
    return {
        "present": _arguments_to_add(added, absent),
        "absent": absent,
        "delegate": next((change["file"] for change in delegation if change["id"] == "delegate_memory"), None),
        "users": [{"name": user["name"], "uid": user["uid"]} for user in facts["users"]
                  if user["name"] in names and user["manager_running"]],
        "reboot": any(change["reboot"] for change in changes),
        "steps": ["%s (%s)" % (change["what"], change["why"]) for change in arguments + delegation],
        "obstacles": ["%s: %s" % (change["what"], change["why"]) for change in changes
                      if change["id"] not in ARGUMENT_CHANGES + DELEGATION_CHANGES],
    }


def _arguments_to_add(added: List[str], removed: List[str]) -> List[str]:
    """The added ones, lists from which only memory is taken, and what kernels of another age need."""
    arguments = list(added)
    for argument in removed:
        name, _equals, value = argument.partition("=")
        controllers = [controller for controller in value.split(",") if controller != "memory"]
        if name == "cgroup_disable" and controllers:
            arguments.append("cgroup_disable=%s" % ",".join(controllers))
    if "cgroup_enable=memory" in arguments:  # older kernels of the Raspberry Pi need the other one as well
        arguments.append("cgroup_memory=1")
    return arguments


def list_blockers(facts: Facts) -> List[str]:
    """Return why a host isn't ready for cgroup v2, [] when it is.

    :param facts: ansible_facts.podman_cgroup: v2_ready, changes_needed, missing.
    """
    if facts["v2_ready"] is True:
        return []
    blockers = ["%s: %s" % (change["what"], change["why"]) for change in facts["changes_needed"]]
    blockers += ["%s is not known: %s" % (gap["what"], gap["why"]) for gap in facts["missing"]]
    return blockers or ["whether it is ready for cgroup v2 is not known"]
