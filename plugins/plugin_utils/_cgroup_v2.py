# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The logic of the role cgroup_v2's filters: limits that the kernel does not enforce, and the summary of a fleet.

Pure. Input are facts of oom_facts, and the status that the role leaves on each host.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ._model.container_facts import Facts, effective_settings, is_running
from ._policy.policy import Decision
from ._rules.drift import next_start_differences
from ._text import printable

# States of a host after the role, in the order of the summary, and their titles there.
STATES = {
    "failed": "FAILED, look at it first",
    "cannot": "CANNOT be prepared",
    "reboot_required": "NEED A REBOOT",
    "not_reached": "NOT REACHED",
    "not_started": "NOT STARTED, because of the failure above",
    "ready": "READY",
}
_MAX_REASONS = 20  # of one host in the summary


def cgroup_v2_unenforced_limits(facts: Facts) -> list[str]:
    """Return a line for each running container whose limit on record the kernel does not enforce.

    :param facts: ansible_facts.podman_oom.
    """
    lines = []
    for container in facts["containers"]:
        if not is_running(container):
            continue
        differences = next_start_differences(facts.get("host") or {}, container, Decision())
        text = "; ".join(difference.text for difference in differences)
        if effective_settings(container) is None:
            text = "its limit is not known"
        if text:
            lines.append("%s of %s: %s" % (printable(container["name"], 60), printable(container["user"], 40), text))
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
            lines.append("  " + printable(host, 60))
            lines += _reasons(status[host]["why"])
    failed = [host for state in STATES if state not in ("ready", "reboot_required") for host in by_state[state]]
    return {"lines": lines, "hosts": by_state, "failed_hosts": failed}


def _status(hostvars: Mapping[str, Facts], host: str) -> Facts:
    """{state, why} that the role has left on a host, or that it did not get that far.

    A host that the role did not get through may have put something else there, with its facts.
    """
    status = hostvars[host].get("cgroup_v2_status") if host in hostvars else None
    if not status:
        return {"state": "not_reached", "why": ["it is unreachable, or the run ended before"]}
    state, why = (status.get("state"), status.get("why")) if isinstance(status, Mapping) else (None, None)
    if not isinstance(state, str) or state not in STATES or not isinstance(why, Sequence) or isinstance(why, str):
        return {"state": "failed", "why": ["cgroup_v2_status is not what the role sets"]}
    return {"state": state, "why": list(why)}


def _reasons(why: list[Any]) -> list[str]:
    lines = ["    - %s" % printable(reason) for reason in why[:_MAX_REASONS]]
    return lines + (["    - and %d more" % (len(why) - _MAX_REASONS)] if len(why) > _MAX_REASONS else [])
