# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option of all actions that read the policy."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  policy:
    description:
      - What containers should have, and what is waived; see
        R(the policy,ansible_collections.podman_fleet.memory.docsite.policy).
      - Without it, the variable C(podman_memory_policy) is used, as the play's first host has it. Without that too, every
        container but the infra containers of pods should have a memory limit and C(memory.oom.group).
      - Before ansible-core 2.19, dates in a policy that comes from a template have to be quoted.
    type: dict
requirements:
  - jmespath on the controller, for a policy with expressions
"""
