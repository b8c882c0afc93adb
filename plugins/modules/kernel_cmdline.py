#!/usr/bin/python

# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and entry point; the work is in module_utils/_boot."""

DOCUMENTATION = r"""
module: kernel_cmdline
short_description: Add arguments to the kernel's command line, and remove them, for the next boots
version_added: 1.0.0
description:
  - Changes the configuration of the boot loader so that all kernels of the host are given the arguments in O(present)
    and not those in O(absent), and runs the boot loader's own commands for it. It never reboots; RV(reboot_required) is
    whether the running kernel still has other arguments.
  - Nothing else in the configuration is touched. Quotes, comments, continued lines and variables stay as they are, and what
    can't be edited safely is an error that says where to look.
  - Every file is replaced atomically. When a command of the boot loader fails, or the result is not what was asked for,
    everything is restored.
options:
  present:
    description:
      - Arguments that should be set, each as C(name) or C(name=value). A value with spaces needs double quotes around it.
      - Other values of the same name stay, so that one name can have several (V(console=tty0), V(console=ttyS0)). List the
        name in O(absent) too to have no other value.
      - What is missing is added at the end, in front of C(--) where there is one.
    type: list
    elements: str
    default: []
  absent:
    description:
      - Arguments that should not be set, each as C(name), for all values of that name, or as C(name=value).
      - An argument that is in O(present) with its value stays.
    type: list
    elements: str
    default: []
  bootloader:
    description:
      - What gives the kernel its arguments on this host.
      - V(auto) detects it from what is installed and how the running kernel was started.
      - V(grub) is GRUB of Debian and Ubuntu. Arguments are added in C(/etc/default/grub.d/zz-kernel-cmdline.cfg), which
        counts after the drop-ins of cloud images, removed wherever they stand in C(/etc/default/grub) and
        C(/etc/default/grub.d), and C(update-grub) is run.
      - V(grubby) is for Red Hat Enterprise Linux, its relatives and Fedora.
      - V(rpm_ostree) is for image based systems such as Fedora CoreOS.
      - V(suse) is GRUB of SUSE, C(GRUB_CMDLINE_LINUX_DEFAULT) in C(/etc/default/grub) and C(grub2-mkconfig).
      - V(raspberry_pi) is C(cmdline.txt), which is kept one line.
      - V(systemd_boot) is C(/etc/kernel/cmdline) and C(kernel-install), for systemd-boot and others that read boot loader
        entries.
    type: str
    choices: [auto, grub, grubby, rpm_ostree, suse, raspberry_pi, systemd_boot]
    default: auto
  backup:
    description: Keep a copy of each changed file beside it, with the time in its name.
    type: bool
    default: false
  timeout:
    description: Seconds for each command of the boot loader.
    type: int
    default: 300
notes:
  - V(rpm_ostree) makes a new deployment or none, so there is no backup.
  - The settings of GRUB are shell scripts. Their values are determined by a shell that reads copies of them, as
    C(grub-mkconfig) does, also in check mode.
  - R(How kernel arguments are changed,ansible_collections.podman_fleet.memory.docsite.kernel_cmdline) says
    which boot loaders were tried on real hosts, and which only against files of their documented formats.
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
author:
  - podman_fleet.memory contributors (@podman-fleet)
seealso:
  - module: podman_fleet.memory.cgroup_facts
  - name: The kernel's command-line parameters
    description: What can be given to the kernel.
    link: https://docs.kernel.org/admin-guide/kernel-parameters.html
"""

EXAMPLES = r"""
- name: Make systemd mount cgroup v2
  podman_fleet.memory.kernel_cmdline:
    absent:
      - systemd.unified_cgroup_hierarchy
    present:
      - systemd.unified_cgroup_hierarchy=1
    backup: true
  become: true
  register: cmdline

- name: Reboot where the running kernel has other arguments
  ansible.builtin.reboot:
  become: true
  when: cmdline.reboot_required

- name: Turn the memory controller on, on a Raspberry Pi
  podman_fleet.memory.kernel_cmdline:
    present:
      - cgroup_enable=memory
      - cgroup_memory=1
    bootloader: raspberry_pi
  become: true

- name: Boot messages on two consoles
  podman_fleet.memory.kernel_cmdline:
    present:
      - console=tty0
      - console=ttyS0,115200
    absent:
      - quiet
  become: true
"""

RETURN = r"""
bootloader:
  description: The boot loader whose configuration this is about, as in O(bootloader).
  returned: success
  type: str
  sample: grub
before:
  description:
    - The arguments as the configuration had them. One line, or one for each kernel where they are configured for each.
  returned: success
  type: list
  elements: str
  sample: ["quiet systemd.unified_cgroup_hierarchy=0"]
after:
  description: The arguments as the configuration has them now, or would have them in check mode.
  returned: success
  type: list
  elements: str
  sample: ["quiet"]
files:
  description: Files that were changed, created or removed. Those that only a command changes are not among them.
  returned: success
  type: list
  elements: str
  sample: [/etc/default/grub]
commands:
  description:
    - Commands that apply the configuration to the boot loader.
    - There can be commands without RV(files), when the configuration was changed before without running them.
  returned: success
  type: list
  elements: str
  sample: [update-grub -o /boot/grub/grub.cfg]
backup_files:
  description: Copies of changed files, see O(backup).
  returned: success
  type: list
  elements: str
  sample: [/etc/default/grub.2211.2026-11-24@20:15:31~]
reboot_required:
  description:
    - Whether the running kernel (C(/proc/cmdline)) has other arguments than those that are asked for, also when nothing
      was changed now.
    - Arguments that the firmware of a Raspberry Pi adds by itself don't count.
  returned: success
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._boot.run import ERRORS, ensure_arguments


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "present": {"type": "list", "elements": "str", "default": []},
            "absent": {"type": "list", "elements": "str", "default": []},
            "bootloader": {
                "type": "str",
                "choices": ["auto", "grub", "grubby", "rpm_ostree", "suse", "raspberry_pi", "systemd_boot"],
                "default": "auto",
            },
            "backup": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    if module.params["timeout"] < 1:
        module.fail_json(msg="timeout: %d is not a number of seconds above 0" % module.params["timeout"])
    try:
        result = ensure_arguments(module.params, module.check_mode, module.backup_local)
    except ERRORS as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
