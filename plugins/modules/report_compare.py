#!/usr/bin/python
# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: it runs on the controller, see plugins/action/report_compare.py.

DOCUMENTATION = r"""
module: report_compare
short_description: Compare two reports of the audit
version_added: 1.0.0
description:
  - Shows which findings are new, more or less severe, and resolved from one C(report.json) to another, and counts those
    that are the same, and those that the newer report did not look for. No host is asked.
options:
  older:
    description:
      - Path of the older C(report.json) on the controller, or of the directory that it is in.
      - By default, the one that the newer report was compared with.
    type: path
  report:
    description: Path of the newer C(report.json) on the controller, or of the directory that it is in.
    type: path
    required: true
extends_documentation_fragment:
  - podman_fleet.memory._attributes
  - podman_fleet.memory._attributes.read_only
seealso:
  - module: podman_fleet.memory.audit_report
  - module: podman_fleet.memory.report_render
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Show what changed since the week began
  podman_fleet.memory.report_compare:
    report: reports/latest
    older: reports/20261123T192005Z
  run_once: true
  delegate_to: localhost
  become: false

# ansible localhost -m podman_fleet.memory.report_compare -a 'report=reports/latest'
"""

RETURN = r"""
older_at:
  description: When the older report was made.
  returned: success
  type: str
newer_at:
  description: When the newer report was made.
  returned: success
  type: str
counts:
  description:
    - How many findings are C(new), C(regressed), C(improved), C(resolved) and C(unchanged), and how many of the older report the
      newer one did not look for (C(not_evaluated)), because a host, a source or a user was not checked.
  returned: success
  type: dict
new:
  description:
    - Findings that only the newer report has, the worst 200, with C(host), C(user), C(container), C(rule), C(severity),
      C(summary), C(first_seen) and C(id).
  returned: success
  type: list
  elements: dict
regressed:
  description: Findings that are more severe than before. C(was) is the severity before.
  returned: success
  type: list
  elements: dict
improved:
  description: Findings that are less severe than before. C(was) is the severity before.
  returned: success
  type: list
  elements: dict
resolved:
  description: Findings that only the older report has, where the newer one looked.
  returned: success
  type: list
  elements: dict
"""
