# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Which boot loader gives this host its kernel arguments. Looks; what was found is judged by choose(), which is pure."""

from collections import namedtuple

from .._system.command import CommandNotFound, find_executable
from .._system.host_files import Files
from .._system.platform import container_engine, is_raspberry_pi
from .cmdline_file import RaspberryPi, SystemdBoot
from .config import ENTRIES, read_boot_config
from .grub import Grub, Suse
from .kernel_args import parse_arguments
from .loader import BootloaderError
from .tools import Grubby, RpmOstree

BOOTLOADERS = {each.name: each for each in (Grub, Grubby, RpmOstree, Suse, RaspberryPi, SystemdBoot)}
TOOLS = ("rpm-ostree", "grubby", "update-grub", "grub2-mkconfig", "kernel-install", "sdbootutil")

# kind, path, why: of the _next_boot.Plan, None without one; ostree: whether it was booted from a deployment;
# container: its engine, or None; tools: set of those of TOOLS that are there.
DetectedBoot = namedtuple("Seen", "kind path why ostree container tools")


def detect_boot(root="/", tools=None):
    """Return what is Seen on the host.

    :param root: directory in place of /, for tests; tools: names in place of what is installed.
    """
    files = Files(root)
    arguments = parse_arguments(files.read("/proc/cmdline") or "")
    raspberry = is_raspberry_pi(files.read("/proc/device-tree/model"), files.read("/proc/sys/kernel/osrelease"))
    plan = read_boot_config(files, arguments, raspberry)
    return DetectedBoot(
        kind=plan.kind if plan else None, path=plan.path if plan else None, why=plan.why if plan else None,
        ostree=files.exists("/run/ostree-booted"), container=container_engine(files),
        tools=_installed() if tools is None else set(tools))


def _installed():
    found = set()
    for name in TOOLS:
        try:
            find_executable(name)
        except CommandNotFound:
            continue
        found.add(name)
    return found


def choose_bootloader(seen):
    """Return the class of the host's boot loader.

    :raises BootloaderError: naming what was looked for and what was found.
    """
    if seen.container:
        raise BootloaderError("this is a %s container, whose kernel arguments are its host's" % seen.container)
    if seen.ostree and "rpm-ostree" in seen.tools:
        return RpmOstree
    if seen.kind == "cmdline_txt":
        return RaspberryPi
    if seen.kind in ("grub", "bls") and "grubby" in seen.tools:
        return Grubby
    if seen.kind == "grub" and "update-grub" in seen.tools and seen.path == Grub.config:
        return Grub
    if seen.kind == "grub" and "grub2-mkconfig" in seen.tools and seen.path == Suse.config:
        return Suse
    if seen.kind in ("bls", "kernel_install") and "kernel-install" in seen.tools and "sdbootutil" not in seen.tools:
        return SystemdBoot
    raise BootloaderError(_unknown(seen))


def _unknown(seen):
    found = "found: %s" % seen.path if seen.path else "found none of these files"
    if seen.why:
        found += " (%s)" % seen.why
    tools = ", ".join(sorted(seen.tools)) or "none of these tools"
    return ("no boot loader that is known here. Looked for /run/ostree-booted with rpm-ostree; cmdline.txt on a Raspberry Pi; "
            "a grub.cfg or boot loader entries with grubby; %s with update-grub; %s with grub2-mkconfig; boot loader entries "
            "in %s or /etc/kernel/cmdline with kernel-install. %s; installed: %s. Name the right one with the option "
            "bootloader, or change the kernel's arguments by hand."
            % (Grub.config, Suse.config, ", ".join(ENTRIES), found[0].upper() + found[1:], tools))
