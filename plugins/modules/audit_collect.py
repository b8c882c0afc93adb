#!/usr/bin/python
# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: it runs on the controller, see plugins/action/audit_collect.py.

DOCUMENTATION = r"""
module: audit_collect
short_description: Ask one host about its Podman containers and keep the answer for the report
version_added: 1.0.0
description:
  - "Internal: used by the role P(podman_fleet.memory.oom_audit#role)."
  - Runs M(podman_fleet.memory.oom_facts) on the host and keeps its answer in a file on the controller, from which
    M(podman_fleet.memory.audit_report) makes the report of all hosts. Both have to be in the same play.
  - Returns a few counts and never the facts themselves, so that a thousand hosts do not fill Ansible's output or the
    database of AWX with gigabytes.
  - Does not fail because of the host. When it is unreachable, C(become) fails, Python is missing, or it takes longer
    than the task's C(timeout), then the host is in the report as not checked, with the reason. Use
    M(podman_fleet.memory.host_outcome) after the report to mark such hosts as unreachable or failed.
options:
  prefix:
    description:
      - Take options that are not given from the variables whose names are this and the option's name. A variable that is
        undefined or empty text stands for the option's default.
      - A template for each option does the same, and takes 1 ms of the controller's processor time for each host.
    type: str
extends_documentation_fragment:
  - podman_fleet.memory._attributes
  - podman_fleet.memory._facts_options
  - podman_fleet.memory._attributes.read_only
seealso:
  - module: podman_fleet.memory.oom_facts
  - module: podman_fleet.memory.audit_report
  - module: podman_fleet.memory.host_outcome
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Collect the facts of each host
  podman_fleet.memory.audit_collect:
    since: 12h
  become: true
  timeout: 300

- name: The same, with options from audit_since, audit_users and so on
  podman_fleet.memory.audit_collect:
    prefix: audit_
  become: true
"""

RETURN = r"""
checked:
  description: Whether the host returned its facts.
  returned: success
  type: bool
problem:
  description: Why there are none; V(null) when there are.
  returned: success
  type: dict
  contains:
    kind:
      description: One of V(unreachable), V(timeout), V(become), V(failed), V(bad_facts).
      type: str
    message:
      description: What Ansible or the module said.
      type: str
containers:
  description: How many containers the host has.
  returned: when it was checked
  type: int
removed:
  description: How many containers were killed for memory and have been removed since.
  returned: when it was checked
  type: int
oom_killed:
  description: How many containers were killed for memory in their last run.
  returned: when it was checked
  type: int
"""
