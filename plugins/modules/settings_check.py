#!/usr/bin/python
# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: it runs on the controller, see plugins/action/settings_check.py.

DOCUMENTATION = r"""
module: settings_check
short_description: Refuse settings in the facts of hosts
version_added: 1.0.0
description:
  - Facts are what a host says of itself, and in Ansible they override variables of the inventory and defaults of roles.
    A task with C(run_once) takes the variables of one host for the whole fleet, so the facts of one host could change the
    policy, the directory of the reports or the address of the webhook for all.
  - Fails when the facts of a host of the play (of this run, or of a fact cache) have a variable whose name begins as the
    settings of this collection do (C(podman_memory_), C(oom_audit_), C(memory_policy_), C(cgroup_v2_), C(audit_schedule_),
    C(oom_recorder_), C(awx_), also after C(_)), or a variable that such a setting reads in a template. Facts whose names
    begin with C(ansible_) may be read.
  - Variables of the inventory, also of single hosts, of plays, C(set_fact) without C(cacheable) and extra variables are the
    owner's, and pass.
  - All roles and playbooks of the collection begin with it. A play of your own that uses only modules should begin with it too.
  - The roles P(podman_fleet.memory.oom_audit#role) and P(podman_fleet.memory.memory_policy#role) fail such a host alone, with
    O(leave_out), before any task takes its variables for all. P(podman_fleet.memory.cgroup_v2#role) and
    P(podman_fleet.memory.oom_recorder#role) do it with O(scope=host).
options:
  leave_out:
    description:
      - Does not fail. Hosts with such facts are returned in RV(refused), and in the report of this run (of
        M(podman_fleet.memory.audit_report) for V(audit), of M(podman_fleet.memory.enforce_report) for V(enforce)) they are not asked.
      - The task after it has to fail them or end the play for them.
    type: str
    choices: [audit, enforce]
  scope:
    description:
      - V(play) looks at all hosts of the play at once. V(host) looks at the facts of the task's host, and fails that one alone. It is for
        plays in which no task takes the variables of one host for all. Not with O(leave_out).
    type: str
    choices: [play, host]
    default: play
notes:
  - Use it with C(delegate_to=localhost) and C(become=false), and unless O(scope=host) with C(run_once).
  - With the first batch of a play (C(serial)) it looks at all hosts of the play, with each later one at those of that batch.
extends_documentation_fragment:
  - podman_fleet.memory._attributes
  - podman_fleet.memory._attributes.read_only
seealso:
  - module: podman_fleet.memory.policy_check
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Refuse settings in the facts of hosts
  podman_fleet.memory.settings_check:
  run_once: true
  delegate_to: localhost
  become: false

- name: Refuse settings in the host's facts
  podman_fleet.memory.settings_check:
    scope: host
  delegate_to: localhost
  become: false
"""

RETURN = r"""
hosts:
  description: How many hosts were looked at.
  returned: success
  type: int
refused:
  description: Why hosts are to be left out, by name.
  returned: O(leave_out)
  type: dict
  sample: {web7: "not asked: its facts must not set what the fleet's owner sets: oom_audit_webhook_url"}
"""
