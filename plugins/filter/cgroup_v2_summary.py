# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The summary of a run of the playbook prepare."""

from __future__ import annotations

DOCUMENTATION = r"""
name: cgroup_v2_summary
short_description: Summarize a run of the playbook prepare
version_added: 1.0.0
description:
  - Returns which hosts are ready for cgroup v2, which need a reboot, and which can't be prepared and why, from what the role
    P(podman_fleet.memory.cgroup_v2#role) sets as C(cgroup_v2_status).
options:
  _input:
    description: C(hostvars).
    type: dict
    required: true
  hosts:
    description: Names of the hosts.
    type: list
    elements: str
    required: true
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Show the summary
  ansible.builtin.debug:
    msg: "{{ (hostvars | podman_fleet.memory.cgroup_v2_summary(ansible_play_hosts_all)).lines }}"
"""

RETURN = r"""
_value:
  description: C(lines) for people, C(hosts), lists of host names by state, and C(failed_hosts), the hosts that could not be prepared.
  type: dict
"""

from typing import Any, Callable

from ..plugin_utils._cgroup_v2 import cgroup_v2_summary


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return it by name."""
        return {"cgroup_v2_summary": cgroup_v2_summary}
