# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""GRUB whose grub.cfg is generated from /etc/default/grub: Debian, Ubuntu (update-grub) and SUSE (grub2-mkconfig).

What the settings amount to is told by the shell, as grub-mkconfig does it; the editing is in _shell_settings.
"""

import os
import re
import tempfile

from .edit import cmdline_satisfies, missing_arguments, unexpected_arguments
from .kernel_args import parse_arguments
from .loader import Bootloader, BootloaderError, Change
from .next_boot import grub_cmdlines, parse_grubenv
from .shell_vars import ShellError, append_word, remove_words

SETTINGS = "/etc/default/grub"
_NAMES = ("GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT")
# /etc/grub.d/10_linux puts them in this order on the line of each kernel (but for recovery).
_SHOW = 'exec 3>&1 1>&2; for f; do . "$f"; done; printf "%s %s" "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_DEFAULT" >&3'


class Grub(Bootloader):
    """Debian and Ubuntu: settings in drop-ins too, which are read after /etc/default/grub in the order of their names."""

    name = "grub"
    config = "/boot/grub/grub.cfg"
    generate = ("update-grub",)  # it is `grub-mkconfig -o /boot/grub/grub.cfg "$@"`, and the last -o counts
    drop_ins = "/etc/default/grub.d"
    # Of our own, behind cloud images' 50-cloudimg-settings.cfg and whatever else sets the variables anew.
    own = "/etc/default/grub.d/zz-kernel-cmdline.cfg"
    variable = "GRUB_CMDLINE_LINUX"

    def change(self, asked):
        """See Bootloader."""
        texts = self._texts()
        before = self._line(texts)
        current = self.meets(asked)  # and there is a grub.cfg
        if cmdline_satisfies(before, asked):
            return Change([before], [before], {}, [] if current else [self._command(self.config)])
        for argument in asked.present:
            _check_grub(argument.text)
        edited = self._edited(texts, before, asked)
        after = self._line(edited)
        if not cmdline_satisfies(after, asked):
            raise BootloaderError(self._unsafe(after, asked))
        files = {path: edited.get(path) for path in set(texts) | set(edited) if edited.get(path) != texts.get(path)}
        return Change([before], [after], files, [self._command(self.config)])

    def activate(self, change):
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
                self.files.discard(path)

    def guarded(self):
        """See Bootloader; written by activate() only."""
        return [self.config]

    def booted_lines(self):
        """See Bootloader."""
        text = self.files.read(self.config)
        if text is None:
            raise BootloaderError("there is no %s" % self.config)
        environment = parse_grubenv(self.files.read(os.path.dirname(self.config) + "/grubenv") or "")
        return grub_cmdlines(text, environment, self.config)

    def _command(self, target):
        return list(self.generate) + ["-o", target]

    def _texts(self):
        """Return {path: text} of the settings."""
        paths = [SETTINGS]
        if self.drop_ins:
            paths += [self.drop_ins + "/" + name for name in self.files.names(self.drop_ins) if name.endswith(".cfg")]
        texts = {path: self.files.read(path) for path in paths}
        return {path: text for path, text in texts.items() if text is not None}

    def _line(self, texts):
        """Return the arguments that the settings amount to, as a shell that reads the files one after the other says."""
        with tempfile.TemporaryDirectory(prefix="kernel-cmdline-") as folder:
            paths = []
            # sh sorts *.cfg by the locale's order; grub-mkconfig is run in C.
            for number, path in enumerate(sorted(texts, key=lambda each: (each != SETTINGS, each))):
                paths.append("%s/%03d" % (folder, number))
                with open(paths[-1], "w", encoding="utf-8", errors="surrogateescape", newline="") as handle:
                    handle.write(texts[path])
            return self.system.output(["sh", "-c", _SHOW, "sh"] + paths)

    def _edited(self, texts, line, asked):
        """Return {path: text} with the changes."""
        edited = dict(texts)
        if unexpected_arguments(parse_arguments(line), asked):
            for path in texts:
                edited[path] = self._without(path, texts[path], asked)
        wanted = missing_arguments(parse_arguments(line), asked)
        path = self.own or SETTINGS
        for argument in wanted:
            edited[path] = self._with(path, edited.get(path), argument.text)
        if edited.get(self.own) == _OWN:
            del edited[self.own]
        return edited

    def _without(self, path, text, asked):
        try:
            return remove_words(
                text, _NAMES, lambda word: bool(unexpected_arguments(parse_arguments(word), asked)))[0]
        except ShellError as exc:
            raise BootloaderError("%s can't be edited safely: %s. Change it by hand." % (path, exc))

    def _with(self, path, text, word):
        if path == self.own and not text:
            text = _OWN
        try:
            return append_word(text or "", self.variable, word)
        except ShellError as exc:
            raise BootloaderError("%s can't be edited safely: %s. Change it by hand." % (path, exc))

    def _unsafe(self, line, asked):
        arguments = parse_arguments(line)
        parts = ["%s would still be there" % each.text for each in unexpected_arguments(arguments, asked)]
        parts += ["%s would not get there" % each.text for each in missing_arguments(arguments, asked)]
        return ("%s: %s. It comes from an expansion or another variable, is taken away again, or stands behind --, which "
                "can't be edited safely. Change it by hand, and run this again." % (
                    SETTINGS + (" and %s/*.cfg" % self.drop_ins if self.drop_ins else ""), "; ".join(parts)))


class Suse(Grub):
    """SUSE: one file of settings, and its documentation changes GRUB_CMDLINE_LINUX_DEFAULT."""

    name = "suse"
    config = "/boot/grub2/grub.cfg"
    generate = ("grub2-mkconfig",)
    drop_ins = None
    own = None
    variable = "GRUB_CMDLINE_LINUX_DEFAULT"


_OWN = ("# Made by the Ansible module podman_fleet.memory.kernel_cmdline: added to what the files before this one set.\n"
        'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX"\n')


def _check_grub(word):
    """GRUB reads the line as a script of its own (its manual, "Quoting"): there a $ begins a variable, a ; ends the command."""
    bare = re.sub(r'"[^"]*"', "", word)
    bad = re.findall(r"[$`\\']", word) + re.findall(r"[;&|<>{}]", bare) + (["#"] if word.startswith("#") else [])
    if bad:
        raise BootloaderError("present: %s has %s in it, which means something else to GRUB. Write it by hand into %s, quoted "
                              "for the shell and for GRUB" % (word, " and ".join(sorted(set(bad))), SETTINGS))
