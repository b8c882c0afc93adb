# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the attributes of our modules mean, and the values that many of them share."""

from __future__ import annotations


class ModuleDocFragment:
    # The meaning of each attribute. Every module extends this one first.
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
  diff_mode:
    description: Returns details on what has changed (or would change in C(check_mode)) when in diff mode.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second run indicates no change.
      - This assumes that the system controlled or queried by the module has not changed in a relevant way.
"""

    # For modules that return facts.
    FACTS = r"""
options: {}
attributes:
  facts:
    description: Returns an C(ansible_facts) dictionary that updates the facts of the host.
    support: full
"""

    # For modules that only read, on a host or on the controller.
    READ_ONLY = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This module does not modify state.
  diff_mode:
    support: N/A
    details:
      - This module does not modify state.
  idempotent:
    support: full
    details:
      - This module does not modify state.
"""

    # Membership in the action group of meta/runtime.yml.
    ACTION_GROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/podman_fleet.memory.memory) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - podman_fleet.memory.memory
"""

    # For modules whose answer an action plugin looks through.
    HOST_ACTION = r"""
options: {}
attributes:
  action:
    description: Has a corresponding action plugin, which runs on the controller.
    support: full
    details:
      - It drops what the module does not return and Ansible would act upon, such as C(ansible_stats), with a warning.
  async:
    description: Supports being used with the C(async) keyword.
    support: none
"""
