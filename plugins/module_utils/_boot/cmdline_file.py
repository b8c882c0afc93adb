# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Boot loaders whose arguments stand in a file that is nothing but a command line: Raspberry Pi, systemd-boot."""

import re
from typing import Dict, List, Optional, Tuple

from .config import ENTRY_DIRS, KERNEL_CMDLINE
from .edit import Desired, edit_cmdline
from .firmware_config import FIRMWARE_DIRS, FirmwareError, find_cmdline
from .kernel_args import parse_arguments
from .loader import Bootloader, BootloaderError, Change
from .next_boot import entry_cmdlines

# kernel-install(8): what it takes when /etc/kernel/cmdline isn't there.
_VENDOR_CMDLINE = "/usr/lib/kernel/cmdline"
# 90-loaderentry.install leaves these out of /proc/cmdline: they are the last boot loader's.
_OF_THE_BOOT = ("initrd", "BOOT_IMAGE")


class RaspberryPi(Bootloader):
    """The firmware of the Raspberry Pi, which reads one line of cmdline.txt or of the file that config.txt names."""

    name = "raspberry_pi"

    def plan_change(self, desired: Desired) -> Change:
        path, text = self._read()
        line = _single_line(path, text)
        edited = edit_cmdline(line, desired)
        files: Dict[str, Optional[str]] = {}
        if edited != line:
            files[path] = text.replace(line, edited, 1) if line else edited + text
        return Change([line.strip()], [edited.strip()], files, [])

    def next_boot_cmdlines(self) -> List[str]:
        return [_single_line(*self._read())]

    def _read(self) -> Tuple[str, str]:
        """Return (path, text) of the file that the firmware reads."""
        try:
            found = find_cmdline(self.files.read, self.files.names)
        except FirmwareError as exc:
            raise BootloaderError(str(exc))
        if found is None:
            raise BootloaderError("there is no cmdline.txt in %s" % " and none in ".join(FIRMWARE_DIRS))
        return found


class SystemdBoot(Bootloader):
    """systemd-boot and whatever else reads the entries that kernel-install(8) makes from /etc/kernel/cmdline."""

    name = "systemd_boot"
    every_entry = True

    def plan_change(self, desired: Desired) -> Change:
        entries = self._entries()
        text = self.files.read(KERNEL_CMDLINE)
        line = self._inherited() if text is None else _without_comments(text)
        edited = edit_cmdline(line, desired)
        files: Dict[str, Optional[str]] = {}
        if edited != line:
            # Lines that begin with # are for people; kernel-install makes one line of the others.
            comments = [comment for comment in (text or "").splitlines() if comment.startswith("#")]
            files[KERNEL_CMDLINE] = "\n".join(comments + [edited.strip()]) + "\n"
        commands = [] if not files and self.satisfies(desired) else [
            self._add_command(version) for version in sorted({version for version, _line in entries.values()})]
        return Change([line.strip()], [edited.strip()], files, commands)

    def tool_written_paths(self) -> List[str]:
        return sorted(self._entries())

    def next_boot_cmdlines(self) -> List[str]:
        return [line for _version, line in self._entries().values()]

    def _inherited(self) -> str:
        vendor = self.files.read(_VENDOR_CMDLINE)
        if vendor is not None:
            return _without_comments(vendor)
        running = parse_arguments(self.files.read("/proc/cmdline") or "")
        return " ".join(argument.text for argument in running if argument.name not in _OF_THE_BOOT)

    def _entries(self) -> Dict[str, Tuple[str, str]]:
        """Return {path: (version, command line)} of the entries that kernel-install has made."""
        for folder in ENTRY_DIRS:
            paths = [folder + "/" + name for name in self.files.names(folder) if name.endswith(".conf")]
            entries = entry_cmdlines({path: self.files.read(path) or "" for path in paths})
            # TOKEN-VERSION.conf, with boot counting TOKEN-VERSION+LEFT-DONE.conf
            made = {path: (version, line) for path, (version, line) in entries.items()
                    if version and re.search(r"-%s(\+\d+(-\d+)?)?\.conf$" % re.escape(version), path)}
            if made:
                return made
        raise BootloaderError("there is no entry that kernel-install has made in %s; unified kernel images are not "
                              "supported" % ", ".join(ENTRY_DIRS))

    def _add_command(self, version: str) -> List[str]:
        """The command that makes the entry of a kernel again, as the distribution's own hook calls it."""
        for image, initrd in (("/usr/lib/modules/%s/vmlinuz" % version, None),  # kernel-install(8); Fedora, Arch
                              ("/boot/vmlinuz-%s" % version, "/boot/initrd.img-%s" % version)):  # Debian
            if self.files.exists(image):
                more = [initrd] if initrd and self.files.exists(initrd) else []
                return ["kernel-install", "add", version, image] + more
        raise BootloaderError("there is an entry for kernel %s, and the kernel itself is neither in /usr/lib/modules/%s/vmlinuz "
                              "nor in /boot/vmlinuz-%s" % (version, version, version))


def _single_line(path: str, text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1:
        raise BootloaderError("%s has %d lines, and the firmware reads the first one only: make it one line by hand"
                              % (path, len(lines)))
    return lines[0] if lines else ""


def _without_comments(text: str) -> str:
    return " ".join(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
