# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""What every boot loader's file _bootloader_*.py offers, and what they share."""

from collections import namedtuple

from .._system.command import CommandError
from .boot_files import FileError
from .edit import cmdline_satisfies

# before, after: [str], kernel command lines as the configuration has them; files: {path: new text, None to
# remove it}; commands: [[str]] that are run after the files are written. There can be commands without files:
# the configuration has what is asked for, and the boot loader has not taken it over yet.
Change = namedtuple("Change", "before after files commands")


class BootloaderError(Exception):
    """The boot loader's configuration can't be read or changed; says what and why."""


class System(object):
    """Where the boot loaders' files are, and how their tools are run.

    :param files: _boot_files.BootFiles.
    :param run: function that takes an argv and returns a command.CommandResult.
    """

    def __init__(self, files, run):
        self.files = files
        self.run = run

    def output(self, argv):
        """Run a tool that has to succeed; return its standard output.

        :raises BootloaderError: with the tool's own words.
        """
        try:
            result = self.run(argv)
        except CommandError as exc:
            raise BootloaderError(str(exc))
        if result.rc != 0:
            said = "\n".join(result.err.splitlines()[-5:]) or "no message"
            raise BootloaderError("%s failed with exit code %d: %s" % (" ".join(argv), result.rc, said))
        return result.out.decode("utf-8", "surrogateescape")


class Bootloader(object):
    """One boot loader. Its methods read; only activate() lets anything be written.

    :param system: System.
    """

    name = None
    every_entry = False  # whether all of booted_lines() are changed together, or only some are this boot loader's

    def __init__(self, system):
        self.system = system
        self.files = system.files

    def change(self, asked):
        """Return the Change that gives the next boot what is asked for (_cmdline_edit.Wanted)."""
        raise NotImplementedError

    def guarded(self):
        """Return the paths of files that the commands may write."""
        return []

    def backed_up(self):
        """Return the paths of files that only the commands change and that a backup is made of."""
        return []

    def activate(self, change):
        """Run the commands. What they write has to be in guarded(), or be whole at any moment."""
        for argv in change.commands:
            self.system.output(argv)

    def booted_lines(self):
        """Return the kernel command lines that the boot loader will take."""
        raise NotImplementedError

    def meets(self, asked):
        """Whether what the boot loader will take is what was asked for."""
        answers = [cmdline_satisfies(line, asked) for line in self.booted_lines()]
        return bool(answers) and (all(answers) if self.every_entry else any(answers))


def check_writable(loader, change):
    """Check before anything is done that the files can be written.

    :raises _boot_files.FileError:
    """
    for path in sorted(set(change.files) | set(loader.guarded())):
        loader.files.check_writable(path)


def apply_change(loader, change, asked):
    """Write and activate a Change; afterwards the next boot has what was asked for, or nothing has been changed.

    :raises BootloaderError: why it could not be done.
    """
    try:
        loader.files.guard(loader.guarded())
        for path, text in sorted(change.files.items()):
            loader.files.write(path, text)
        loader.activate(change)
        _verify(loader, asked)
    except (BootloaderError, FileError) as exc:
        problems = loader.files.undo()
        if problems:
            raise BootloaderError("%s\nIt could not be taken back: %s" % (exc, "; ".join(problems)))
        raise BootloaderError("%s\nEverything is as it was before." % exc)


def _verify(loader, asked):
    if not loader.meets(asked):
        lines = [line for line in loader.booted_lines() if not cmdline_satisfies(line, asked)]
        raise BootloaderError("the next boot would still not have the arguments as they are asked for, but: %s" % (
            lines[0] if lines else "no entry that boots Linux"))
