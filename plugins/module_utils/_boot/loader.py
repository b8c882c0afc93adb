# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every boot loader offers (cmdline_file.py, grub.py, tools.py), and what they share."""

from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

from .._system.command import CommandError, CommandResult
from .boot_files import BootFiles, FileError
from .edit import Desired, cmdline_satisfies

Runner = Callable[[Sequence[str]], CommandResult]


class Change(NamedTuple):
    """What has to be done for the next boot.

    There can be commands without files: the configuration is as desired, and the boot loader has not adopted it yet.
    """

    before: List[str]  # kernel command lines as the configuration has them
    after: List[str]
    files: Dict[str, Optional[str]]  # {path: new text, None to remove it}
    commands: List[List[str]]  # run after the files are written


class BootloaderError(Exception):
    """The boot loader's configuration can't be read or changed; says what and why."""


class System:
    """Where the boot loaders' files are, and how their tools are run.

    :param run: runs a command; may raise CommandError.
    """

    def __init__(self, files: BootFiles, run: Runner) -> None:
        self.files = files
        self.run = run

    def output(self, argv: Sequence[str]) -> str:
        """Run a tool that has to succeed; return its standard output.

        :raises BootloaderError: with the tool's own words.
        """
        try:
            result = self.run(argv)
        except CommandError as exc:
            raise BootloaderError(str(exc))
        if result.rc != 0:
            message = "\n".join(result.err.splitlines()[-5:]) or "no message"
            raise BootloaderError("%s failed with exit code %d: %s" % (" ".join(argv), result.rc, message))
        return result.out.decode("utf-8", "surrogateescape")


class Bootloader:
    """One boot loader. Its methods read; only activate() lets anything be written. All raise BootloaderError and FileError."""

    name = ""
    every_entry = False  # whether all of next_boot_cmdlines() are changed together, or only some are this boot loader's

    def __init__(self, system: System) -> None:
        self.system = system
        self.files = system.files

    def plan_change(self, desired: Desired) -> Change:
        """Return the Change that gives the next boot the desired arguments."""
        raise NotImplementedError

    def next_boot_cmdlines(self) -> List[str]:
        """Return the kernel command lines that the boot loader will take."""
        raise NotImplementedError

    def tool_written_paths(self) -> List[str]:
        """Return the paths of files that the commands may write."""
        return []

    def backup_paths(self) -> List[str]:
        """Return the paths of files that only the commands change and that a backup is made of."""
        return []

    def activate(self, change: Change) -> None:
        """Run the commands. What they write has to be in tool_written_paths(), or be complete at any moment."""
        for argv in change.commands:
            self.system.output(argv)

    def satisfies(self, desired: Desired) -> bool:
        """Whether what the boot loader will take is as desired."""
        answers = [cmdline_satisfies(line, desired) for line in self.next_boot_cmdlines()]
        return bool(answers) and (all(answers) if self.every_entry else any(answers))


def check_writable(loader: Bootloader, change: Change) -> None:
    """Raise FileError when one of the files can't be written, before anything is done."""
    for path in sorted(set(change.files) | set(loader.tool_written_paths())):
        loader.files.check_writable(path)


def apply_change(loader: Bootloader, change: Change, desired: Desired) -> None:
    """Write and activate a Change; afterwards the next boot has the desired arguments, or nothing has been changed.

    :raises BootloaderError: why it could not be done.
    """
    try:
        loader.files.remember(loader.tool_written_paths())
        for path, text in sorted(change.files.items()):
            loader.files.write(path, text)
        loader.activate(change)
        _verify(loader, desired)
    except (BootloaderError, FileError) as exc:
        problems = loader.files.restore()
        if problems:
            raise BootloaderError("%s\nThe change could not be undone: %s" % (exc, "; ".join(problems)))
        raise BootloaderError("%s\nThe change was undone: everything is as it was before." % exc)


def _verify(loader: Bootloader, desired: Desired) -> None:
    if not loader.satisfies(desired):
        lines = [line for line in loader.next_boot_cmdlines() if not cmdline_satisfies(line, desired)]
        raise BootloaderError("the next boot would still not have the desired arguments, but: %s" % (
            lines[0] if lines else "no entry that boots Linux"))
