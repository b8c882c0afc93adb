#!/usr/bin/python
# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: it runs on the controller, see plugins/action/policy_explain.py.

DOCUMENTATION = r"""
module: policy_explain
short_description: Show what the memory policy wants of one container, and which rule decides
version_added: 1.0.0
description:
  - Takes the facts of a container from a report, so no host is asked, and shows which rules of the policy match it,
    what each key's value is and which rule it comes from, and which waivers it has.
options:
  container:
    description: Name of the container, or at least 12 characters of the beginning of its ID.
    type: str
    required: true
  host:
    description: Only the container of this host, by its name in the inventory. Without it, those of all hosts in the report.
    type: str
  report:
    description: Path of a C(report.json) on the controller, or of the directory that it is in.
    type: path
    required: true
extends_documentation_fragment:
  - podman_fleet.memory._attributes
  - podman_fleet.memory._policy_option
  - podman_fleet.memory._attributes.read_only
seealso:
  - module: podman_fleet.memory.audit_report
  - module: podman_fleet.memory.policy_check
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Explain the limit of a container
  podman_fleet.memory.policy_explain:
    report: reports/latest
    host: web1
    container: shop
  run_once: true
  delegate_to: localhost
  become: false

# ansible localhost -m podman_fleet.memory.policy_explain -a 'report=reports/latest container=shop' -e @policy.yml
"""

RETURN = r"""
explained:
  description: One element for each container with that name or ID.
  returned: success
  type: list
  elements: dict
  contains:
    host:
      description: Name of the host in the inventory.
      type: str
    user:
      description: Owner of the container.
      type: str
    container:
      description: Name of the container.
      type: str
    exempt:
      description: Why the policy's rules do not apply to it; V(null) when they do.
      type: str
    rules:
      description:
        - Each rule of the policy (C(rule), C(match)), whether it C(matched), and the C(problem) where it could not be evaluated.
      type: list
      elements: dict
    decision:
      description:
        - For C(required), C(default), C(min), C(max), C(oom_group) and C(severity) the C(value) (V(null) where no rule sets it,
          sizes in bytes and readable as C(size)), and the rule that it comes from (C(decided_by)).
      type: dict
    waivers:
      description: Waivers whose C(match) holds for the container, expired ones too.
      type: list
      elements: dict
"""
