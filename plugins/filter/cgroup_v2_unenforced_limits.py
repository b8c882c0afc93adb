# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers whose memory limit the kernel does not enforce."""

from __future__ import annotations

DOCUMENTATION = r"""
name: cgroup_v2_unenforced_limits
short_description: List containers whose memory limit the kernel does not enforce
version_added: 1.0.0
description:
  - Lists running containers for which the kernel enforces another memory limit than Podman has on record, or none. That happens
    to containers that were created on another cgroup version.
options:
  _input:
    description: C(ansible_facts.podman_oom), as M(podman_fleet.memory.oom_facts) returns it.
    type: dict
    required: true
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Assert that all limits are enforced
  ansible.builtin.assert:
    that: ansible_facts.podman_oom | podman_fleet.memory.cgroup_v2_unenforced_limits == []
"""

RETURN = r"""
_value:
  description: A list of sentences.
  type: list
"""

from typing import Any, Callable

from ..plugin_utils._cgroup_v2 import cgroup_v2_unenforced_limits


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return it by name."""
        return {"cgroup_v2_unenforced_limits": cgroup_v2_unenforced_limits}
