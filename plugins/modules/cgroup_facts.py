#!/usr/bin/python

# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and entry point; the work is in module_utils/_cgroup_v2."""

DOCUMENTATION = r"""
module: cgroup_facts
short_description: Gather which cgroup version a host has, what it offers for memory, and what prevents version 2
version_added: 1.0.0
description:
  - C(memory.oom.group), reliable counters and the memory limits of rootless containers need cgroup v2 with the memory
    controller. This module returns whether a host has that, for root and for each user who runs containers.
  - Where it is not so, RV(ansible_facts.podman_cgroup.changes_needed) says what would have to change and which of it
    needs a reboot.
  - Compares the arguments of the running kernel with what the boot loader will give to the next one, so that a change
    that only waits for a reboot is distinguished from one that was never made.
  - Reads files and runs C(systemctl) at most twice, whatever the number of users. Changes nothing.
notes:
  - V(null) always means that something is not known. What could not be read is in
    RV(ansible_facts.podman_cgroup.missing).
  - It works without C(become). Without it some boot loader configurations can't be read, and
    RV(ansible_facts.podman_cgroup.boot.reboot_pending) is then V(null).
  - Boot configurations that are known are C(grub.cfg) with its own menu or with boot loader entries, boot loader
    entries (systemd-boot, rpm-ostree), C(cmdline.txt) of the Raspberry Pi, and C(/etc/kernel/cmdline). A user who has
    edited C(/etc/default/grub) and not run C(update-grub) has changed nothing for the next boot.
options:
  users:
    description:
      - Whose delegation to look at, by user name.
      - V(all) stands for root and each user that has container storage. Only root can use it.
      - V(current) stands for the user that the module runs as.
      - The default is V(all) for root and V(current) for others.
      - A name that the host doesn't have is reported in RV(ansible_facts.podman_cgroup.missing), as long as one of the
        others can be looked at.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds for each external command.
    type: int
    default: 60
extends_documentation_fragment:
  - podman_fleet.memory._attributes
  - podman_fleet.memory._attributes.facts
  - podman_fleet.memory._attributes.read_only
  - podman_fleet.memory._attributes.action_group
  - podman_fleet.memory._attributes.host_action
author:
  - podman_fleet.memory contributors (@podman-fleet)
seealso:
  - module: podman_fleet.memory.oom_facts
  - name: cgroup v2 in the kernel's documentation
    description: What the memory controller offers.
    link: https://docs.kernel.org/admin-guide/cgroup-v2.html
  - name: rootlesscontaine.rs
    description: cgroup v2 and delegation for rootless containers, by distribution.
    link: https://rootlesscontaine.rs/getting-started/common/cgroup2/
"""

EXAMPLES = r"""
- name: Gather facts about the cgroups of the host
  podman_fleet.memory.cgroup_facts:
  become: true

- name: Show what prevents cgroup v2
  ansible.builtin.debug:
    msg: "{{ ansible_facts.podman_cgroup.changes_needed | map(attribute='what') }}"
  when: ansible_facts.podman_cgroup.v2_ready is not true

- name: Gather facts about the delegation to two users
  podman_fleet.memory.cgroup_facts:
    users:
      - alice
      - bob
  become: true

- name: Assert that memory.oom.group can be used
  ansible.builtin.assert:
    that: ansible_facts.podman_cgroup.oom_group.supported is true
    fail_msg: "{{ ansible_facts.podman_cgroup.oom_group.why }}"
"""

RETURN = r"""
ansible_facts:
  description: The facts that are added to the host.
  returned: success
  type: dict
  contains:
    podman_cgroup:
      description: The cgroups of the host.
      returned: success
      type: dict
      contains:
        schema:
          description: Name and version of this format.
          type: str
          returned: success
          sample: podman_fleet.memory/cgroup/v1
        mode:
          description:
            - What is mounted on C(/sys/fs/cgroup). V(v2) when it is a cgroup2 file system. V(v1) when there are cgroup v1
              hierarchies below it, V(hybrid) when there is a cgroup2 file system beside them (controllers are in v1 then).
            - V(null) when no cgroup hierarchy is mounted there, or the mounts can't be read.
          type: str
          choices: [v1, hybrid, v2]
          returned: success
          sample: v2
        mode_evidence:
          description: The mounts that RV(ansible_facts.podman_cgroup.mode) was derived from.
          type: list
          elements: str
          returned: success
          sample: ["/sys/fs/cgroup is cgroup2"]
        host:
          description: What decides about cgroups on the host.
          type: dict
          returned: success
          contains:
            kernel:
              description: Release of the running kernel.
              type: str
              returned: success
              sample: 6.12.48+deb13-cloud-amd64
            distribution:
              description: C(id), C(version) and C(name) from C(os-release). V(null) when there is no such file.
              type: dict
              returned: success
              sample: {id: debian, version: "13", name: Debian GNU/Linux 13 (trixie)}
            systemd:
              description:
                - C(running) is whether systemd is the init system, C(version) is its number (V(null) for unknown).
                - C(default_hierarchy) is what it mounts without arguments, one of V(unified), V(hybrid), V(legacy),
                  V(null) for unknown.
              type: dict
              returned: success
              sample: {running: true, version: 257, default_hierarchy: unified}
            container:
              description: Name of the container engine when this is not a host but a container, else V(null).
              type: str
              returned: success
        controllers:
          description:
            - C(available) is what the root of cgroup v2 has, C(enabled) what of it is enabled for cgroups below the root.
              Both are V(null) when the mode isn't V(v2).
            - C(v1) is what cgroup v1 hierarchies use.
          type: dict
          returned: success
          sample: {available: [cpuset, cpu, io, memory, pids], enabled: [cpu, memory, pids], v1: []}
        memory:
          description: The memory controller.
          type: dict
          returned: success
          contains:
            present:
              description: Whether the hierarchy that is in use has a memory controller. V(null) for unknown.
              type: bool
              returned: success
            reasons:
              description:
                - Why it isn't there, the most direct reason first. C(detail) is for people, C(argument) is the kernel
                  argument, if one does it.
                - C(id) is one of V(not_compiled_in), V(disabled_by_argument), V(disabled_by_default) (Raspberry Pi),
                  V(enable_ignored) (C(cgroup_enable=memory) is there, and this kernel does not know it), V(used_by_v1), V(not_given_to_container), V(unknown).
              type: list
              elements: dict
              returned: success
              sample:
                - id: disabled_by_argument
                  detail: cgroup_disable=memory is on the kernel's command line
                  argument: cgroup_disable=memory
        oom_group:
          description:
            - C(supported) is whether a container's processes can be killed together (C(memory.oom.group), Linux 4.19
              and cgroup v2), C(kill_event) whether C(memory.events) counts that (C(oom_group_kill), Linux 5.17).
            - V(null) for unknown. C(why) gives the reason when C(supported) isn't V(true).
          type: dict
          returned: success
          sample: {supported: true, kill_event: true, why: null}
        swap_accounting:
          description: Whether the swap use of a container can be limited. V(null) for unknown.
          type: bool
          returned: success
        psi:
          description:
            - Whether the kernel measures how long tasks wait for memory (C(available), V(null) for unknown), and C(why) not.
          type: dict
          returned: success
          sample: {available: true, why: null}
        boot:
          description: Kernel arguments that decide about cgroups, now and at the next boot.
          type: dict
          returned: success
          contains:
            arguments:
              description:
                - Those of the running kernel, with C(name), C(value) (V(null) for none) and C(effect).
                - V(null) when C(/proc/cmdline) can't be read.
              type: list
              elements: dict
              returned: success
              sample:
                - name: cgroup_disable
                  value: memory
                  effect: controllers that the kernel turns off
            next:
              description:
                - What the boot loader's configuration has for the next boot, V(null) when it is not known.
                - C(kind) is one of V(grub), V(bls), V(cmdline_txt), V(kernel_install). C(path) is the file. C(arguments)
                  is as above. C(mode) is what systemd will mount with them, one of V(v1), V(hybrid), V(v2), V(refuses)
                  (systemd 256 and 257 don't boot on v1), V(null) for unknown.
              type: dict
              returned: success
              sample: {kind: grub, path: /boot/grub/grub.cfg, arguments: [], mode: v2}
            reboot_pending:
              description:
                - Whether the next boot will have other arguments than the running kernel, counting only those that
                  decide about cgroups. V(null) when that isn't known.
              type: bool
              returned: success
            evidence:
              description: What differs, or why RV(ansible_facts.podman_cgroup.boot.reboot_pending) isn't known.
              type: list
              elements: str
              returned: success
              sample:
                - systemd.unified_cgroup_hierarchy=0 is on the running kernel's command line and not in /boot/grub/grub.cfg
        users:
          description: The users that were looked at, and what they may use.
          type: list
          elements: dict
          returned: success
          contains:
            name:
              description: Name of the user.
              type: str
              returned: success
            uid:
              description: Number of the user.
              type: int
              returned: success
            manager_running:
              description: Whether there is a cgroup of the user's manager (C(user@UID.service)). V(null) for unknown.
              type: bool
              returned: success
            linger:
              description: Whether the manager also runs without a session. V(null) for unknown.
              type: bool
              returned: success
            controllers:
              description: Controllers that the user can use now. V(null) for unknown.
              type: list
              elements: str
              returned: success
              sample: [cpu, memory, pids]
            memory_delegated:
              description: Whether the memory controller is among them. V(null) for unknown.
              type: bool
              returned: success
            configured:
              description: Controllers that systemd will delegate to the user's next manager. V(null) for unknown.
              type: list
              elements: str
              returned: success
              sample: [cpu, memory, pids]
            why:
              description: Why memory isn't delegated, or why that isn't known. V(null) when it is delegated.
              type: str
              returned: success
        v2_ready:
          description:
            - Whether the host is on cgroup v2, with the memory controller, enabled below the root and delegated to each
              user that was looked at (for one without a manager what systemd is configured to delegate counts).
            - V(null) when a part of that isn't known and no part is wrong.
          type: bool
          returned: success
        changes_needed:
          description: What has to be changed for that. Empty when nothing has to be, or when nothing is known.
          type: list
          elements: dict
          returned: success
          contains:
            id:
              description:
                - One of V(remove_argument), V(add_argument), V(delegate_memory), V(restart_user_manager),
                  V(enable_memory_for_children), V(unmount_v1_memory), V(install_kernel), V(upgrade_kernel),
                  V(init_mounts_v2), V(change_container_host), V(read_command_line), V(find_who_mounts_v1),
                  V(find_memory_controller).
              type: str
              returned: success
            what:
              description: What to do.
              type: str
              returned: success
            why:
              description: The reason.
              type: str
              returned: success
            argument:
              description: The kernel argument to add or to remove, else V(null).
              type: str
              returned: success
            file:
              description: The file to change, V(null) where a tool does it or it isn't known.
              type: str
              returned: success
            users:
              description: Names of the users that it is about.
              type: list
              elements: str
              returned: success
            reboot:
              description: Whether it takes effect with a reboot only. V(null) for unknown.
              type: bool
              returned: success
            configured:
              description:
                - V(true) when it has been done in the configuration and only waits for the reboot or restart.
                - V(null) for unknown.
              type: bool
              returned: success
          sample:
            - id: remove_argument
              what: remove systemd.unified_cgroup_hierarchy=0 from the kernel's command line
              why: it makes systemd mount cgroup v1
              argument: systemd.unified_cgroup_hierarchy=0
              file: /etc/default/grub
              users: []
              reboot: true
              configured: false
        reboot_required_for_changes:
          description: Whether one of RV(ansible_facts.podman_cgroup.changes_needed) needs a reboot. V(null) for unknown.
          type: bool
          returned: success
        missing:
          description: What could not be read, with C(what) and C(why). Empty when everything was there.
          type: list
          elements: dict
          returned: success
          sample:
            - what: /boot/grub/grub.cfg
              why: Permission denied
        plan:
          description:
            - What the role P(podman_fleet.memory.cgroup_v2#role) does about it. Lists C(present) and C(absent) of kernel
              arguments, C(delegate) (a file, or V(null)), C(users) whose managers have to be restarted, C(reboot), and in words
              C(steps) and C(obstacles), which the role can't do.
          type: dict
          returned: success
        blockers:
          description: Why the host is not ready for cgroup v2 with the memory controller, in sentences. Empty when it is.
          type: list
          elements: str
          returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._cgroup_v2.facts import cgroup_facts
from ..module_utils._cgroup_v2.snapshot import read_snapshot
from ..module_utils._system.users import UserError
from ..module_utils._users.container_owners import find_container_owners


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "users": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    timeout = module.params["timeout"]
    if timeout < 1:
        module.fail_json(msg="timeout: %d is not a number of seconds above 0" % timeout)
    try:
        owners, problems = find_container_owners(module.params["users"])
    except UserError as exc:
        module.fail_json(msg=str(exc))
    snapshot = read_snapshot(users=[(owner.identity.name, owner.identity.uid) for owner in owners], timeout=timeout)
    module.exit_json(changed=False, ansible_facts={"podman_cgroup": cgroup_facts(snapshot, problems)})


if __name__ == "__main__":
    main()
