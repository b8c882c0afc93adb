#!/usr/bin/python
# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: it runs on the controller, see plugins/action/policy_enforce.py.

DOCUMENTATION = r"""
module: policy_enforce
short_description: Apply the memory policy to the containers of one host
version_added: 1.0.0
description:
  - Asks the host with M(podman_fleet.memory.oom_facts), makes a plan on the controller, and carries it out with one call
    of M(podman_fleet.memory.container_memory).
  - The reasons for a change are the findings of the audit, so an audit after it finds nothing more that enforcement can
    fix. What is waived or exempt in the policy is not touched.
  - "A container without a limit gets the policy's C(memory.default), without swap. A limit that is out of bounds is moved
    to the bound. Where the kernel does not enforce what is declared, it is enforced again. What is enforced and would be lost at
    the next start is made persistent where this Podman can. C(memory.oom.group) is set as the policy wants it."
  - Skips what it can't or must not change and gives the reason, such as a container that uses more than its new limit
    would be, one without a limit for which the policy has no default, or a limit that belongs to a pod or slice.
  - Returns counts, and the plan with C(--diff) only, so that a thousand hosts do not fill Ansible's output or the database
    of AWX with gigabytes.
  - Does not fail because of the host. Use M(podman_fleet.memory.enforce_report) to see what became of it, and
    M(podman_fleet.memory.host_outcome) to mark hosts with a problem as unreachable or failed. The role
    P(podman_fleet.memory.memory_policy#role) does all of that.
options:
  settings:
    description: Which settings to enforce, limits of memory, C(memory.oom.group), or both.
    type: list
    elements: str
    choices: [memory, oom_group]
    default: [memory, oom_group]
  persist:
    description:
      - Make changes outlast the next start of a container where this Podman and whatever manages the container can.
      - With V(false) they are live only, and the finding C(limit-not-persistent) stays.
    type: bool
    default: true
  allow_below_usage:
    description:
      - Set limits that are below what a container uses now and 5 percent more. The kernel kills it at once then, or some
        of its processes.
    type: bool
    default: false
  backend:
    description: How to change a container, see O(podman_fleet.memory.container_memory#module:backend).
    type: str
    choices: [auto, libpod_api, cli, cgroupfs]
  restart:
    description: Whether containers may be restarted, see O(podman_fleet.memory.container_memory#module:restart).
    type: str
    choices: [never, if_needed]
extends_documentation_fragment:
  - podman_fleet.memory._attributes
  - podman_fleet.memory._facts_options
  - podman_fleet.memory._policy_option
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - A table with a line for each setting of each container, and what is skipped.
  idempotent:
    support: full
seealso:
  - module: podman_fleet.memory.oom_facts
  - module: podman_fleet.memory.container_memory
  - module: podman_fleet.memory.enforce_report
  - module: podman_fleet.memory.host_outcome
  - module: podman_fleet.memory.policy_explain
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
# See the plan first: ansible-playbook --check --diff
- name: Apply the policy to the containers
  podman_fleet.memory.policy_enforce:
  register: enforced
  become: true

- name: Only memory.oom.group, and only of two containers
  podman_fleet.memory.policy_enforce:
    settings: [oom_group]
    containers: [web, db]
  become: true
"""

RETURN = r"""
checked:
  description: Whether the host answered, and everything that was planned was done.
  returned: success
  type: bool
problem:
  description: Why not; V(null) when it was.
  returned: success
  type: dict
  contains:
    kind:
      description: One of V(unreachable), V(timeout), V(become), V(failed), V(bad_facts).
      type: str
    message:
      description: What Ansible or the host said.
      type: str
counts:
  description: Counts of containers and settings.
  returned: success
  type: dict
  contains:
    containers:
      description: Containers that were looked at.
      type: int
    compliant:
      description: Containers that were as the policy wants.
      type: int
    exempt:
      description: Containers that no rule of the policy is about.
      type: int
    planned:
      description: Containers that had to be changed.
      type: int
    changed:
      description: Containers that were changed; in check mode, that would be.
      type: int
    not_persistent:
      description: Changed containers whose next start loses the change.
      type: int
    failed:
      description: Containers whose change failed.
      type: int
    skipped:
      description: Settings that are skipped, by kind of reason.
      type: dict
      sample:
        below_usage: 1
        waived: 2
msg:
  description: The counts in words.
  returned: success
  type: str
"""
