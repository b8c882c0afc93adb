#!/usr/bin/python
# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: it runs on the controller, see plugins/action/host_outcome.py.

DOCUMENTATION = r"""
module: host_outcome
short_description: Mark a host that could not be asked as unreachable or failed
version_added: 1.0.0
description:
  - "Internal: used by the roles P(podman_fleet.memory.oom_audit#role) and P(podman_fleet.memory.memory_policy#role)."
  - M(podman_fleet.memory.audit_collect) and M(podman_fleet.memory.policy_enforce) keep a host that did not answer in the play,
    so that there is a report of all. After it, this module returns the host's problem as Ansible would have, so that the recap
    and the exit code are those that people and schedulers expect.
options:
  result:
    description:
      - What M(podman_fleet.memory.audit_collect) or M(podman_fleet.memory.policy_enforce) returned for this host, or the result of a
        task that failed with C(ignore_errors).
    type: dict
    required: true
extends_documentation_fragment:
  - podman_fleet.memory._attributes
  - podman_fleet.memory._attributes.read_only
seealso:
  - module: podman_fleet.memory.audit_collect
  - module: podman_fleet.memory.audit_report
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Collect the facts of each host
  podman_fleet.memory.audit_collect:
  register: collected

- name: Write the report
  podman_fleet.memory.audit_report:
    reports: reports
  run_once: true
  delegate_to: localhost

- name: Mark unchecked hosts as failed or unreachable
  podman_fleet.memory.host_outcome:
    result: "{{ collected }}"
  when: not collected.checked
"""

RETURN = r"""
unreachable:
  description: V(true) when the host could not be reached.
  returned: when it could not be reached
  type: bool
"""
