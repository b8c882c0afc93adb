# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which boot loader gives this host its kernel arguments. Only detect_boot() reads, choose_bootloader() is pure."""

from typing import Dict, Iterable, NamedTuple, Optional, Set, Type

from .._system.command import CommandNotFound, find_executable
from .._system.host_files import Files
from .._system.platform import container_engine, is_raspberry_pi
from .cmdline_file import RaspberryPi, SystemdBoot
from .config import ENTRY_DIRS, read_boot_config
from .grub import Grub, Suse
from .kernel_args import parse_arguments
from .loader import Bootloader, BootloaderError
from .tools import Grubby, RpmOstree

_CLASSES = (Grub, Grubby, RpmOstree, Suse, RaspberryPi, SystemdBoot)
BOOTLOADERS: Dict[str, Type[Bootloader]] = {bootloader.name: bootloader for bootloader in _CLASSES}
TOOLS = ("rpm-ostree", "grubby", "update-grub", "grub2-mkconfig", "kernel-install", "sdbootutil")


class DetectedBoot(NamedTuple):
    """What the boot loader is recognised by."""

    kind: Optional[str]  # of the BootConfig, as path and why; None without one
    path: Optional[str]
    why: Optional[str]
    ostree: bool  # booted from a deployment
    container: Optional[str]  # engine of the container that this is
    tools: Set[str]  # those of TOOLS that are installed


def detect_boot(root: str = "/", tools: Optional[Iterable[str]] = None) -> DetectedBoot:
    """Look at the host.

    :param root: directory in place of /; tools: names in place of what is installed. For tests.
    """
    files = Files(root)
    arguments = parse_arguments(files.read("/proc/cmdline") or "")
    raspberry = is_raspberry_pi(files.read("/proc/device-tree/model"), files.read("/proc/sys/kernel/osrelease"))
    config = read_boot_config(files, arguments, raspberry)
    return DetectedBoot(
        kind=config.kind if config else None, path=config.path if config else None, why=config.why if config else None,
        ostree=files.exists("/run/ostree-booted"), container=container_engine(files),
        tools={tool for tool in TOOLS if _is_installed(tool)} if tools is None else set(tools))


def _is_installed(tool: str) -> bool:
    try:
        find_executable(tool)
    except CommandNotFound:
        return False
    return True


def choose_bootloader(detected: DetectedBoot) -> Type[Bootloader]:
    """Return the class of the host's boot loader.

    :raises BootloaderError: naming what was looked for and what was found.
    """
    kind, tools = detected.kind, detected.tools
    if detected.container:
        raise BootloaderError("this is a %s container, whose kernel arguments are its host's" % detected.container)
    if detected.ostree and "rpm-ostree" in tools:
        return RpmOstree
    if kind == "cmdline_txt":
        return RaspberryPi
    if kind in ("grub", "bls") and "grubby" in tools:
        return Grubby
    if kind == "grub" and "update-grub" in tools and detected.path == Grub.config:
        return Grub
    if kind == "grub" and "grub2-mkconfig" in tools and detected.path == Suse.config:
        return Suse
    if kind in ("bls", "kernel_install") and "kernel-install" in tools and "sdbootutil" not in tools:
        return SystemdBoot
    raise BootloaderError(_describe_unknown(detected))


def _describe_unknown(detected: DetectedBoot) -> str:
    found = "Found: %s" % detected.path if detected.path else "Found none of these files"
    if detected.why:
        found += " (%s)" % detected.why
    return ("no supported boot loader found. Looked for /run/ostree-booted with rpm-ostree; cmdline.txt on a Raspberry Pi; "
            "a grub.cfg or boot loader entries with grubby; %s with update-grub; %s with grub2-mkconfig; boot loader entries "
            "in %s or /etc/kernel/cmdline with kernel-install. %s; installed: %s. Name the right one with the option "
            "bootloader, or change the kernel's arguments by hand."
            % (Grub.config, Suse.config, ", ".join(ENTRY_DIRS), found,
               ", ".join(sorted(detected.tools)) or "none of these tools"))
