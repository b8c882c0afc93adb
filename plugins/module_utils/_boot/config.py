# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find and read the boot loader's configuration: what the next boot will be given.

Reads, and leaves the meaning to next_boot.py. Only what can be told from files.
"""

from typing import Iterable, Mapping, Optional, Tuple

from .._system.host_files import Files
from .firmware_config import FIRMWARE_DIRS, FirmwareError, find_cmdline
from .kernel_args import Argument, last_argument
from .next_boot import (
    BootConfig,
    grub_uses_entries,
    grub_variables,
    parse_cmdline_file,
    parse_entries,
    parse_grub_cfg,
    parse_grubenv,
)

# Debian, Ubuntu, Arch; Fedora, RHEL, SUSE; RHEL 8 with EFI keeps it on the EFI partition.
GRUB_DIRS = ("/boot/grub", "/boot/grub2", "/boot/efi/EFI/redhat", "/boot/efi/EFI/centos", "/boot/efi/EFI/rocky",
             "/boot/efi/EFI/almalinux", "/boot/efi/EFI/fedora")
# Boot Loader Specification: $BOOT, which is /boot, /efi or /boot/efi.
ENTRY_DIRS = ("/boot/loader/entries", "/efi/loader/entries", "/boot/efi/loader/entries")
KERNEL_CMDLINE = "/etc/kernel/cmdline"


def read_boot_config(files: Files, arguments: Iterable[Argument], raspberry: bool) -> Optional[BootConfig]:
    """Return what decides about the next boot, None when there is no known boot configuration.

    :param arguments: of the running kernel.
    :param raspberry: whether the firmware reads cmdline.txt.
    """
    if raspberry:
        try:
            cmdline_txt = find_cmdline(files.read, files.names)
        except FirmwareError as exc:
            return BootConfig("cmdline_txt", FIRMWARE_DIRS[0], None, str(exc))
        if cmdline_txt:
            return parse_cmdline_file("cmdline_txt", *cmdline_txt)
    # GRUB (and hardly anything else) tells the kernel its file: grub-core/loader/linux.c, BOOT_IMAGE=
    by_grub = last_argument(arguments, "BOOT_IMAGE") is not None
    grub = _read_grub(files, by_grub)
    if grub and by_grub:
        return grub
    return _read_entries(files, {}, {}) or _read_kernel_cmdline(files) or grub


def _read_grub(files: Files, by_grub: bool) -> Optional[BootConfig]:
    paths = [folder + "/grub.cfg" for folder in GRUB_DIRS]
    grub_cfg = _read_first(files, paths)
    if not grub_cfg:
        unreadable = [path for path in paths if path in files.unreadable]
        if not unreadable:
            return None
        return BootConfig("grub", unreadable[0], None, "%s: %s" % (unreadable[0], files.unreadable[unreadable[0]]))
    path, text = grub_cfg
    if not by_grub:
        return BootConfig(None, path, None, "the running kernel was not started by GRUB (no BOOT_IMAGE= on its "
                          "command line), so %s may not count" % path)
    environment = parse_grubenv(files.read(path.rpartition("/")[0] + "/grubenv") or "")
    if not grub_uses_entries(text):
        return parse_grub_cfg(text, environment, path)
    return _read_entries(files, environment, grub_variables(text)) or BootConfig(
        "bls", ENTRY_DIRS[0], None, "%s takes its menu from boot loader entries, and none can be read" % path)


def _read_entries(files: Files, environment: Mapping[str, str], variables: Mapping[str, str]) -> Optional[BootConfig]:
    for folder in ENTRY_DIRS:
        names = files.names(folder)
        if folder in files.unreadable:
            return BootConfig("bls", folder, None, "%s: %s" % (folder, files.unreadable[folder]))
        paths = [folder + "/" + name for name in names or () if name.endswith(".conf")]
        texts = {path: text for path, text in [(path, files.read(path)) for path in paths] if text is not None}
        if len(texts) < len(paths):
            return BootConfig("bls", folder, None, "not all entries of %s can be read" % folder)
        if texts:
            return parse_entries(texts, environment, variables)
    return None


def _read_kernel_cmdline(files: Files) -> Optional[BootConfig]:
    text = files.read(KERNEL_CMDLINE)
    return None if text is None else parse_cmdline_file("kernel_install", KERNEL_CMDLINE, text)


def _read_first(files: Files, paths: Iterable[str]) -> Optional[Tuple[str, str]]:
    """Return (path, text) of the first of the files that can be read, or None."""
    for path in paths:
        text = files.read(path)
        if text is not None:
            return path, text
    return None
