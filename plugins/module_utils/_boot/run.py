# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Give the next boot of a host the kernel arguments that are asked for: from the options to the result.

Knows no Ansible. The boot loaders are behind _bootloader.Bootloader.
"""

from .._system.command import run_command
from .boot_files import BootFiles, FileError
from .detect import BOOTLOADERS, choose_bootloader, detect_boot
from .edit import ArgumentError, cmdline_satisfies, parse_desired
from .kernel_args import parse_arguments, word_spans
from .loader import BootloaderError, System, apply_change, check_writable
from .next_boot import FIRMWARE_ARGUMENTS

ERRORS = (BootloaderError, FileError, ArgumentError)


def ensure_arguments(options, check_mode, backup, root="/", run=None, tools=None):
    """Return the module's result.

    :param options: dict of the module's options.
    :param backup: function that copies a file (its path) and returns the copy's path.
    :param root: directory in place of /; run: function that takes an argv and returns a command.CommandResult; tools: names
        in place of what is installed. All three are for tests.
    :raises: one of ERRORS; then nothing has been changed.
    """
    asked = parse_desired(options["present"], options["absent"])
    files = BootFiles(root)
    kind = BOOTLOADERS.get(options["bootloader"]) or choose_bootloader(detect_boot(root, tools))
    loader = kind(System(files, run or (lambda argv: run_command(argv, options["timeout"]))))
    change = loader.change(asked)
    changed = bool(change.files or change.commands)
    if changed:
        check_writable(loader, change)
    before = {path: files.read(path) for path in change.files}
    result = {
        "changed": changed,
        "bootloader": loader.name,
        "before": [_shown(line.strip()) for line in change.before],
        "after": [_shown(line.strip()) for line in change.after],
        "files": sorted(change.files),
        "commands": [" ".join(argv) for argv in change.commands],
        "backup_files": [],
        "reboot_required": not _running(files, loader, asked),
        "diff": _diff(change, before),
    }
    if changed and not check_mode:
        if options["backup"]:
            kept = sorted(path for path in set(before) | set(loader.backed_up()) if files.exists(path))
            result["backup_files"] = [backup(files.at(path)) for path in kept]
        apply_change(loader, change, asked)
    return result


def _running(files, loader, asked):
    """Whether the running kernel has been given what is asked for."""
    line = files.read("/proc/cmdline") or ""
    if loader.name == "raspberry_pi":
        # Nothing in cmdline.txt takes these away; another one, behind them, is in force.
        for text in FIRMWARE_ARGUMENTS:
            words = [each.text for each in parse_arguments(line)]
            if text in words:
                start, end = word_spans(line)[words.index(text)]
                line = line[:start] + line[end:]
    return cmdline_satisfies(line, asked)


def _diff(change, before):
    """Per file where files are edited, else of the kernels' command lines."""
    if change.files:
        return [{"before_header": path, "after_header": path, "before": _shown(before[path] or ""), "after": _shown(text or "")}
                for path, text in sorted(change.files.items())]
    lines = [_shown("".join(line.strip() + "\n" for line in side)) for side in (change.before, change.after)]
    return [{"before_header": "kernel command line", "after_header": "kernel command line", "before": lines[0], "after": lines[1]}]


def _shown(text):
    """What isn't UTF-8 can't be in a result."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
