# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What there is to do on a host for cgroup v2 with the memory controller."""

from __future__ import annotations

DOCUMENTATION = r"""
name: cgroup_v2_plan
short_description: What there is to do on a host for cgroup v2 with the memory controller
version_added: 1.0.0
description:
  - Tells from the facts of a host which kernel arguments to add and to remove, whether the delegation to users has to be
    configured, and what the role P(podman_fleet.memory.cgroup_v2#role) can't do.
options:
  _input:
    description: C(ansible_facts.podman_cgroup), as M(podman_fleet.memory.cgroup_facts) returns it.
    type: dict
    required: true
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Show what would be done
  ansible.builtin.debug:
    msg: "{{ (ansible_facts.podman_cgroup | podman_fleet.memory.cgroup_v2_plan).steps }}"
"""

RETURN = r"""
_value:
  description:
    - Lists C(present) and C(absent) of kernel arguments, C(delegate) (a file, or V(none)), C(users) whose managers need a new
      start, C(reboot), and in words C(steps) and C(obstacles).
  type: dict
"""

from ..plugin_utils._cgroup_v2 import cgroup_v2_plan


class FilterModule:
    """The filter."""

    def filters(self):
        """Return it by name."""
        return {"cgroup_v2_plan": cgroup_v2_plan}
