# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible as its users call it, from the environment that runs the tests."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections import namedtuple
from pathlib import Path

from fleet import paths

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
MODULE = "podman_fleet.memory.oom_facts"

# For one command of a host, and for a host: an emulated host that shares its processor with four others
# is many times slower than a real one.
PATIENCE = 240
HOST_PATIENCE = 1200

# status: ok, failed, unreachable; result: the task's result.
Told = namedtuple("Told", "status result")


class Control:
    """Runs modules and playbooks against the fleet.

    :raises RuntimeError: ansible is not on PATH, or the collection can't be put on its path.
    """

    def __init__(self, inventory):
        self.inventory = str(inventory)
        if not shutil.which("ansible"):
            raise RuntimeError("ansible is not on PATH: use `make test-integration`, or put a venv of tests/tools/setup on it")
        self.env = dict(
            os.environ,
            ANSIBLE_CONFIG=str(HERE / "ansible.cfg"),
            ANSIBLE_COLLECTIONS_PATH=os.environ.get("ANSIBLE_COLLECTIONS_PATH") or str(_tree()),
        )

    def module(self, hosts, args=None, user="root", become=False, check=False, module=MODULE, timeout=HOST_PATIENCE):
        """Run a module once on hosts; return {host: Told}."""
        if module == MODULE:
            args = {"timeout": PATIENCE, **(args or {})}
        line = ["ansible", ",".join(hosts), "-i", self.inventory, "-m", module, "-e", "ansible_user=" + user]
        line += ["-a", json.dumps(args)] if args else []
        line += ["--become"] if become else []
        line += ["--check"] if check else []
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(line, env=dict(self.env, COLLECT_DIR=folder), capture_output=True, text=True,
                                  timeout=timeout, check=False, stdin=subprocess.DEVNULL)
            told = {path.stem: Told(**json.loads(path.read_text(encoding="utf-8"))) for path in Path(folder).iterdir()}
        missing = [host for host in hosts if host not in told]
        if missing:
            raise RuntimeError(f"no result of {missing}; rc {done.returncode}\n{done.stdout}\n{done.stderr}")
        return told

    def facts(self, hosts, args=None, **how):
        """Run oom_facts, which has to succeed; return {host: facts}."""
        told = self.module(hosts, args, **how)
        for host, each in told.items():
            assert each.status == "ok", f"{host}: {each.status}: {json.dumps(each.result, indent=1)}"
        return {host: each.result["ansible_facts"]["podman_oom"] for host, each in told.items()}

    def playbook(self, name, *words, inventory=None, extra=None, timeout=HOST_PATIENCE):
        """Run a playbook of the collection; return the CompletedProcess."""
        line = ["ansible-playbook", "-i", str(inventory or self.inventory), *words]
        if extra:
            line += ["-e", json.dumps(extra)]
        with tempfile.TemporaryDirectory() as folder:
            return subprocess.run([*line, name], env=dict(self.env, COLLECT_DIR=folder), capture_output=True, text=True,
                                  timeout=timeout, check=False, stdin=subprocess.DEVNULL)


def _tree():
    """A collections path whose podman_fleet/memory is this working tree, as tests/tools/common.sh makes it."""
    tree = paths.CACHE / ("tree-" + hashlib.sha256(str(REPO).encode()).hexdigest()[:12])
    link = tree / "ansible_collections" / "podman_fleet" / "memory"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.symlink_to(REPO)
    return tree
