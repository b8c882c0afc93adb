# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""What has to be done on a host for cgroup v2, and what became of a whole fleet.

Pure: facts of cgroup_facts and oom_facts, and the status that the role cgroup_v2 leaves on each host, in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._model.container_facts import effective_settings, is_running
from ._policy.policy import Decision
from ._rules.drift import next_start_differences

Facts = dict[str, Any]

# What the role can do; whatever else cgroup_facts wants changed is for people.
_ARGUMENTS = ("remove_argument", "add_argument")
_DELEGATION = ("delegate_memory", "restart_user_manager")

# In this order, and what each is called at the end of a run.
STATES = {
    "failed": "FAILED, look at it first",
    "cannot": "CANNOT be prepared",
    "reboot_required": "NEED A REBOOT",
    "not_reached": "NOT REACHED",
    "not_started": "NOT STARTED, because of the failure above",
    "ready": "READY",
}


def cgroup_v2_plan(facts: Facts) -> Facts:
    """Return what there is to do on a host.

    :param facts: ansible_facts.podman_cgroup.
    :returns: present, absent: kernel arguments; delegate: file for the delegation, None when it isn't needed; users:
        [{name, uid}] whose managers need a new start for it; reboot: whether it takes one; steps: [str] in words;
        obstacles: [str], what the role can't do.
    """
    changes = facts["changes_needed"]
    arguments = [each for each in changes if each["id"] in _ARGUMENTS]
    absent = [each["argument"] for each in arguments if each["id"] == "remove_argument"]
    present = [each["argument"] for each in arguments if each["id"] == "add_argument"]
    delegation = [each for each in changes if each["id"] in _DELEGATION]
    names = {name for each in delegation for name in each["users"]}
    return {
        "present": _present(present, absent),
        "absent": absent,
        "delegate": next((each["file"] for each in delegation if each["id"] == "delegate_memory"), None),
        "users": [{"name": each["name"], "uid": each["uid"]} for each in facts["users"]
                  if each["name"] in names and each["manager_running"]],
        "reboot": any(each["reboot"] for each in changes),
        "steps": ["%s (%s)" % (each["what"], each["why"]) for each in arguments + delegation],
        "obstacles": ["%s: %s" % (each["what"], each["why"]) for each in changes
                      if each["id"] not in _ARGUMENTS + _DELEGATION],
    }


def _present(added: list[str], removed: list[str]) -> list[str]:
    """The arguments to add: with the rest of a list from which only memory is taken, and for kernels of all ages."""
    found = list(added)
    for text in removed:
        name, _equals, value = text.partition("=")
        rest = [each for each in value.split(",") if each != "memory"]
        if name == "cgroup_disable" and rest:
            found.append("cgroup_disable=%s" % ",".join(rest))
    if "cgroup_enable=memory" in found:  # the Raspberry Pi's older kernels want the other one too
        found.append("cgroup_memory=1")
    return found


def cgroup_v2_blockers(facts: Facts) -> list[str]:
    """Return why a host isn't ready for cgroup v2, [] when it is."""
    if facts["v2_ready"] is True:
        return []
    found = ["%s: %s" % (each["what"], each["why"]) for each in facts["changes_needed"]]
    found += ["%s is not known: %s" % (each["what"], each["why"]) for each in facts["missing"]]
    return found or ["whether it is ready for cgroup v2 is not known"]


def cgroup_v2_unenforced_limits(facts: Facts) -> list[str]:
    """Return of which running containers the kernel does not enforce the limit that Podman has on record.

    :param facts: ansible_facts.podman_oom.
    """
    found = []
    for each in facts["containers"]:
        if not is_running(each):
            continue
        told = [one.text for one in next_start_differences(facts.get("host") or {}, each, Decision())]
        if effective_settings(each) is None:
            told = ["its limit is not known"]
        found += ["%s of %s: %s" % (each["name"], each["user"], "; ".join(told))] if told else []
    return found


def status_of(hostvars: Mapping[str, Facts], host: str) -> Facts:
    """Return {state, why} of a host: what the role has left, or that it did not get that far."""
    found = hostvars[host].get("cgroup_v2_status") if host in hostvars else None
    return dict(found) if found else {"state": "not_reached", "why": ["it is unreachable, or the run ended before"]}


def cgroup_v2_summary(hostvars: Mapping[str, Facts], hosts: Iterable[str]) -> Facts:
    """Return the end of a run: lines for people, hosts: {state: [host]}, and failed_hosts: [host], those that are not prepared."""
    found = {host: status_of(hostvars, host) for host in hosts}
    by_state = {state: sorted(host for host, each in found.items() if each["state"] == state) for state in STATES}
    lines = []
    for state, title in STATES.items():
        if by_state[state]:
            lines.append("%s: %d" % (title, len(by_state[state])))
        for host in by_state[state]:
            lines.append("  " + host)
            lines += ["    - %s" % why for why in found[host]["why"]]
    failed = [host for state in STATES if state not in ("ready", "reboot_required") for host in by_state[state]]
    return {"lines": lines, "hosts": by_state, "failed_hosts": failed}
