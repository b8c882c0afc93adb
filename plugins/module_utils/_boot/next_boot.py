# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""What boot loader configurations say about the kernel command line of the next boot.

Pure: the texts of grub.cfg, grubenv, boot loader entries and cmdline.txt in, Plans out.
"""

import re
import shlex
from collections import namedtuple

from .kernel_args import cgroup_arguments, parse_arguments

# kind: grub|bls|cmdline_txt|kernel_install, None when what boots this host isn't known; path: file that
# decides; arguments: [Argument] of the relevant ones, None when it can't be said; why: reason for None.
BootConfig = namedtuple("Plan", "kind path arguments why")

# One thing that can be booted. ident: what saved_entry calls it; line: its kernel command line.
BootEntry = namedtuple("Entry", "ident title line path version")

# Arguments that the firmware of a Raspberry Pi puts in front of cmdline.txt (raspberrypi/linux#6980).
FIRMWARE_ARGUMENTS = ("cgroup_disable=memory",)

_GRUB_LINUX = re.compile(r"^\s*linux(?:16|efi)?\s+(\S+)\s*(.*)$")
_GRUB_ENTRY = re.compile(r"^\s*menuentry\s+(.*)$")
_GRUB_SET = re.compile(r"^\s*set\s+(\w+)=(.*)$")
_RECOVERY = ("single", "recovery", "rescue")


def grub_uses_entries(text):
    """Whether grub.cfg takes its menu from /boot/loader/entries (Fedora, RHEL 8 and later)."""
    return re.search(r"^\s*blscfg\b", text, re.M) is not None


def parse_grubenv(text):
    """Return {name: value} of a grubenv file."""
    pairs = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {name: value for name, equals, value in pairs if equals}


def grub_variables(text):
    """Return {name: value} of the literal `set name=value` lines of a grub.cfg; the last one counts."""
    found = {}
    for line in text.splitlines():
        match = _GRUB_SET.match(line)
        value = match.group(2).strip().strip("\"'") if match else "$"
        if "$" not in value:
            found[match.group(1)] = value
    return found


def parse_grub_cfg(text, environment, path):
    """Return the Plan of a grub.cfg that has its own menu entries."""
    entries = _grub_entries(text, path)
    return _plan("grub", path, entries, _grub_default(text, environment))


def grub_cmdlines(text, environment, path):
    """Return the kernel command lines that count in a grub.cfg: the default entry's, else all normal ones'."""
    found = _grub_entries(text, path)
    normal = [each for each in found if not _is_recovery(each)]
    chosen = _chosen(found, normal, _grub_default(text, environment))
    return [chosen.line] if chosen else [each.line for each in normal]


def entry_cmdlines(texts):
    """Return {path: (version, kernel command line)} of boot loader entries; see entries()."""
    found = [_bls_entry(path, text, {}, {}) for path, text in sorted(texts.items())]
    return {each.path: (each.version, each.line) for each in found}


def _grub_entries(text, path):
    entries, title, ident = [], None, None
    for line in text.splitlines():
        menu = _GRUB_ENTRY.match(line)
        if menu:
            words = _shell_words(menu.group(1))
            title = words[0] if words else ""
            # menuentry 'Debian' --class … $menuentry_id_option 'gnulinux-simple-UUID' {
            marks = [at for at, word in enumerate(words) if word in ("--id", "$menuentry_id_option", "${menuentry_id_option}")]
            ident = words[marks[0] + 1] if marks and marks[0] + 1 < len(words) else title
        linux = _GRUB_LINUX.match(line)
        if linux:
            entries.append(BootEntry(ident, title, _grub_line(linux.group(2)), path, linux.group(1)))
    return entries


def _grub_line(text):
    """The command line that GRUB hands over: its quotes are gone, words with spaces get new ones."""
    return " ".join('"%s"' % word if re.search(r"\s", word) else word for word in _shell_words(text))


def _shell_words(text):
    try:
        return shlex.split(text)
    except ValueError:  # a quote that is closed on another line
        return text.split()


def _grub_default(text, environment):
    """What will be booted, as GRUB names it (number, title or id, `menu>entry`); "0" is the first."""
    if environment.get("next_entry"):
        return environment["next_entry"]
    by_user = re.search(r"^\s*set\s+default=[\"']?\$\{?saved_entry", text, re.M)
    if by_user:
        return environment.get("saved_entry") or "0"
    return grub_variables(text).get("default", "0") or "0"


def parse_entries(texts, environment, variables):
    """Return the Plan of a directory of boot loader entries (Boot Loader Specification, type 1).

    :param texts: {path: text} of its *.conf files.
    :param environment: {name: value} of grubenv; its kernelopts and tuned_params stand in `options` on RHEL 8.
    :param variables: {name: value} set in grub.cfg, where grubenv has none.
    """
    found = [_bls_entry(path, text, environment, variables) for path, text in sorted(texts.items())]
    wanted = environment.get("next_entry") or environment.get("saved_entry")
    if not wanted and all(each.ident.startswith("ostree-") for each in found):
        # ostree numbers its deployments; the highest is booted.
        wanted = max(found, key=lambda each: _number(each.version)).ident
    if wanted and wanted.isdigit():
        wanted = None  # a place in GRUB's menu, whose order is not that of the files
    return _plan("bls", found[0].path.rpartition("/")[0], found, wanted)


def _bls_entry(path, text, environment, variables):
    fields = {}
    for line in text.splitlines():
        key, _space, value = line.strip().partition(" ")
        if key and not key.startswith("#"):
            # Only `options` may be given more than once; then all of them count.
            fields[key] = (fields[key] + " " + value.strip()) if key == "options" and key in fields else value.strip()
    line = re.sub(r"\$\{?(\w+)\}?",
                  lambda match: environment.get(match.group(1)) or variables.get(match.group(1), ""),
                  fields.get("options", ""))
    ident = path.rpartition("/")[2][:-len(".conf")]
    return BootEntry(ident, fields.get("title", ident), line, path, fields.get("version", ""))


def parse_cmdline_file(kind, path, text):
    """Return the Plan of a file that is nothing but a command line (cmdline.txt, /etc/kernel/cmdline)."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return BootConfig(kind, path, _relevant(" ".join(lines)), None)


def _plan(kind, path, found, wanted):
    """The Plan when one of the entries is booted: what all agree on, else what the default says."""
    normal = [each for each in found if not _is_recovery(each)]
    if not normal:
        return BootConfig(kind, path, None, "%s has no entry that boots Linux" % path)
    plans = [_relevant(each.line) for each in normal]
    if all(_comparable(plan) == _comparable(plans[0]) for plan in plans):
        return BootConfig(kind, path, plans[0], None)
    chosen = _chosen(found, normal, wanted)
    if chosen is None:
        return BootConfig(kind, path, None, "the entries of %s differ, and which one is the default isn't known (%s)"
                    % (path, wanted or "none is named"))
    return BootConfig(kind, chosen.path, _relevant(chosen.line), None)


def _chosen(found, normal, wanted):
    if wanted == "0" and found:
        return found[0]
    leaf = (wanted or "").rpartition(">")[2]
    return next((each for each in normal if leaf and leaf in (each.ident, each.title)), None)


def _is_recovery(entry):
    words = entry.line.split()
    return any(word in words for word in _RECOVERY) or "0-rescue" in entry.ident


def _relevant(line):
    return cgroup_arguments(parse_arguments(line))


def _number(text):
    return int(text) if text.isdigit() else -1


def _comparable(arguments):
    return [(each.name, each.value) for each in arguments]


def next_boot_differences(running, plan, by_firmware=()):
    """Return what of the relevant arguments changes with the next boot, as sentences; [] for nothing.

    :param running: [Argument] of the running kernel.
    :param plan: Plan with arguments.
    :param by_firmware: texts of arguments that the firmware puts in front of the configured ones.
    """
    now = [each for each in cgroup_arguments(running)
           if each.text not in by_firmware or each in plan.arguments]
    before, after = _comparable(now), _comparable(plan.arguments)
    if before == after:
        return []
    added = [each.text for each in plan.arguments if (each.name, each.value) not in before]
    removed = [each.text for each in now if (each.name, each.value) not in after]
    told = ["%s is in %s and not on the running kernel's command line" % (text, plan.path) for text in added]
    told += ["%s is on the running kernel's command line and not in %s" % (text, plan.path) for text in removed]
    return told or ["the order of %s in %s is not that of the running kernel's command line"
                    % (", ".join(each.text for each in plan.arguments), plan.path)]
