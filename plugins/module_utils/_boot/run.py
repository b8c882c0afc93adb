# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give the next boot of a host the desired kernel arguments: from the module's options to its result.

Knows no Ansible. The boot loaders are behind loader.Bootloader.
"""

from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional

from .._system.command import run_command
from .boot_files import BootFiles, FileError
from .detect import BOOTLOADERS, choose_bootloader, detect_boot
from .edit import ArgumentError, Desired, cmdline_satisfies, parse_desired
from .kernel_args import parse_arguments, word_spans
from .loader import Bootloader, BootloaderError, Change, Runner, System, apply_change, check_writable
from .next_boot import FIRMWARE_ARGUMENTS

ERRORS = (BootloaderError, FileError, ArgumentError)


def ensure_arguments(options: Mapping[str, Any], check_mode: bool, backup: Callable[[str], str], root: str = "/",
                     run: Optional[Runner] = None, tools: Optional[Iterable[str]] = None) -> Dict[str, Any]:
    """Return the module's result.

    :param backup: copies a file (its path) and returns the copy's path.
    :param root: directory in place of /; run: in place of run_command(); tools: names in place of what is installed.
        For tests.
    :raises: one of ERRORS; then nothing has been changed.
    """
    desired = parse_desired(options["present"], options["absent"])
    files = BootFiles(root)
    kind = BOOTLOADERS.get(options["bootloader"]) or choose_bootloader(detect_boot(root, tools))
    loader = kind(System(files, run or (lambda argv: run_command(argv, options["timeout"]))))
    change = loader.plan_change(desired)
    changed = bool(change.files or change.commands)
    if changed:
        check_writable(loader, change)
    before = {path: files.read(path) for path in change.files}
    result = {
        "changed": changed,
        "bootloader": loader.name,
        "before": [_utf8(line.strip()) for line in change.before],
        "after": [_utf8(line.strip()) for line in change.after],
        "files": sorted(change.files),
        "commands": [" ".join(argv) for argv in change.commands],
        "backup_files": [],
        "reboot_required": not _is_running(files, loader, desired),
        "diff": _diff(change, before),
    }
    if changed and not check_mode:
        if options["backup"]:
            paths = sorted(path for path in set(before) | set(loader.backup_paths()) if files.exists(path))
            result["backup_files"] = [backup(files.at(path)) for path in paths]
        apply_change(loader, change, desired)
    return result


def _is_running(files: BootFiles, loader: Bootloader, desired: Desired) -> bool:
    """Whether the running kernel has the desired arguments."""
    line = files.read("/proc/cmdline") or ""
    if loader.name == "raspberry_pi":
        # Nothing in cmdline.txt removes these; another one, behind them, is in force.
        for text in FIRMWARE_ARGUMENTS:
            words = [argument.text for argument in parse_arguments(line)]
            if text in words:
                start, end = word_spans(line)[words.index(text)]
                line = line[:start] + line[end:]
    return cmdline_satisfies(line, desired)


def _diff(change: Change, before: Mapping[str, Optional[str]]) -> List[Dict[str, str]]:
    """Per file where files are edited, otherwise of the kernels' command lines."""
    if change.files:
        return [_diff_entry(path, before[path] or "", text or "") for path, text in sorted(change.files.items())]
    old, new = ("".join(line.strip() + "\n" for line in lines) for lines in (change.before, change.after))
    return [_diff_entry("kernel command line", old, new)]


def _diff_entry(header: str, old: str, new: str) -> Dict[str, str]:
    return {"before_header": header, "after_header": header, "before": _utf8(old), "after": _utf8(new)}


def _utf8(text: str) -> str:
    """What isn't UTF-8 can't be in a result."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
