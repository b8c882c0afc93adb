# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""config.txt of a Raspberry Pi: from which file its firmware takes the kernel's command line.

Only the settings that decide about that file. How the firmware reads config.txt: raspberrypi.com documentation, "config.txt" (file
format, conditional filters, cmdline, os_prefix, include), and Ubuntu's, "Edit the Raspberry Pi boot configuration" (names are case
sensitive, comments only at the beginning of a line, no spaces around "="). What can't be told from the files is said, not guessed:
whether a filter such as [pi4] holds.
"""

import re
from typing import Callable, Dict, List, NamedTuple, Optional, Set, Tuple

# Raspberry Pi OS since bookworm, Ubuntu; and before (raspberrypi.com documentation, "The kernel command line").
FIRMWARE_DIRS = ("/boot/firmware", "/boot")
_CONFIG, _CMDLINE = "config.txt", "cmdline.txt"
_FILTER = re.compile(r"^\[([^\]]*)\]$")
_SETTINGS = ("cmdline", "os_prefix", "kernel")
# Of `kernel`, by model: raspberrypi.com documentation, "config.txt: kernel".
_KERNELS = ("kernel.img", "kernel7.img", "kernel7l.img", "kernel8.img", "kernel_2712.img")
_NEVER = ("none", "tryboot")  # tryboot: once, after `reboot "0 tryboot"`
_MAX_INCLUDES = 8  # so that a file that includes itself ends

Read = Callable[[str], Optional[str]]  # the text of a file, None when there is no such file
Names = Callable[[str], Optional[List[str]]]  # of a directory


class FirmwareError(Exception):
    """Which file it is can't be told; the message says why."""


class Setting(NamedTuple):
    """A setting that the firmware may take."""

    value: str
    line: str  # as it stands in the file, and in which file
    filters: Tuple[str, ...]  # that have to hold; empty: it counts on any model


def find_cmdline(read: Read, names: Names) -> Optional[Tuple[str, str]]:
    """Return (path, text) of the file with the kernel's command line, None without one.

    :raises FirmwareError: config.txt names another file that isn't there, or one under conditions that can't be checked.
    """
    for folder in FIRMWARE_DIRS:
        config = read(folder + "/" + _CONFIG)
        settings = _read_settings(folder, config or "", read)
        name = _certain(settings, "cmdline", _CMDLINE)
        prefix = _certain(settings, "os_prefix", "")
        if prefix and not _is_viable(folder, prefix, _certain(settings, "kernel", ""), names):
            prefix = ""
        path = "%s/%s%s" % (folder, prefix, name)
        text = read(path)
        if text is not None:
            return path, text
        if settings.get("cmdline") or settings.get("os_prefix"):
            raise FirmwareError("%s has %s, and there is no %s" % (folder + "/" + _CONFIG, " and ".join(
                repr(setting.line) for key in ("os_prefix", "cmdline") for setting in settings.get(key, [])), path))
    return None


def _read_settings(folder: str, text: str, read: Read) -> Dict[str, List[Setting]]:
    """Return {name: its settings in order}; a certain one takes the place of those before it."""
    settings: Dict[str, List[Setting]] = {}
    filters: List[str] = []
    for line in _lines(folder, text, read, set()):
        header = _FILTER.match(line)
        if header:
            word = header.group(1).strip()
            # [none] is one of the filters by model, which replace each other; [all] ends all of them
            filters = [] if word == "all" else [each for each in filters if each != "none"] + [word]
            continue
        name, equals, value = line.partition("=")
        if name.strip() not in _SETTINGS or not equals or any(word in filters for word in _NEVER):
            continue
        if name != name.strip() or value != value.strip():
            raise FirmwareError("%s/%s has %r: the firmware does not take it with spaces around the \"=\"" % (folder, _CONFIG, line))
        setting = Setting(value, line, tuple(filters))
        settings[name] = settings.get(name, []) + [setting] if filters else [setting]
    return settings


def _lines(folder: str, text: str, read: Read, seen: Set[str]) -> List[str]:
    """The lines that count, with those of included files in their place."""
    lines: List[str] = []
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("include "):
            name = line[len("include "):].strip()
            if name in seen or len(seen) >= _MAX_INCLUDES:
                raise FirmwareError("%s/%s includes %s more than once" % (folder, _CONFIG, name))
            lines += _lines(folder, read(folder + "/" + name) or "", read, seen | {name})
        elif line and not line.startswith("#"):
            lines.append(line)
    return lines


def _certain(settings: Dict[str, List[Setting]], name: str, default: str) -> str:
    """The value of a setting, whatever the filters that can't be checked say.

    :raises FirmwareError: it depends on them.
    """
    given = settings.get(name, [])
    values = ([] if given and not given[0].filters else [default]) + [setting.value for setting in given]
    if name != "kernel" and len(set(values)) > 1:
        conditional = next(setting for setting in given if setting.filters and setting.value != values[0])
        raise FirmwareError("%s has %r below [%s]: whether that counts on this host is not known, so which file has the kernel's "
                            "command line isn't either. Change that file by hand."
                            % (_CONFIG, conditional.line, "] [".join(conditional.filters)))
    return values[-1]


def _is_viable(folder: str, prefix: str, kernel: str, names: Names) -> bool:
    """Whether the firmware takes a prefix: it ignores one below which there is no kernel or no device tree.

    :raises FirmwareError: there is one of the two only, and the names of the other may differ on this model.
    """
    below, _slash, start = (folder + "/" + prefix).rpartition("/")
    there = [name[len(start):] for name in names(below) or [] if name.startswith(start)]
    has_kernel = any(name in there for name in ([kernel] if kernel else _KERNELS))
    has_tree = any(name.endswith(".dtb") for name in there)
    if has_kernel != has_tree:
        raise FirmwareError("%s/%s has os_prefix=%s, with %s below it: whether the firmware takes it is not known, so which file has "
                            "the kernel's command line isn't either. Change that file by hand."
                            % (folder, _CONFIG, prefix, "a kernel and no device tree" if has_kernel else "a device tree and no kernel"))
    return has_kernel
