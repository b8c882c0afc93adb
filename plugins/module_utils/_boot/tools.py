# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Boot loaders whose arguments a tool of the distribution changes: grubby and rpm-ostree."""

import re
from typing import Iterable, List

from .config import ENTRY_DIRS, GRUB_DIRS
from .edit import Desired, edit_cmdline, missing_arguments, unexpected_arguments
from .kernel_args import parse_arguments
from .loader import Bootloader, BootloaderError, Change


class Grubby(Bootloader):
    """RHEL and its relatives, Fedora: grubby(8), for all kernels, and with ALL for those that come later."""

    name = "grubby"
    every_entry = True

    def plan_change(self, desired: Desired) -> Change:
        lines = self.next_boot_cmdlines()
        after = [edit_cmdline(line, desired) for line in lines]
        spaced = [argument.text for argument in desired.present + desired.absent if re.search(r"\s", argument.text)]
        if spaced:
            raise BootloaderError("grubby can't handle an argument with a space in it: %s" % ", ".join(spaced))
        return Change(lines, after, {}, [self._command(lines, after, desired)] if after != lines else [])

    def tool_written_paths(self) -> List[str]:
        """What grubby(8) and its scripts write, with and without boot loader entries."""
        paths = ["/etc/default/grub", "/etc/kernel/cmdline"]
        for folder in GRUB_DIRS:
            paths += [folder + "/grub.cfg", folder + "/grubenv"]
        for folder in ENTRY_DIRS:
            paths += [folder + "/" + name for name in self.files.names(folder) if name.endswith(".conf")]
        return [path for path in paths if self.files.read(path) is not None]

    backup_paths = tool_written_paths

    def next_boot_cmdlines(self) -> List[str]:
        lines = re.findall(r'^args="(.*)"$', self.system.output(["grubby", "--info=ALL"]), re.M)
        if not lines:
            raise BootloaderError("grubby --info=ALL names no kernel")
        return lines

    @staticmethod
    def _command(lines: List[str], after: List[str], desired: Desired) -> List[str]:
        command = ["grubby", "--update-kernel=ALL"]
        removed = [argument.text for line in lines for argument in unexpected_arguments(parse_arguments(line), desired)]
        if removed:
            command.append("--remove-args=%s" % " ".join(_unique(removed)))
        names = [argument.name for line in lines for argument in missing_arguments(parse_arguments(line), desired)]
        # --args replaces every value that the name has, so those that stay are passed along.
        args = [argument.text for line in after for argument in parse_arguments(line)
                if argument.kernel and argument.name in names]
        if args:
            command.append("--args=%s" % " ".join(_unique(args)))
        return command


class RpmOstree(Bootloader):
    """Fedora CoreOS, Silverblue, RHEL for Edge: rpm-ostree(1), which makes a new deployment or leaves all as it was."""

    name = "rpm_ostree"

    def plan_change(self, desired: Desired) -> Change:
        line, = self.next_boot_cmdlines()
        arguments = parse_arguments(line)
        options = ["--delete-if-present=%s" % argument.text for argument in unexpected_arguments(arguments, desired)]
        options += ["--append-if-missing=%s" % argument.text for argument in missing_arguments(arguments, desired)]
        commands = [["rpm-ostree", "kargs"] + options] if options else []
        return Change([line], [edit_cmdline(line, desired)], {}, commands)

    def next_boot_cmdlines(self) -> List[str]:
        """Of the deployment that boots next."""
        return [self.system.output(["rpm-ostree", "kargs"]).strip()]


def _unique(words: Iterable[str]) -> List[str]:
    return list(dict.fromkeys(words))
