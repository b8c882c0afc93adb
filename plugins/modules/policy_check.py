#!/usr/bin/python
# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: it runs on the controller, see plugins/action/policy_check.py.

DOCUMENTATION = r"""
module: policy_check
short_description: Check a memory policy before any host is asked
version_added: 1.0.0
description:
  - Reads R(a policy,ansible_collections.podman_fleet.memory.docsite.policy) on the controller and fails with all
    errors at once, each with its rule, its key, its value, and what would be right.
  - The roles P(podman_fleet.memory.oom_audit#role) and P(podman_fleet.memory.memory_policy#role) begin with it.
notes:
  - Use it with C(run_once) and C(delegate_to=localhost).
extends_documentation_fragment:
  - podman_fleet.memory._attributes
  - podman_fleet.memory._policy_option
  - podman_fleet.memory._attributes.read_only
seealso:
  - module: podman_fleet.memory.audit_report
  - module: podman_fleet.memory.policy_explain
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Check the policy
  podman_fleet.memory.policy_check:
    policy:
      rules:
        - name: every container has a limit
          match: "true"
          memory: {required: true, min: 64m, max: 8g}
  run_once: true
  delegate_to: localhost
  become: false
"""

RETURN = r"""
rules:
  description: How many rules the policy has.
  returned: success
  type: int
waivers:
  description: How many waivers the policy has.
  returned: success
  type: int
"""
