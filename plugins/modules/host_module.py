#!/usr/bin/python
# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: it runs on the controller, see plugins/action/host_module.py.

DOCUMENTATION = r"""
module: host_module
short_description: Run a module of Ansible on a host, and take over nothing but its outcome
version_added: 1.0.0
description:
  - "Internal: used by the role P(podman_fleet.memory.cgroup_v2#role)."
  - A host writes the results of the modules that run on it. Ansible takes C(ansible_stats) of any of them over as artifacts of the job,
    which are extra variables of the next job of a workflow, and C(ansible_facts) as variables. Of the module that is run by this one,
    only what each module returns gets through (such as RV(ignore:changed), RV(ignore:msg), RV(ignore:rc), RV(ignore:stdout) and
    RV(ignore:diff)), nothing that this module alone returns.
options:
  name:
    description:
      - The module, of C(ansible.builtin).
    type: str
    required: true
    choices: [command, copy, file, package, systemd_service]
  arguments:
    description:
      - Its options.
    type: dict
    required: true
notes:
  - C(module_defaults) of the module that is run do not apply.
extends_documentation_fragment:
  - podman_fleet.memory._attributes
  - podman_fleet.memory._attributes.host_action
attributes:
  check_mode:
    support: partial
    details:
      - As the module that is run.
  diff_mode:
    support: partial
    details:
      - As the module that is run.
  idempotent:
    support: partial
    details:
      - As the module that is run.
seealso:
  - module: ansible.builtin.copy
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Create the drop-in directory
  podman_fleet.memory.host_module:
    name: file
    arguments:
      path: /etc/containers/containers.conf.d
      state: directory
      mode: "0755"
"""

RETURN = r""" # """
