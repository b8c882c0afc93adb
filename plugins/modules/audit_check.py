#!/usr/bin/python
# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: it runs on the controller, see plugins/action/audit_check.py.

DOCUMENTATION = r"""
module: audit_check
short_description: Refuse settings of the audit that cannot be used
version_added: 1.0.0
description:
  - Fails with all that is wrong with the settings of the role C(podman_fleet.memory.oom_audit), before any host is asked.
    Each error names the role's variable, its value, and what would be right.
  - Empty text means that a setting isn't given, since surveys of AWX deliver that.
options:
  fail_on:
    description: See O(podman_fleet.memory.audit_report#module:fail_on).
    type: str
  formats:
    description: See O(podman_fleet.memory.audit_report#module:formats).
    type: list
    elements: str
  webhook_format:
    description: See O(podman_fleet.memory.audit_report#module:alert).
    type: str
  webhook_url:
    description: Where alerts go to. An error does not repeat it, since it is often a secret.
    type: str
extends_documentation_fragment:
  - podman_fleet.memory._attributes
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
seealso:
  - module: podman_fleet.memory.audit_report
  - module: podman_fleet.memory.policy_check
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Check the settings
  podman_fleet.memory.audit_check:
    fail_on: high
    formats: [html, junit]
  run_once: true
  delegate_to: localhost
  become: false
"""

RETURN = r"""
"""
