# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The logic of the role cgroup_v2's filters: what a host needs for cgroup v2, and the summary of a fleet.

Pure. Input are facts of cgroup_facts and oom_facts, and the status that the role leaves on each host.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._model.container_facts import effective_settings, is_running
from ._policy.policy import Decision
from ._rules.drift import next_start_differences

Facts = dict[str, Any]

# Changes that the role can make; whatever else cgroup_facts wants changed is an obstacle.
ARGUMENT_CHANGES = ("remove_argument", "add_argument")
DELEGATION_CHANGES = ("delegate_memory", "restart_user_manager")

# States of a host after the role, in the order of the summary, and their titles there.
STATES = {
    "failed": "FAILED, look at it first",
    "cannot": "CANNOT be prepared",
    "reboot_required": "NEED A REBOOT",
    "not_reached": "NOT REACHED",
    "not_started": "NOT STARTED, because of the failure above",
    "ready": "READY",
}


def cgroup_v2_plan(facts: Facts) -> Facts:
    """Return what the role has to do on a host.

    :param facts: ansible_facts.podman_cgroup.
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


def _arguments_to_add(added: list[str], removed: list[str]) -> list[str]:
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


def cgroup_v2_blockers(facts: Facts) -> list[str]:
    """Return why a host isn't ready for cgroup v2, [] when it is.

    :param facts: ansible_facts.podman_cgroup.
    """
    if facts["v2_ready"] is True:
        return []
    blockers = ["%s: %s" % (change["what"], change["why"]) for change in facts["changes_needed"]]
    blockers += ["%s is not known: %s" % (gap["what"], gap["why"]) for gap in facts["missing"]]
    return blockers or ["whether it is ready for cgroup v2 is not known"]


def cgroup_v2_unenforced_limits(facts: Facts) -> list[str]:
    """Return a line for each running container whose limit on record the kernel does not enforce.

    :param facts: ansible_facts.podman_oom.
    """
    lines = []
    for container in facts["containers"]:
        if not is_running(container):
            continue
        differences = [each.text for each in next_start_differences(facts.get("host") or {}, container, Decision())]
        if effective_settings(container) is None:
            differences = ["its limit is not known"]
        if differences:
            lines.append("%s of %s: %s" % (container["name"], container["user"], "; ".join(differences)))
    return lines


def cgroup_v2_summary(hostvars: Mapping[str, Facts], hosts: Iterable[str]) -> Facts:
    """Return the end of a run: lines: [str] for people, hosts: {state: [host]}, failed_hosts: [host], not prepared."""
    status = {host: _status(hostvars, host) for host in hosts}
    by_state = {state: sorted(host for host in status if status[host]["state"] == state) for state in STATES}
    lines = []
    for state, title in STATES.items():
        if by_state[state]:
            lines.append("%s: %d" % (title, len(by_state[state])))
        for host in by_state[state]:
            lines.append("  " + host)
            lines += ["    - %s" % reason for reason in status[host]["why"]]
    failed = [host for state in STATES if state not in ("ready", "reboot_required") for host in by_state[state]]
    return {"lines": lines, "hosts": by_state, "failed_hosts": failed}


def _status(hostvars: Mapping[str, Facts], host: str) -> Facts:
    """{state, why} that the role has left on a host, or that it did not get that far."""
    status = hostvars[host].get("cgroup_v2_status") if host in hostvars else None
    return dict(status) if status else {"state": "not_reached", "why": ["it is unreachable, or the run ended before"]}
