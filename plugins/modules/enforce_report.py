#!/usr/bin/python
# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: it runs on the controller, see plugins/action/enforce_report.py.

DOCUMENTATION = r"""
module: enforce_report
short_description: Say what policy_enforce did on all hosts of a run
version_added: 1.0.0
description:
  - Shows what failed, what was changed, what of it does not last, and what was skipped, of all hosts that
    M(podman_fleet.memory.policy_enforce) was run on in this play. Use it with C(run_once).
  - Hands the counts to workflows as M(ansible.builtin.set_stats) does, before any host can fail because of them.
    The keys begin with C(podman_memory_enforce_).
  - With C(serial) it says after each batch how far it is, and all of it after the last one, and after one in which a host
    had a problem.
options:
  summary:
    description:
      - Show it on the screen.
      - It is never shown when the output is for programs, as with C(ANSIBLE_STDOUT_CALLBACK=json).
    type: bool
    default: true
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
  - module: podman_fleet.memory.policy_enforce
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Bring the containers to what the policy wants
  podman_fleet.memory.policy_enforce:
  become: true

- name: Say what was done
  podman_fleet.memory.enforce_report:
  run_once: true
  delegate_to: localhost
  become: false
"""

RETURN = r"""
complete:
  description: Whether no host of the play is still to come.
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
