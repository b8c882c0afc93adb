# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host of files for the boot loaders: laid out from documentation or a recorded host, with tools that a test describes."""

import os

from ansible_collections.podman_fleet.memory.plugins.module_utils._boot.run import ensure_arguments
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import CommandResult, run_command

OPTIONS = {"present": [], "absent": [], "bootloader": "auto", "backup": False, "timeout": 60}


class Laid:
    """Files below a directory.

    :param root: the directory; files: {path: text}; tools: {name: function(argv) that returns (rc, stdout, stderr)}.
    """

    def __init__(self, root, files, tools):
        self.root = str(root)
        self.tools = tools
        self.calls = []
        for path, text in files.items():
            self.write(path, text)

    def at(self, path):
        return os.path.join(self.root, path.lstrip("/"))

    def write(self, path, text):
        os.makedirs(os.path.dirname(self.at(path)), exist_ok=True)
        with open(self.at(path), "w", encoding="utf-8", errors="surrogateescape", newline="") as handle:
            handle.write(text)

    def read(self, path):
        with open(self.at(path), encoding="utf-8", errors="surrogateescape", newline="") as handle:
            return handle.read()

    def everything(self):
        """{path: text} of all files."""
        texts = {}
        for folder, _folders, names in os.walk(self.root):
            for name in names:
                path = "/" + os.path.relpath(os.path.join(folder, name), self.root)
                texts[path] = self.read(path)
        return texts

    def run(self, argv):
        """The real shell for `sh`, a test's function for everything else."""
        if argv[0] == "sh":
            return run_command(argv, 60)
        self.calls.append(list(argv))
        code, out, err = self.tools[argv[0]](argv)
        return CommandResult(code, out.encode("utf-8"), err)

    def ensure(self, check=False, copy=lambda path: path + "~", **options):
        return ensure_arguments(dict(OPTIONS, **options), check, copy, root=self.root, run=self.run, tools=list(self.tools))
