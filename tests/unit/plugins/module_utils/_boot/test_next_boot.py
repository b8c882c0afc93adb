# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What boot loader configurations say about the next boot."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._boot.kernel_args import parse_arguments
from ansible_collections.podman_fleet.memory.plugins.module_utils._boot.next_boot import (
    grub_uses_entries,
    grub_variables,
    next_boot_differences,
    parse_cmdline_file,
    parse_entries,
    parse_grub_cfg,
    parse_grubenv,
)

OFF = "systemd.unified_cgroup_hierarchy=0"
CFG = "/boot/grub/grub.cfg"

# As grub-mkconfig of Debian 12 writes it, cut; {first}, {second}: arguments of the two normal entries.
GRUB = """
if [ "${{next_entry}}" ] ; then
   set default="${{next_entry}}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="{default}"
fi
set linux_gfx_mode=
menuentry 'Debian GNU/Linux' --class debian $menuentry_id_option 'gnulinux-simple-f0af' {{
    insmod part_msdos
    linux    /boot/vmlinuz-6.1.0-50 root=UUID=f0af ro {first}
    initrd    /boot/initrd.img-6.1.0-50
}}
submenu 'Advanced options' $menuentry_id_option 'gnulinux-advanced-f0af' {{
    menuentry 'Debian GNU/Linux, with Linux 6.1.0-49' --class debian $menuentry_id_option 'gnulinux-6.1.0-49-advanced-f0af' {{
        linux    /boot/vmlinuz-6.1.0-49 root=UUID=f0af ro {second}
    }}
    menuentry 'Debian GNU/Linux, with Linux 6.1.0-49 (recovery mode)' --class debian $menuentry_id_option 'recovery' {{
        linux    /boot/vmlinuz-6.1.0-49 root=UUID=f0af ro single
    }}
}}
"""


def grub(first, second=None, default="0", environment=None):
    text = GRUB.format(first=first, second=first if second is None else second, default=default)
    return parse_grub_cfg(text, environment or {}, CFG)


def shown(config):
    return None if config.arguments is None else [argument.text for argument in config.arguments]


@pytest.mark.parametrize("first, second, default, environment, expected", [
    ("quiet", None, "0", {}, []),
    (OFF, None, "0", {}, [OFF]),
    (OFF, "quiet", "0", {}, [OFF]),  # the first entry is booted
    ("quiet", OFF, "0", {}, []),
    ("quiet", OFF, "gnulinux-advanced-f0af>gnulinux-6.1.0-49-advanced-f0af", {}, [OFF]),
    ("quiet", OFF, "Debian GNU/Linux, with Linux 6.1.0-49", {}, [OFF]),
    ("quiet", OFF, "1>2", {}, None),
    ("quiet", OFF, "no such entry", {}, None),
    ("quiet", OFF, "${saved_entry}", {"saved_entry": "gnulinux-6.1.0-49-advanced-f0af"}, [OFF]),
    ("quiet", OFF, "${saved_entry}", {}, []),
    ("quiet", OFF, "0", {"next_entry": "gnulinux-6.1.0-49-advanced-f0af"}, [OFF]),
    ('x="a b" ' + OFF, None, "0", {}, [OFF]),
    ('\\"x=a b\\" ' + OFF, None, "0", {}, [OFF]),
    ("'unclosed " + OFF, None, "0", {}, [OFF]),
])
def test_grub(first, second, default, environment, expected):
    plan = grub(first, second, default, environment)
    assert (plan.kind, plan.path) == ("grub", CFG)
    assert shown(plan) == expected
    assert (plan.why is None) is (expected is not None)


def test_a_grub_configuration_without_linux():
    plan = parse_grub_cfg("set timeout=5\n", {}, CFG)
    assert plan.arguments is None and CFG in plan.why


def test_which_grub_takes_its_menu_from_entries():
    assert grub_uses_entries("insmod blscfg\nblscfg\n")
    assert not grub_uses_entries(GRUB)
    assert not grub_uses_entries("# blscfg\n")


def test_grub_environment():
    text = "# GRUB Environment Block\nsaved_entry=a-b.conf\nkernelopts=root=/dev/x ro quiet \nempty=\n#########\n"
    assert parse_grubenv(text) == {"saved_entry": "a-b.conf", "kernelopts": "root=/dev/x ro quiet ", "empty": ""}
    assert parse_grubenv("") == {}


def test_grub_variables_are_the_literal_ones():
    assert grub_variables('set a="x y"\n  set b=1\nset c="${d}"\nset a=2\n') == {"a": "2", "b": "1"}


MACHINE = "/boot/loader/entries/0123-"


def entry(options, version="4.18.0"):
    return "title Rocky Linux (%s) 8.10\nversion %s\nlinux /vmlinuz-%s\n%s\n" % (
        version, version, version, "".join("options %s\n" % option for option in options))


def test_boot_loader_entries_that_agree():
    texts = {MACHINE + "4.18.0-1.conf": entry(["root=x " + OFF]), MACHINE + "4.18.0-2.conf": entry(["root=y", OFF]),
             MACHINE + "0-rescue.conf": entry(["root=x"])}
    plan = parse_entries(texts, {}, {})
    assert (plan.kind, plan.path, shown(plan)) == ("bls", "/boot/loader/entries", [OFF])


@pytest.mark.parametrize("environment, expected", [
    ({"saved_entry": "0123-2"}, [OFF]),
    ({"saved_entry": "0123-1"}, []),
    ({"saved_entry": "0123-1", "next_entry": "0123-2"}, [OFF]),
    ({"saved_entry": "0"}, None),  # a place in GRUB's order, which isn't the files'
    ({"saved_entry": "gone"}, None),
    ({}, None),
])
def test_boot_loader_entries_that_differ(environment, expected):
    texts = {MACHINE + "1.conf": entry(["root=x"]), MACHINE + "2.conf": entry(["root=x " + OFF])}
    plan = parse_entries(texts, environment, {})
    assert shown(plan) == expected
    if expected is not None:
        assert plan.path.endswith(environment.get("next_entry", environment["saved_entry"]) + ".conf")


def test_kernelopts_of_rhel_8():
    texts = {MACHINE + "1.conf": entry(["$kernelopts $tuned_params"])}
    assert shown(parse_entries(texts, {"kernelopts": "root=x " + OFF}, {})) == [OFF]
    assert shown(parse_entries(texts, {}, {"kernelopts": "root=x psi=1"})) == ["psi=1"]
    assert shown(parse_entries(texts, {}, {})) == []


def test_the_newest_deployment_of_ostree():
    texts = {"/boot/loader/entries/ostree-1-x.conf": entry([OFF], "1"), "/boot/loader/entries/ostree-2-x.conf": entry(["q"], "2")}
    assert shown(parse_entries(texts, {}, {})) == []


def test_command_line_files():
    assert shown(parse_cmdline_file("cmdline_txt", "/boot/firmware/cmdline.txt",
                                    "console=tty1 cgroup_enable=memory rootwait\n")) == ["cgroup_enable=memory"]
    assert shown(parse_cmdline_file("kernel_install", "/etc/kernel/cmdline", "# no\nroot=x\n psi=1\n")) == ["psi=1"]
    assert shown(parse_cmdline_file("cmdline_txt", "/x", "")) == []


def differences(running, planned, by_firmware=()):
    config = parse_cmdline_file("grub", CFG, planned)
    return next_boot_differences(parse_arguments(running), config.arguments, config.path, by_firmware)


@pytest.mark.parametrize("running, planned, firmware, count", [
    ("BOOT_IMAGE=/x root=1 quiet", "root=2 splash", (), 0),  # nothing about cgroups
    (OFF, OFF, (), 0),
    ("systemd.unified-cgroup-hierarchy=0", OFF, (), 0),
    (OFF, "", (), 1),
    ("", OFF, (), 1),
    (OFF, "systemd.unified_cgroup_hierarchy=1", (), 2),
    ("cgroup_enable=memory cgroup_disable=memory", "cgroup_disable=memory cgroup_enable=memory", (), 1),
    ("cgroup_disable=memory", "", ("cgroup_disable=memory",), 0),
    ("cgroup_disable=memory", "cgroup_enable=memory", ("cgroup_disable=memory",), 1),
    ("cgroup_disable=memory cgroup_enable=memory", "cgroup_enable=memory", ("cgroup_disable=memory",), 0),
    ("cgroup_disable=memory psi=1", "", ("cgroup_disable=memory",), 1),
])
def test_differences(running, planned, firmware, count):
    result = differences(running, planned, firmware)
    assert len(result) == count
    assert all(CFG in sentence for sentence in result)
