# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Record what cgroup_facts reads on running test hosts, as fixtures of the unit tests.

    cd /path/to/repository && PYTHONPATH=tests python3 tests/tools/record_cgroup_facts.py HOST[:LABEL]…

LABEL names the fixture when the host isn't as the fleet starts it (debian12-grub:debian12-grub-to-v1). One that
ends in "-container" is recorded in a container that has the host's root as its file system.

Runs the collection's own reader on the host with a Files that notes each access, so the fixture holds
what the code reads, and nothing else. Kernel configurations are cut to the lines about memory cgroups.
"""

import json
import pathlib
import shutil
import sys

from fleet.vm import Host

REPO = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = REPO / "tests" / "unit" / "fixtures" / "cgroup_facts"
USERS = [("root", 0), ("alice", 1000), ("bob", 1001)]

# Runs on the host; SOURCES and USERS are put in front of it.
RECORDER = r'''
import json, os, shutil, sys, tempfile

folder = tempfile.mkdtemp()
room = "ansible_collections/podman_fleet/memory/plugins/module_utils"
for name, text in SOURCES.items():
    path = os.path.join(folder, room, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(text)
sys.path.insert(0, folder)
from ansible_collections.podman_fleet.memory.plugins.module_utils._cgroup_v2 import snapshot
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import run_command
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.host_files import Files

noted = {"files": {}, "directories": [], "names": {}, "present": [], "commands": {}}

class Recording(Files):
    def read(self, path):
        text = super().read(path)
        if text is not None:
            noted["files"][path] = text
        noted["unreadable"] = self.unreadable
        return text
    def names(self, path):
        found = super().names(path)
        if found is not None:
            noted["names"][path] = found
        return found
    def is_directory(self, path):
        if super().is_directory(path):
            noted["directories"].append(path)
        return path in noted["directories"]
    def exists(self, path):
        if super().exists(path):
            noted["present"].append(path)
        return path in noted["present"]

def run(argv):
    result = run_command(argv, 60)
    noted["commands"][" ".join(argv)] = {"rc": result.rc, "out": result.out.decode(), "err": result.err}
    return result

snapshot.Files = Recording
snapshot.read_snapshot(users=[tuple(each) for each in USERS], run=run)
print(json.dumps(noted))
shutil.rmtree(folder)
'''

IN_CONTAINER = ["podman", "run", "--interactive", "--rm", "--network=none", "--rootfs", "/:O"]
VERSIONS = "podman --version; systemctl --version | head -1; uname -r"


def record(word):
    """Write the fixture of one host; return its directory."""
    name, _colon, label = word.partition(":")
    host, label = Host(name), label or name
    rooms = REPO / "plugins" / "module_utils"
    sources = {str(path.relative_to(rooms)): path.read_text(encoding="utf-8") for path in rooms.rglob("*.py")}
    program = f"SOURCES = {sources!r}\nUSERS = {USERS!r}\n{RECORDER}"
    inside = IN_CONTAINER if label.endswith("-container") else []
    noted = json.loads(host.run([*inside, "python3", "-"], input=program, timeout=300).stdout)
    podman, systemd, kernel = host.run(["sh", "-c", VERSIONS]).stdout.splitlines()
    folder = FIXTURES / f"{label}-podman{podman.split()[-1]}-systemd{systemd.split()[1]}-kernel{kernel}"
    for old in FIXTURES.glob(label + "-podman*"):
        shutil.rmtree(old)
    for path, text in noted.pop("files").items():
        target = folder / "tree" / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if "config" in target.name:
            text = "".join(line for line in text.splitlines(True) if "MEMCG" in line)
        target.write_text(text, encoding="utf-8")
    noted["directories"] = sorted(set(noted["directories"]))
    noted["present"] = sorted(set(noted["present"]))
    (folder / "recorded.json").write_text(json.dumps(noted, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return folder


if __name__ == "__main__":
    for each in sys.argv[1:]:
        print(record(each))
