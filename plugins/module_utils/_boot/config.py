# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Find and read the boot loader's configuration: what the next boot will be given.

Reads, and leaves the meaning to _next_boot. Only what a plain look at files can tell.
"""

from .kernel_args import last_argument
from .next_boot import (
    BootConfig,
    grub_uses_entries,
    grub_variables,
    parse_cmdline_file,
    parse_entries,
    parse_grub_cfg,
    parse_grubenv,
)

# Raspberry Pi OS since bookworm, and before (raspberrypi.com documentation, "The kernel command line").
CMDLINE_TXT = ("/boot/firmware/cmdline.txt", "/boot/cmdline.txt")
# Debian, Ubuntu, Arch; Fedora, RHEL, SUSE; RHEL 8 with EFI keeps it on the EFI partition.
GRUB = ("/boot/grub", "/boot/grub2", "/boot/efi/EFI/redhat", "/boot/efi/EFI/centos", "/boot/efi/EFI/rocky",
        "/boot/efi/EFI/almalinux", "/boot/efi/EFI/fedora")
# Boot Loader Specification: $BOOT, which is /boot, /efi or /boot/efi.
ENTRIES = ("/boot/loader/entries", "/efi/loader/entries", "/boot/efi/loader/entries")
_KERNEL_CMDLINE = "/etc/kernel/cmdline"


def read_boot_config(files, arguments, raspberry):
    """Return the Plan for the next boot, None when there is no boot configuration that is known here.

    :param files: _host_files.Files.
    :param arguments: [Argument] of the running kernel.
    :param raspberry: whether the firmware reads cmdline.txt.
    """
    if raspberry:
        found = _first(files, CMDLINE_TXT)
        if found:
            return parse_cmdline_file("cmdline_txt", *found)
    # GRUB (and hardly anything else) tells the kernel its file: grub-core/loader/linux.c, BOOT_IMAGE=
    by_grub = last_argument(arguments, "BOOT_IMAGE") is not None
    grub = _grub(files, by_grub)
    if grub and by_grub:
        return grub
    return _entries(files, {}, {}) or _kernel_install(files) or grub


def _grub(files, by_grub):
    found = _first(files, [base + "/grub.cfg" for base in GRUB])
    blocked = [base + "/grub.cfg" for base in GRUB if base + "/grub.cfg" in files.unreadable]
    if not found:
        if blocked:
            return BootConfig("grub", blocked[0], None, "%s: %s" % (blocked[0], files.unreadable[blocked[0]]))
        return None
    path, text = found
    if not by_grub:
        return BootConfig(None, path, None, "the running kernel was not started by GRUB (no BOOT_IMAGE= on its "
                               "command line), so %s may not count" % path)
    environment = parse_grubenv(files.read(path.rpartition("/")[0] + "/grubenv") or "")
    if not grub_uses_entries(text):
        return parse_grub_cfg(text, environment, path)
    variables = grub_variables(text)
    return _entries(files, environment, variables) or BootConfig(
        "bls", ENTRIES[0], None, "%s takes its menu from boot loader entries, and none can be read" % path)


def _entries(files, environment, variables):
    for base in ENTRIES:
        names = files.names(base)
        if base in files.unreadable:
            return BootConfig("bls", base, None, "%s: %s" % (base, files.unreadable[base]))
        paths = [base + "/" + name for name in names or () if name.endswith(".conf")]
        texts = {path: files.read(path) for path in paths}
        if texts and None in texts.values():
            return BootConfig("bls", base, None, "not all entries of %s can be read" % base)
        if texts:
            return parse_entries(texts, environment, variables)
    return None


def _kernel_install(files):
    text = files.read(_KERNEL_CMDLINE)
    return None if text is None else parse_cmdline_file("kernel_install", _KERNEL_CMDLINE, text)


def _first(files, paths):
    """Return (path, text) of the first of the files that can be read, or None."""
    for path in paths:
        text = files.read(path)
        if text is not None:
            return path, text
    return None
