#!/usr/bin/python

# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and entry point; the work is in module_utils/_memory."""

DOCUMENTATION = r"""
module: container_memory
short_description: Set memory limits and memory.oom.group of Podman containers without recreating them
version_added: 1.0.0
description:
  - Sets limits of memory and swap, the reservation, and whether an OOM kill takes the whole container
    (C(memory.oom.group)), on one container or many of a host, of root and rootless users, in one call.
  - No container is restarted, recreated or killed, unless O(restart) or O(allow_below_usage) asks for it.
  - Settings persist where that is possible, by Podman's API for a container that nothing else creates, by a drop-in for a
    quadlet. Where it is not possible, RV(containers[].persistent) is V(false) and RV(containers[].message) says what to
    change. R(What is set and what lasts,ansible_collections.podman_fleet.memory.docsite.container_memory) has the
    table by version of Podman and manager.
  - The containers of one user are changed all or not at all. All of them are read and planned before the first is changed; one
    that can't be read or changed leaves those of the same user as they are. When a change fails midway, what was done to the same
    user's containers is rolled back, in Podman's record and in the kernel. Other users' containers are changed nevertheless.
    The module fails when one was not changed, and RV(containers) says which were.
  - Whatever belongs to a rootless user is read and changed by a process that is this user, in the user's slice. Root opens nothing
    of it, and waits for it no longer than O(users_timeout) says.
  - Runs at most one C(podman system service) for each user, on a socket in a private directory, for as long as it takes.
  - A second run that would change containers of the same user at the same time fails and says which process is at it.
notes:
  - Only the given options are changed, with one exception. Swap is always set together with memory, see O(memory_swap).
  - Podman 4.3 to 5.0 forgets an update at the container's next start. Podman 5.1 and newer keeps it, also for a container
    that does not run. Podman 5.1 to 5.3 drops every limit that isn't sent, so all that are there are sent again.
  - Before Podman 5.1 a container that does not run can't be changed. That is a warning, not a failure.
  - A database with worker processes, a CI runner or systemd in a container mostly wants O(oom_group=false), to lose one
    process only.
options:
  containers:
    description:
      - The containers to change. For one container, its options can be given to the module directly.
    type: list
    elements: dict
    suboptions:
      name:
        description: See O(name).
        type: str
        required: true
      user:
        description: See O(user).
        type: str
      memory:
        description: See O(memory).
        type: str
      memory_swap:
        description: See O(memory_swap).
        type: str
      memory_reservation:
        description: See O(memory_reservation).
        type: str
      oom_group:
        description: See O(oom_group).
        type: bool
  name:
    description: Name, ID, or prefix of the ID (12 digits or more) of the container.
    type: str
  user:
    description:
      - Name of the user who owns the container. Only root can change those of others.
      - The default is the user that the module runs as.
    type: str
  memory:
    description:
      - Limit of memory, as bytes (V(536870912)) or with a unit (V(512m), V(1.5GiB)). V(unlimited) removes it.
      - The kernel counts whole pages, so it may enforce up to a page less.
    type: str
  memory_swap:
    description:
      - Limit of memory and swap together, as Podman counts it. V(unlimited) allows all of the host's swap.
      - When only O(memory) is given, it becomes the same as O(memory), so no swap on top. A container that was declared
        with a limit and more than that as its swap limit keeps the proportion of both.
    type: str
  memory_reservation:
    description:
      - Memory that is protected from being reclaimed when the host runs short (C(memory.low)). V(unlimited) removes it.
    type: str
  oom_group:
    description:
      - Whether an OOM kill takes all processes of the container (V(true)), or one (V(false)). Needs cgroup v2.
    type: bool
  persist:
    description:
      - Whether a drop-in may be written for a quadlet.
      - With V(false) only the container is changed. Podman 5.1 and newer keeps that for as long as the container lasts.
    type: bool
    default: true
  allow_below_usage:
    description:
      - Whether a memory limit may be set below what the container needs now (its working set and 5 %).
      - The kernel then reclaims what it can and kills at once if that is not enough.
    type: bool
    default: false
  backend:
    description:
      - V(auto) takes Podman's API, and before Podman 4.3, which can't change containers, the cgroup.
      - V(libpod_api) is Podman's API through a temporary C(podman system service).
      - V(cli) is C(podman update). It can't set O(oom_group) nor remove O(memory) or O(memory_reservation).
      - V(cgroupfs) writes to the container's own cgroup only, so nothing persists, and needs cgroup v2.
    type: str
    choices: [auto, libpod_api, cli, cgroupfs]
    default: auto
  restart:
    description:
      - V(if_needed) restarts the unit of a quadlet where only that makes the kernel enforce the change, see
        RV(containers[].restart_required). V(never) does not.
    type: str
    choices: [never, if_needed]
    default: never
  executable:
    description: Name or path of Podman.
    type: str
    default: podman
  timeout:
    description: Seconds for each external command and each call of Podman's API.
    type: int
    default: 60
  users_timeout:
    description:
      - Seconds for the containers of all users together. Users who wait have equal shares of what is left, half for the plan and half for the change.
      - A user whose containers can't be changed in that time fails, the others are changed. Without it, a user's process is waited for
        no longer than four times O(timeout) and 20 s for each of the user's containers, for the plan, and as long for the change.
    type: int
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows declared and effective values of each container that changes.
  idempotent:
    support: full
    details:
      - Compares with what Podman or the unit declares and with what the kernel enforces, and fixes either.
extends_documentation_fragment:
  - podman_fleet.memory._attributes
  - podman_fleet.memory._attributes.action_group
  - podman_fleet.memory._attributes.host_action
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Give one container of root a limit, and let an OOM kill take all of it
  podman_fleet.memory.container_memory:
    name: web
    memory: 512m
    oom_group: true
  become: true

- name: Change containers of several users in one call
  podman_fleet.memory.container_memory:
    containers:
      - name: web
        memory: 1.5GiB
        oom_group: true
      - name: postgres
        user: alice
        memory: 2g
        memory_swap: 3g
        memory_reservation: 1g
        oom_group: false
  become: true
  register: changed

- name: Show what does not persist, and what to change for it
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.message }}"
  loop: "{{ changed.containers | rejectattr('persistent') }}"
  loop_control:
    label: "{{ item.name }}"

- name: Remove the limit
  podman_fleet.memory.container_memory:
    name: web
    memory: unlimited
  become: true
"""

RETURN = r"""
containers:
  description: What was done to each container, in the order in which they were given.
  returned: always, empty when an option is wrong, or when no user's containers can be read
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: always
    user:
      description: Name of its owner.
      type: str
      returned: always
    id:
      description: Its full ID. V(null) when it could not be read and was not given by its ID.
      type: str
      returned: always
    changed:
      description: Whether anything was changed for it, or would be in check mode.
      type: bool
      returned: always
    before:
      description: The settings before, see RV(containers[].after). Both parts are V(null) when they could not be read.
      type: dict
      returned: always
    after:
      description:
        - The settings after, in check mode those that would be.
        - C(declared) is what its next start has, C(limit), C(swap_limit) (memory and swap together), C(reservation) in
          bytes, V(null) for none, and C(oom_group), V(null) where it is not set. For a quadlet it is what the unit has.
        - C(effective) is what the kernel enforces, C(limit), C(swap_limit), C(high) and C(oom_group). Limits of cgroups
          above count too. V(null) when it does not run.
      type: dict
      returned: always
      sample:
        declared: {limit: 536870912, swap_limit: 536870912, reservation: null, oom_group: true}
        effective: {limit: 536870912, swap_limit: 536870912, high: null, oom_group: true}
    applied_live:
      description: Whether the kernel enforces it now. V(false) for a container that does not run.
      type: bool
      returned: always
    persistent:
      description: Whether it still holds after a restart of the container or of the host.
      type: bool
      returned: always
    method:
      description:
        - How it was changed. V(libpod_api), V(cli) or V(cgroupfs), with V(+quadlet) for a drop-in, V(quadlet) for a drop-in
          alone, V(none) when there is no way.
      type: str
      returned: always
      sample: libpod_api+quadlet
    restart_required:
      description: Whether it runs and only a restart makes the kernel enforce the change.
      type: bool
      returned: always
    message:
      description: What was done, what it needs to persist, and what to check.
      type: str
      returned: always
      sample: set
    failed:
      description: V(true) for a container that could not be changed, and where it is not known whether it was.
      type: bool
      returned: when the module fails
    gone:
      description: V(true) for a name or an ID of which there is no container, also a little later.
      type: bool
      returned: for a container that could not be read
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._memory.request import Options
from ..module_utils._memory.run import ContainerMemoryError, set_container_memory

SETTINGS = {
    "user": {"type": "str"},
    "memory": {"type": "str"},
    "memory_swap": {"type": "str"},
    "memory_reservation": {"type": "str"},
    "oom_group": {"type": "bool"},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            SETTINGS,
            containers={"type": "list", "elements": "dict",
                        "options": dict(SETTINGS, name={"type": "str", "required": True})},
            name={"type": "str"},
            persist={"type": "bool", "default": True},
            allow_below_usage={"type": "bool", "default": False},
            backend={"type": "str", "choices": ["auto", "libpod_api", "cli", "cgroupfs"], "default": "auto"},
            restart={"type": "str", "choices": ["never", "if_needed"], "default": "never"},
            executable={"type": "str", "default": "podman"},
            timeout={"type": "int", "default": 60},
            users_timeout={"type": "int"},
        ),
        mutually_exclusive=[("containers", "name")],
        required_one_of=[("containers", "name")],
        supports_check_mode=True,
    )
    params = module.params
    for name in ("timeout", "users_timeout"):
        if params[name] is not None and params[name] < 1:
            module.fail_json(msg="%s: %d is not a number of seconds above 0" % (name, params[name]))
    options = Options(**{key: params[key] for key in Options._fields})
    message = None
    try:
        result = set_container_memory(params, options, module.check_mode)
    except ContainerMemoryError as exc:
        message, result = str(exc), exc.result
    for text in result.pop("warnings", []):
        module.warn(text)
    if not module._diff:
        result.pop("diff", None)
    if message is not None:
        module.fail_json(msg=message, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
