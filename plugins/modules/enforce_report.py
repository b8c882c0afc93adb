#!/usr/bin/python
# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: it runs on the controller, see plugins/action/enforce_report.py.

DOCUMENTATION = r"""
module: enforce_report
short_description: Show what policy_enforce did on all hosts of a run
version_added: 1.0.0
description:
  - "Internal: used by the role P(podman_fleet.memory.memory_policy#role)."
  - Shows what failed, what was changed, what of it does not persist, and what was skipped, of all hosts that
    M(podman_fleet.memory.policy_enforce) was run on in this play. Use it with C(run_once).
  - Hands the counts to workflows as M(ansible.builtin.set_stats) does, before any host can fail because of them.
    The keys begin with C(podman_memory_enforce_).
  - With C(serial) it shows one line after each batch, and everything after the last one and after one in which a host had a
    problem.
options:
  summary:
    description:
      - Show the summary.
      - It is never shown when the output is for programs, as with C(ANSIBLE_STDOUT_CALLBACK=json).
    type: bool
    default: true
extends_documentation_fragment:
  - podman_fleet.memory._attributes
  - podman_fleet.memory._attributes.read_only
seealso:
  - module: podman_fleet.memory.policy_enforce
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Apply the policy to the containers
  podman_fleet.memory.policy_enforce:
  become: true

- name: Show the summary
  podman_fleet.memory.enforce_report:
  run_once: true
  delegate_to: localhost
  become: false
"""

RETURN = r"""
complete:
  description: Whether all hosts of the play have been asked.
  returned: success
  type: bool
unfinished_in_batch:
  description: Hosts of this batch that had a problem.
  returned: success
  type: int
msg:
  description: Hosts and changed containers so far.
  returned: success
  type: str
"""
