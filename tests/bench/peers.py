# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The audit beside the same question asked with containers.podman: one info module and a task for each container.

The other playbook is peers.yml: it learns less (no rootless users, no ancestors, no verdict, no report) with as few
tasks as it can. Both run over the same simulated hosts, in turn.
"""

import json
import os
import statistics
import subprocess
import sys
import zipfile
from pathlib import Path

from bench import BenchError, Row, _fleet, _results
from bench._simulate import CONTAINERS, Simulated
from bench.audit import audit_command

_TARGET = 5
_PACKAGE = "ansible"  # from PyPI; has the collection in it
_WANTED = "ansible_collections/containers/podman/"
_PLAYBOOK = Path(__file__).with_name("peers.yml")


def add_arguments(parser):
    """What the part takes."""
    parser.add_argument("--hosts", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--forks", type=int, default=10)


def main(options):
    """How many times faster the audit is."""
    collections, version = _collection()
    path = os.pathsep.join([str(collections), os.environ.get("ANSIBLE_COLLECTIONS_PATH", "")]).rstrip(os.pathsep)
    directory = _results.directory()
    with Simulated(directory / "simulated") as simulated:
        listing = _fleet.inventory(directory / "fleet.ini", options.hosts, simulated.podman)
        theirs = simulated.command(["ansible-playbook", "-i", str(listing), str(_PLAYBOOK)])
        ours = audit_command(simulated, listing)
        seconds = {"theirs": [], "ours": []}
        for number in range(options.rounds):
            cost = _fleet.run(theirs, options.forks, 1800, ANSIBLE_COLLECTIONS_PATH=path, ANSIBLE_DISPLAY_OK_HOSTS="true")
            if "killed-5" not in cost.output:
                raise BenchError("the other playbook did not find what was killed:\n" + cost.output[-2000:])
            seconds["theirs"].append(cost.seconds)
            seconds["ours"].append(_fleet.run(ours, options.forks, 600).seconds)
            print(f"  round {number + 1}: containers.podman {seconds['theirs'][-1]:.1f} s, audit {seconds['ours'][-1]:.1f} s", flush=True)
    theirs, ours = (statistics.median(seconds[name]) for name in ("theirs", "ours"))
    return [Row(f"audit of {options.hosts} hosts × {CONTAINERS} containers, {options.forks} forks", f"{ours:.1f} s",
                f"containers.podman {version} and a task for each container {theirs:.1f} s",
                f"{theirs / ours:.1f} × faster", f"≥ {_TARGET} ×", theirs / ours >= _TARGET)]


def _collection():
    """(Directory with ansible_collections/containers/podman, its version); downloaded once."""
    directory = _results.directory() / "peers"
    manifest = directory / _WANTED / "MANIFEST.json"
    if not manifest.exists():
        done = subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(directory), _PACKAGE],
                              capture_output=True, text=True, check=False)
        wheels = list(directory.glob("ansible-*.whl"))
        if done.returncode or not wheels:
            raise BenchError(f"pip download {_PACKAGE}: exit code {done.returncode}\n{done.stderr}")
        with zipfile.ZipFile(wheels[0]) as wheel:
            wheel.extractall(directory, [each for each in wheel.namelist() if each.startswith(_WANTED)])
        for each in wheels:
            each.unlink()
    return directory, json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"]
