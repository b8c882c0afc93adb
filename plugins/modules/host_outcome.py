#!/usr/bin/python
# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: it runs on the controller, see plugins/action/host_outcome.py.

DOCUMENTATION = r"""
module: host_outcome
short_description: End a host that the audit could not check as unreachable or failed
version_added: 1.0.0
description:
  - M(podman_fleet.memory.audit_collect) keeps a host that did not answer in the play, so that the report still comes.
    After the report, this gives the host back to Ansible as what it is, so that the recap and the exit code are those
    that people and schedulers expect.
options:
  result:
    description: What M(podman_fleet.memory.audit_collect) returned for this host.
    type: dict
    required: true
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
  - module: podman_fleet.memory.audit_collect
  - module: podman_fleet.memory.audit_report
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Look at the containers of each host
  podman_fleet.memory.audit_collect:
  register: collected

- name: Report
  podman_fleet.memory.audit_report:
    reports: reports
  run_once: true
  delegate_to: localhost

- name: Hand hosts that were not checked back to Ansible
  podman_fleet.memory.host_outcome:
    result: "{{ collected }}"
  when: not collected.checked
"""

RETURN = r"""
unreachable:
  description: True when the host could not be reached.
  returned: when it could not be reached
  type: bool
"""
