#!/usr/bin/python

# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and entry point; the work is in module_utils/_drain."""

DOCUMENTATION = r"""
module: container_drain
short_description: Stop all running containers of a host before a reboot, and wait until they are back
version_added: 1.0.0
description:
  - "Internal: used by the role P(podman_fleet.memory.cgroup_v2#role)."
  - At a shutdown systemd ends rootless containers, and containers without a unit, like any process, and Podman does not record
    how they ended. This module stops them before that, as their owners would, with the stop timeout of each.
  - Containers of a systemd unit (quadlets among them) are stopped with the unit, others with C(podman stop).
  - What belongs to a rootless user is listed, stopped and started in a process that is this user. What Podman starts there runs
    as a unit of the user's own systemd manager.
  - Returns for each container what starts it after a reboot, or why nothing does. After the reboot it waits until those that
    should be back are running.
options:
  state:
    description:
      - With V(stopped) everything that runs is stopped, and returned in RV(containers).
      - With V(started) nothing is stopped. The module waits for the containers in O(containers), and starts those with the
        restart policy C(unless-stopped) which stay down only because they were stopped.
    type: str
    choices: [stopped, started]
    required: true
  containers:
    description: What RV(containers) was before the reboot. Needed with O(state=started).
    type: list
    elements: dict
  users:
    description:
      - Whose containers, by user name. V(all) stands for root and each user that has container storage, V(current) for the
        user that the module runs as.
      - The default is V(all) for root and V(current) for others.
    type: list
    elements: str
    default: []
  required_users:
    description:
      - Users whose containers have to be known and to come back, by name. Empty for all. Those of root always have to.
      - Of other users RV(problems) says what is not known, what still runs, and what did not come back, and that is all.
    type: list
    elements: str
    default: []
  crun_users:
    description: Users whose existing containers get crun as OCI runtime after they have been stopped, with O(state=stopped).
    type: list
    elements: str
    default: []
  wait:
    description: Seconds to wait for containers to come back.
    type: int
    default: 180
  executable:
    description: Name or path of Podman.
    type: str
    default: podman
  timeout:
    description:
      - Seconds for each command, and for each user to list the containers. It has to be more than any container takes to stop.
    type: int
    default: 300
extends_documentation_fragment:
  - podman_fleet.memory._attributes
  - podman_fleet.memory._attributes.action_group
  - podman_fleet.memory._attributes.host_action
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
author:
  - podman_fleet.memory contributors (@podman-fleet)
seealso:
  - module: podman_fleet.memory.oom_facts
"""

EXAMPLES = r"""
- name: Stop all containers
  podman_fleet.memory.container_drain:
    state: stopped
  become: true
  register: stopped

- name: Reboot
  ansible.builtin.reboot:
  become: true

- name: Wait for the containers that ran
  podman_fleet.memory.container_drain:
    state: started
    containers: "{{ stopped.containers }}"
  become: true
  register: started
  failed_when: started.missing | length > 0
"""

RETURN = r"""
containers:
  description: The containers that ran, or with O(state=started) those of O(containers).
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: ID of the container.
      type: str
      returned: success
    name:
      description: Name of the container.
      type: str
      returned: success
    user:
      description: Name of its owner.
      type: str
      returned: success
    unit:
      description: The systemd unit that runs it, V(null) for none.
      type: str
      returned: success
    restart_policy:
      description: Its restart policy, V(null) for none.
      type: str
      returned: success
    infra:
      description: Whether it is the infra container of a pod.
      type: bool
      returned: success
    limit:
      description: The memory limit in bytes that Podman has on record, V(null) for none.
      type: int
      returned: success
    returns_by:
      description:
        - What starts it after a reboot, V(null) for nothing. One of V(unit), V(restart_service) (C(podman-restart.service)),
          and V(start) (this module, with O(state=started)).
      type: str
      returned: success
    why:
      description: Why nothing does.
      type: str
      returned: success
missing:
  description: Those of RV(containers) that should be back and are not, of O(required_users).
  returned: O(state=started)
  type: list
  elements: dict
notes:
  description: What it means to stop them and to reboot after that, in words.
  returned: O(state=stopped)
  type: list
  elements: str
  sample:
    - 2 containers are stopped
    - "batch of bob does not come back: bob has no linger, so nothing of this user is started at boot"
problems:
  description:
    - What could not be listed, stopped or started of a user, with C(user) and C(message). C(required) is V(true) for those in
      O(required_users).
    - A user who gives no answer is here and makes the module not fail, so that the containers of others are stopped and started
      in good order. Whoever reboots has to look here first.
  returned: success
  type: list
  elements: dict
  sample:
    - user: bob
      message: "bob: the process of bob did not answer in time"
      required: true
runtimes:
  description:
    - OCI runtime of new containers, for each user whose Podman could be asked, with C(user), C(name) and C(version).
    - C(cgroup_v2) is whether it can run containers on cgroup v2 (runc since 1.0.0-rc93), V(null) for unknown.
  returned: O(state=stopped)
  type: list
  elements: dict
  sample: [{user: root, name: crun, version: 1.8.1, cgroup_v2: true}]
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._drain.containers import DrainError
from ..module_utils._drain.run import drain, restore
from ..module_utils._system.command import CommandNotFound, find_executable
from ..module_utils._system.users import UserError


def run(params: Dict[str, Any], check_mode: bool) -> Dict[str, Any]:
    """Return the module's result.

    :raises: DrainError or UserError.
    """
    expected = params["containers"] or []
    try:
        find_executable(params["executable"])
    except CommandNotFound:
        return {"changed": False, "containers": expected, "missing": expected, "runtimes": [], "notes": [], "problems": []}
    if params["state"] == "started":
        return restore(params, check_mode)
    return drain(params, check_mode)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["stopped", "started"], "required": True},
            "containers": {"type": "list", "elements": "dict"},
            "users": {"type": "list", "elements": "str", "default": []},
            "required_users": {"type": "list", "elements": "str", "default": []},
            "crun_users": {"type": "list", "elements": "str", "default": []},
            "wait": {"type": "int", "default": 180},
            "executable": {"type": "str", "default": "podman"},
            "timeout": {"type": "int", "default": 300},
        },
        required_if=[("state", "started", ["containers"])],
        supports_check_mode=True,
    )
    try:
        result = run(module.params, module.check_mode)
    except (DrainError, UserError) as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
