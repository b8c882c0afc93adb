# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Boot loaders whose arguments a tool of the distribution changes: grubby and rpm-ostree."""

import re

from .config import ENTRIES, GRUB
from .edit import edit_cmdline, missing_arguments, unexpected_arguments
from .kernel_args import parse_arguments
from .loader import Bootloader, BootloaderError, Change


class Grubby(Bootloader):
    """RHEL and its relatives, Fedora: grubby(8), for all kernels, and with ALL for those that come later."""

    name = "grubby"
    every_entry = True

    def change(self, asked):
        """See Bootloader."""
        lines = self.booted_lines()
        after = [edit_cmdline(line, asked) for line in lines]
        spaced = [each.text for each in asked.present + asked.absent if re.search(r"\s", each.text)]
        if spaced:
            raise BootloaderError("grubby can't handle an argument with a space in it: %s" % ", ".join(spaced))
        commands = [self._command(lines, after, asked)] if after != lines else []
        return Change(lines, after, {}, commands)

    def guarded(self):
        """See Bootloader: what grubby(8) and its scripts write, with and without boot loader entries."""
        paths = ["/etc/default/grub", "/etc/kernel/cmdline"]
        for base in GRUB:
            paths += [base + "/grub.cfg", base + "/grubenv"]
        for base in ENTRIES:
            paths += [base + "/" + name for name in self.files.names(base) if name.endswith(".conf")]
        return [path for path in paths if self.files.read(path) is not None]

    backed_up = guarded

    def booted_lines(self):
        """See Bootloader."""
        lines = re.findall(r'^args="(.*)"$', self.system.output(["grubby", "--info=ALL"]), re.M)
        if not lines:
            raise BootloaderError("grubby --info=ALL names no kernel")
        return lines

    @staticmethod
    def _command(lines, after, asked):
        command = ["grubby", "--update-kernel=ALL"]
        gone = [each.text for line in lines for each in unexpected_arguments(parse_arguments(line), asked)]
        if gone:
            command.append("--remove-args=%s" % " ".join(_once(gone)))
        names = [each.name for line in lines for each in missing_arguments(parse_arguments(line), asked)]
        # --args takes the place of every value that the name has, so those that stay are given along.
        kept = [each.text for line in after for each in parse_arguments(line) if each.kernel and each.name in names]
        if kept:
            command.append("--args=%s" % " ".join(_once(kept)))
        return command


class RpmOstree(Bootloader):
    """Fedora CoreOS, Silverblue, RHEL for Edge: rpm-ostree(1), which makes a new deployment or leaves all as it was."""

    name = "rpm_ostree"

    def change(self, asked):
        """See Bootloader."""
        line, = self.booted_lines()
        arguments = parse_arguments(line)
        options = ["--delete-if-present=%s" % each.text for each in unexpected_arguments(arguments, asked)]
        options += ["--append-if-missing=%s" % each.text for each in missing_arguments(arguments, asked)]
        commands = [["rpm-ostree", "kargs"] + options] if options else []
        return Change([line], [edit_cmdline(line, asked)], {}, commands)

    def booted_lines(self):
        """See Bootloader: of the deployment that boots next."""
        return [self.system.output(["rpm-ostree", "kargs"]).strip()]


def _once(words):
    return list(dict.fromkeys(words))
