# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a host is not ready for cgroup v2 with the memory controller."""

from __future__ import annotations

DOCUMENTATION = r"""
name: cgroup_v2_blockers
short_description: Why a host is not ready for cgroup v2 with the memory controller
version_added: 1.0.0
description:
  - Tells in words what is missing, and what is not known. Nothing when the host is ready.
options:
  _input:
    description: C(ansible_facts.podman_cgroup), as M(podman_fleet.memory.cgroup_facts) returns it.
    type: dict
    required: true
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Stop where a host is not ready
  ansible.builtin.assert:
    that: ansible_facts.podman_cgroup | podman_fleet.memory.cgroup_v2_blockers == []
"""

RETURN = r"""
_value:
  description: A list of sentences, empty when the host is ready.
  type: list
"""

from ..plugin_utils._cgroup_v2 import cgroup_v2_blockers


class FilterModule:
    """The filter."""

    def filters(self):
        """Return it by name."""
        return {"cgroup_v2_blockers": cgroup_v2_blockers}
