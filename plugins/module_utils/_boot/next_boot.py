# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What boot loader configurations say about the kernel command line of the next boot.

Pure: the texts of grub.cfg, grubenv, boot loader entries and cmdline.txt in, BootConfigs out.
"""

import re
import shlex
from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .kernel_args import Argument, cgroup_arguments, parse_arguments


class BootConfig(NamedTuple):
    """What decides about the kernel command line of the next boot."""

    kind: Optional[str]  # grub, bls, cmdline_txt or kernel_install; None: what boots this host is unknown
    path: str  # file or directory that decides
    arguments: Optional[List[Argument]]  # those about cgroups, None: unknown
    why: Optional[str]  # why they are unknown


class BootEntry(NamedTuple):
    """One thing that can be booted."""

    ident: str  # what GRUB's saved_entry calls it
    title: str
    line: str  # its kernel command line
    path: str  # file that it stands in
    version: str  # of the kernel; "": unknown


# Arguments that the firmware of a Raspberry Pi puts in front of cmdline.txt (raspberrypi/linux#6980).
FIRMWARE_ARGUMENTS = ("cgroup_disable=memory",)

_GRUB_LINUX = re.compile(r"^\s*linux(?:16|efi)?\s+(\S+)\s*(.*)$")
_GRUB_ENTRY = re.compile(r"^\s*menuentry\s+(.*)$")
_GRUB_SET = re.compile(r"^\s*set\s+(\w+)=(.*)$")
_ID_OPTIONS = ("--id", "$menuentry_id_option", "${menuentry_id_option}")
_RECOVERY = ("single", "recovery", "rescue")


def grub_uses_entries(text: str) -> bool:
    """Whether grub.cfg takes its menu from /boot/loader/entries (Fedora, RHEL 8 and later)."""
    return re.search(r"^\s*blscfg\b", text, re.M) is not None


def parse_grubenv(text: str) -> Dict[str, str]:
    """Return {name: value} of a grubenv file."""
    pairs = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {name: value for name, equals, value in pairs if equals}


def grub_variables(text: str) -> Dict[str, str]:
    """Return {name: value} of the literal `set name=value` lines of a grub.cfg; the last one counts."""
    variables = {}
    for line in text.splitlines():
        match = _GRUB_SET.match(line)
        value = match.group(2).strip().strip("\"'") if match else "$"
        if match and "$" not in value:
            variables[match.group(1)] = value
    return variables


def parse_grub_cfg(text: str, environment: Mapping[str, str], path: str) -> BootConfig:
    """Return the BootConfig of a grub.cfg that has its own menu entries.

    :param environment: {name: value} of grubenv.
    """
    return _boot_config("grub", path, _grub_entries(text, path), _grub_default(text, environment))


def grub_cmdlines(text: str, environment: Mapping[str, str], path: str) -> List[str]:
    """Return the kernel command lines that count in a grub.cfg: the default entry's, otherwise all normal ones'."""
    entries = _grub_entries(text, path)
    normal = [entry for entry in entries if not _is_recovery(entry)]
    default = _find_entry(entries, normal, _grub_default(text, environment))
    return [default.line] if default else [entry.line for entry in normal]


def entry_cmdlines(texts: Mapping[str, str]) -> Dict[str, Tuple[str, str]]:
    """Return {path: (kernel version, kernel command line)} of boot loader entries; see parse_entries()."""
    entries = [_parse_entry(path, text, {}, {}) for path, text in sorted(texts.items())]
    return {entry.path: (entry.version, entry.line) for entry in entries}


def _grub_entries(text: str, path: str) -> List[BootEntry]:
    entries, title, ident = [], "", ""
    for line in text.splitlines():
        menu = _GRUB_ENTRY.match(line)
        if menu:
            words = _shell_words(menu.group(1))
            title = words[0] if words else ""
            # menuentry 'Debian' --class … $menuentry_id_option 'gnulinux-simple-UUID' {
            marks = [at for at, word in enumerate(words) if word in _ID_OPTIONS]
            ident = words[marks[0] + 1] if marks and marks[0] + 1 < len(words) else title
        linux = _GRUB_LINUX.match(line)
        if linux:
            entries.append(BootEntry(
                ident=ident, title=title, line=_grub_line(linux.group(2)), path=path, version=linux.group(1)))
    return entries


def _grub_line(text: str) -> str:
    """The command line that GRUB hands over: its quotes are gone, words with spaces get new ones."""
    return " ".join('"%s"' % word if re.search(r"\s", word) else word for word in _shell_words(text))


def _shell_words(text: str) -> List[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quote that is closed on another line
        return text.split()


def _grub_default(text: str, environment: Mapping[str, str]) -> str:
    """What will be booted, as GRUB names it (number, title or id, `menu>entry`); "0" is the first."""
    if environment.get("next_entry"):
        return environment["next_entry"]
    by_user = re.search(r"^\s*set\s+default=[\"']?\$\{?saved_entry", text, re.M)
    if by_user:
        return environment.get("saved_entry") or "0"
    return grub_variables(text).get("default", "0") or "0"


def parse_entries(texts: Mapping[str, str], environment: Mapping[str, str], variables: Mapping[str, str]) -> BootConfig:
    """Return the BootConfig of a directory of boot loader entries (Boot Loader Specification, type 1).

    :param texts: {path: text} of its *.conf files, at least one.
    :param environment: {name: value} of grubenv; its kernelopts and tuned_params stand in `options` on RHEL 8.
    :param variables: {name: value} set in grub.cfg, where grubenv has none.
    """
    entries = [_parse_entry(path, text, environment, variables) for path, text in sorted(texts.items())]
    default = environment.get("next_entry") or environment.get("saved_entry")
    if not default and all(entry.ident.startswith("ostree-") for entry in entries):
        # ostree numbers its deployments; the highest is booted.
        default = max(entries, key=lambda entry: int(entry.version) if entry.version.isdigit() else -1).ident
    if default and default.isdigit():
        default = None  # a place in GRUB's menu, whose order is not that of the files
    return _boot_config("bls", entries[0].path.rpartition("/")[0], entries, default)


def _parse_entry(path: str, text: str, environment: Mapping[str, str], variables: Mapping[str, str]) -> BootEntry:
    fields: Dict[str, str] = {}
    for line in text.splitlines():
        key, _space, value = line.strip().partition(" ")
        if key and not key.startswith("#"):
            # Only `options` may be given more than once; then all of them count.
            fields[key] = (fields[key] + " " + value.strip()) if key == "options" and key in fields else value.strip()
    line = re.sub(r"\$\{?(\w+)\}?",
                  lambda match: environment.get(match.group(1)) or variables.get(match.group(1), ""),
                  fields.get("options", ""))
    ident = path.rpartition("/")[2][:-len(".conf")]
    return BootEntry(ident=ident, title=fields.get("title", ident), line=line, path=path, version=fields.get("version", ""))


def parse_cmdline_file(kind: str, path: str, text: str) -> BootConfig:
    """Return the BootConfig of a file that is nothing but a command line (cmdline.txt, /etc/kernel/cmdline)."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return BootConfig(kind, path, _parse_cgroup_arguments(" ".join(lines)), None)


def _boot_config(kind: str, path: str, entries: Sequence[BootEntry], default: Optional[str]) -> BootConfig:
    """The BootConfig when one of the entries is booted: what all agree on, otherwise what the default says."""
    normal = [entry for entry in entries if not _is_recovery(entry)]
    if not normal:
        return BootConfig(kind, path, None, "%s has no entry that boots Linux" % path)
    arguments = [_parse_cgroup_arguments(entry.line) for entry in normal]
    if all(_comparable(other) == _comparable(arguments[0]) for other in arguments):
        return BootConfig(kind, path, arguments[0], None)
    entry = _find_entry(entries, normal, default)
    if entry is None:
        return BootConfig(kind, path, None, "the entries of %s differ, and which one is the default isn't known (%s)"
                          % (path, default or "none is named"))
    return BootConfig(kind, entry.path, _parse_cgroup_arguments(entry.line), None)


def _find_entry(entries: Sequence[BootEntry], normal: Sequence[BootEntry], default: Optional[str]) -> Optional[BootEntry]:
    if default == "0" and entries:
        return entries[0]
    leaf = (default or "").rpartition(">")[2]
    return next((entry for entry in normal if leaf and leaf in (entry.ident, entry.title)), None)


def _is_recovery(entry: BootEntry) -> bool:
    words = entry.line.split()
    return any(word in words for word in _RECOVERY) or "0-rescue" in entry.ident


def _parse_cgroup_arguments(line: str) -> List[Argument]:
    return cgroup_arguments(parse_arguments(line))


def _comparable(arguments: Iterable[Argument]) -> List[Tuple[str, Optional[str]]]:
    return [(argument.name, argument.value) for argument in arguments]


def next_boot_differences(running: Iterable[Argument], arguments: Sequence[Argument], path: str,
                          firmware_arguments: Sequence[str] = ()) -> List[str]:
    """Return what of the arguments about cgroups changes with the next boot, as sentences; [] for nothing.

    :param running: of the running kernel.
    :param arguments, path: of the BootConfig.
    :param firmware_arguments: texts of arguments that the firmware puts in front of the configured ones.
    """
    now = [argument for argument in cgroup_arguments(running)
           if argument.text not in firmware_arguments or argument in arguments]
    before, after = _comparable(now), _comparable(arguments)
    if before == after:
        return []
    added = [argument.text for argument in arguments if (argument.name, argument.value) not in before]
    removed = [argument.text for argument in now if (argument.name, argument.value) not in after]
    sentences = ["%s is in %s and not on the running kernel's command line" % (text, path) for text in added]
    sentences += ["%s is on the running kernel's command line and not in %s" % (text, path) for text in removed]
    return sentences or ["the order of %s in %s is not that of the running kernel's command line"
                         % (", ".join(argument.text for argument in arguments), path)]
