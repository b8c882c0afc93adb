# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trees recorded on real hosts (tests/tools/record_cgroup_facts.py), as if they were this host."""

import json
import os
import shutil

from ansible_collections.podman_fleet.memory.plugins.module_utils._cgroup_v2.snapshot import read_snapshot
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import CommandNotFound, CommandResult

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "cgroup_facts")
USERS = [("root", 0), ("alice", 1000), ("bob", 1001)]


class Recorded:
    """A recorded host, laid out below a temporary directory, where a test may change it."""

    def __init__(self, label, target):
        name = next(folder for folder in sorted(os.listdir(FIXTURES)) if folder.startswith(label + "-podman"))
        self.root = os.path.join(str(target), "root")
        shutil.copytree(os.path.join(FIXTURES, name, "tree"), self.root)
        with open(os.path.join(FIXTURES, name, "recorded.json"), encoding="utf-8") as handle:
            self._noted = json.load(handle)
        self.commands = self._noted["commands"]
        self.users = list(USERS)
        for path in self._noted["directories"]:
            self.directory(path)
        for path in self._noted["present"] + [base + "/" + name for base, names in self._noted["names"].items() for name in names]:
            if not os.path.exists(self.at(path)):
                self.write(path, "")

    def at(self, path):
        return os.path.join(self.root, path.lstrip("/"))

    def directory(self, path):
        if not os.path.isdir(self.at(path)):
            os.makedirs(self.at(path))

    def write(self, path, text):
        self.directory(os.path.dirname(path))
        with open(self.at(path), "w", encoding="utf-8") as handle:
            handle.write(text)

    def text(self, path):
        with open(self.at(path), encoding="utf-8") as handle:
            return handle.read()

    def remove(self, path):
        os.remove(self.at(path))

    def block(self, path):
        """Make a path something that open() refuses, for root too: a link to itself."""
        if os.path.isdir(self.at(path)):
            shutil.rmtree(self.at(path))
        elif os.path.exists(self.at(path)):
            self.remove(path)
        self.directory(os.path.dirname(path))
        os.symlink(os.path.basename(path), self.at(path))

    def run(self, argv):
        noted = self.commands.get(" ".join(argv))
        if noted is None:
            raise CommandNotFound("%s: no such executable" % argv[0])
        return CommandResult(noted["rc"], noted["out"].encode("utf-8"), noted["err"])

    def snapshot(self):
        return read_snapshot(self.root, self.users, run=self.run)
