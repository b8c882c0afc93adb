# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GRUB whose grub.cfg is generated from /etc/default/grub: Debian, Ubuntu (update-grub) and SUSE (grub2-mkconfig).

What the settings amount to is asked of the shell, as grub-mkconfig does it; the editing is in shell_vars.py.
"""

import os
import re
import tempfile
from typing import Dict, List, Mapping, Optional, Tuple

from .edit import Desired, cmdline_satisfies, missing_arguments, unexpected_arguments
from .kernel_args import parse_arguments
from .loader import Bootloader, BootloaderError, Change
from .next_boot import grub_cmdlines, parse_grubenv
from .shell_vars import ShellError, append_word, remove_words

SETTINGS = "/etc/default/grub"
_NAMES = ("GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT")
# /etc/grub.d/10_linux puts them in this order on the line of each kernel (but for recovery).
_PRINT = 'exec 3>&1 1>&2; for f; do . "$f"; done; printf "%s %s" "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_DEFAULT" >&3'
_DROP_IN = ("# Made by the Ansible module podman_fleet.memory.kernel_cmdline: added to what the files before this one set.\n"
            'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX"\n')


class Grub(Bootloader):
    """Debian and Ubuntu: settings in drop-ins too, which are read after /etc/default/grub in the order of their names."""

    name = "grub"
    config = "/boot/grub/grub.cfg"
    generate: Tuple[str, ...] = ("update-grub",)  # it is `grub-mkconfig -o /boot/grub/grub.cfg "$@"`, and the last -o counts
    drop_ins: Optional[str] = "/etc/default/grub.d"
    # Behind cloud images' 50-cloudimg-settings.cfg and whatever else assigns the variables again.
    own_drop_in: Optional[str] = "/etc/default/grub.d/zz-kernel-cmdline.cfg"
    variable = "GRUB_CMDLINE_LINUX"

    def plan_change(self, desired: Desired) -> Change:
        texts = self._read_settings()
        before = self._evaluate(texts)
        up_to_date = self.satisfies(desired)  # and there is a grub.cfg
        if cmdline_satisfies(before, desired):
            return Change([before], [before], {}, [] if up_to_date else [self._command(self.config)])
        for argument in desired.present:
            _check_grub_quoting(argument.text)
        edited = self._edit(texts, before, desired)
        after = self._evaluate(edited)
        if not cmdline_satisfies(after, desired):
            raise BootloaderError(self._describe_unsafe(after, desired))
        files = {path: edited.get(path) for path in set(texts) | set(edited) if edited.get(path) != texts.get(path)}
        return Change([before], [after], files, [self._command(self.config)])

    def activate(self, change: Change) -> None:
        """Let the new grub.cfg be made beside the old one, which it replaces when it is finished.

        grub-mkconfig itself ends with `cat grub.cfg.new > grub.cfg`: a full disk leaves half of it there.
        """
        draft = self.config + ".kernel-cmdline"
        try:
            self.system.output(self._command(draft))
            text = self.files.read(draft)
            if not text:
                raise BootloaderError("%s did not write %s" % (" ".join(self._command(draft)), draft))
            self.files.move(draft, self.config)
        finally:
            for path in (draft, draft + ".new"):
                self.files.remove(path)

    def tool_written_paths(self) -> List[str]:
        """Only activate() writes it."""
        return [self.config]

    def next_boot_cmdlines(self) -> List[str]:
        text = self.files.read(self.config)
        if text is None:
            raise BootloaderError("there is no %s" % self.config)
        environment = parse_grubenv(self.files.read(os.path.dirname(self.config) + "/grubenv") or "")
        return grub_cmdlines(text, environment, self.config)

    def _command(self, target: str) -> List[str]:
        return list(self.generate) + ["-o", target]

    def _read_settings(self) -> Dict[str, str]:
        """Return {path: text} of the settings."""
        paths = [SETTINGS]
        if self.drop_ins:
            paths += [self.drop_ins + "/" + name for name in self.files.names(self.drop_ins) if name.endswith(".cfg")]
        return {path: text for path, text in ((path, self.files.read(path)) for path in paths) if text is not None}

    def _evaluate(self, texts: Mapping[str, str]) -> str:
        """Return the arguments that the settings amount to, according to a shell that reads the files one after the other."""
        with tempfile.TemporaryDirectory(prefix="kernel-cmdline-") as folder:
            paths = []
            # sh sorts *.cfg by the locale's order; grub-mkconfig is run in C.
            for number, path in enumerate(sorted(texts, key=lambda path: (path != SETTINGS, path))):
                paths.append("%s/%03d" % (folder, number))
                with open(paths[-1], "w", encoding="utf-8", errors="surrogateescape", newline="") as handle:
                    handle.write(texts[path])
            return self.system.output(["sh", "-c", _PRINT, "sh"] + paths)

    def _edit(self, texts: Mapping[str, str], line: str, desired: Desired) -> Dict[str, str]:
        """Return {path: text} with the changes."""
        arguments = parse_arguments(line)
        edited, path = dict(texts), SETTINGS
        try:
            if unexpected_arguments(arguments, desired):
                for path in texts:
                    edited[path] = remove_words(
                        texts[path], _NAMES, lambda word: bool(unexpected_arguments(parse_arguments(word), desired)))[0]
            path = self.own_drop_in or SETTINGS
            for argument in missing_arguments(arguments, desired):
                text = edited.get(path) or (_DROP_IN if self.own_drop_in else "")
                edited[path] = append_word(text, self.variable, argument.text)
        except ShellError as exc:
            raise BootloaderError("%s can't be edited safely: %s. Change it by hand." % (path, exc))
        if self.own_drop_in and edited.get(self.own_drop_in) == _DROP_IN:
            del edited[self.own_drop_in]
        return edited

    def _describe_unsafe(self, line: str, desired: Desired) -> str:
        arguments = parse_arguments(line)
        parts = ["%s would still be there" % argument.text for argument in unexpected_arguments(arguments, desired)]
        parts += ["%s would not get there" % argument.text for argument in missing_arguments(arguments, desired)]
        return ("%s: %s. It comes from an expansion or another variable, is removed again, or stands behind --, which "
                "can't be edited safely. Change it by hand, and run this again." % (
                    SETTINGS + (" and %s/*.cfg" % self.drop_ins if self.drop_ins else ""), "; ".join(parts)))


class Suse(Grub):
    """SUSE: one file of settings, and its documentation changes GRUB_CMDLINE_LINUX_DEFAULT."""

    name = "suse"
    config = "/boot/grub2/grub.cfg"
    generate = ("grub2-mkconfig",)
    drop_ins = None
    own_drop_in = None
    variable = "GRUB_CMDLINE_LINUX_DEFAULT"


def _check_grub_quoting(word: str) -> None:
    """GRUB reads the line as a script of its own (its manual, "Quoting"): there a $ begins a variable, a ; ends the command."""
    bare = re.sub(r'"[^"]*"', "", word)
    bad = re.findall(r"[$`\\']", word) + re.findall(r"[;&|<>{}]", bare) + (["#"] if word.startswith("#") else [])
    if bad:
        raise BootloaderError("present: %s has %s in it, which means something else to GRUB. Write it by hand into %s, quoted "
                              "for the shell and for GRUB" % (word, " and ".join(sorted(set(bad))), SETTINGS))
