#!/usr/bin/python
# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: container_defaults
short_description: Give every new Podman container memory.oom.group
version_added: 1.0.0
description:
  - Writes a drop-in of its own for C(containers.conf) with C(cgroup_conf = ["memory.oom.group=1"]), so that every container
    that is created from then on is killed as a whole when it is out of memory. C(--cgroup-conf) of a container overrides it.
    Existing containers are not changed, see M(podman_fleet.memory.container_memory).
  - Where it would do harm or have no effect, nothing is written, and a warning and RV(defaults) give the reason. Podman before
    4.5 ignores the setting. Where a user has no memory controller, it keeps each of that user's new containers from starting.
    Where another file sets C(cgroup_conf), one of the two would replace the other.
notes:
  - It suits containers that serve one purpose. A database, a CI runner or systemd in a container mostly survives the loss of one
    process, and needs C(--cgroup-conf=memory.oom.group=0) then.
options:
  state:
    description: Whether the drop-in should exist.
    type: str
    choices: [present, absent]
    default: present
  users:
    description:
      - Names of rootless users whose new containers get the default, by a drop-in in their home directories.
      - V(all) stands for each rootless user that has container storage, V(current) for the user that the module runs as.
      - When empty, the whole host gets it, root and all users. Only root can do that.
    type: list
    elements: str
    default: []
  executable:
    description: Name or path of Podman.
    type: str
    default: podman
  timeout:
    description: Seconds for each external command, and for each user to read or write the files.
    type: int
    default: 60
extends_documentation_fragment:
  - podman_fleet.memory._attributes
  - podman_fleet.memory._attributes.action_group
  - podman_fleet.memory._attributes.host_action
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: podman_fleet.memory.container_memory
  - module: podman_fleet.memory.cgroup_facts
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Let an OOM kill take new containers of the whole host as a whole
  podman_fleet.memory.container_defaults:
  become: true

- name: The same for one user
  podman_fleet.memory.container_defaults:
    users: [alice]
  become: true

- name: Fail where that is not possible
  podman_fleet.memory.container_defaults:
  register: result
  failed_when: result.failed | default(false) or result.defaults | selectattr('status', 'eq', 'refused') | length > 0
  become: true

- name: Remove the default
  podman_fleet.memory.container_defaults:
    state: absent
  become: true
"""

RETURN = r"""
defaults:
  description: One element for the whole host, or for each user.
  returned: success
  type: list
  elements: dict
  contains:
    user:
      description: Whose new containers are meant. V(null) for the whole host.
      type: str
    path:
      description: Path of the drop-in.
      type: str
    status:
      description:
        - One of V(written), V(removed), V(unchanged), V(refused); in check mode, what it would be.
        - V(failed) when the user's files can't be read or written, which makes the module fail. Those of others are written.
      type: str
    reason:
      description: Why it is refused or failed, or which file gives the default already. V(null) otherwise.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._defaults import DefaultsError, Options, set_defaults
from ..module_utils._system.users import UserError


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "users": {"type": "list", "elements": "str", "default": []},
            "executable": {"type": "str", "default": "podman"},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    options = module.params
    if options["timeout"] < 1:
        module.fail_json(msg="timeout: %d is not a number of seconds above 0" % options["timeout"])
    try:
        plans = set_defaults(Options(**options), module.check_mode)
    except (UserError, DefaultsError) as exc:
        module.fail_json(msg=str(exc))
    for plan in plans:
        if plan.status == "refused":
            module.warn("container_defaults: %s%s" % ("user %s: " % plan.target.user if plan.target.user else "", plan.reason))
    changed = [plan for plan in plans if plan.status in ("written", "removed")]
    result = {
        "changed": bool(changed),
        "defaults": [{"user": plan.target.user, "path": plan.target.path, "status": plan.status, "reason": plan.reason}
                     for plan in plans],
        "diff": [{"before_header": plan.target.path, "after_header": plan.target.path, "before": plan.target.text or "",
                  "after": plan.text or ""} for plan in changed]}
    failures = ["%s: %s" % (plan.target.identity.name, plan.reason) for plan in plans if plan.status == "failed"]
    if failures:
        module.fail_json(msg="; ".join(failures), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
