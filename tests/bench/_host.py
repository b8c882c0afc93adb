# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real host with many containers, and Ansible's modules on it with the time that they take.

The cost of starting any module (ssh, Python, Ansible's wrapper) is that of ansible.builtin.ping: parts measure it
beside what they measure, and take it off.
"""

import contextlib
import json
import os
import subprocess
import time
from pathlib import Path

from bench import BenchError
from fleet import inventory, vm

CREATE = "/root/bench-create.py"


@contextlib.contextmanager
def started(name):
    """The Host of that name; stopped in the end if it did not run before."""
    was_up = vm.Host(name).running
    vm.up([name])
    try:
        yield vm.Host(name)
    finally:
        if not was_up:
            vm.down([name])


def prepare(host, wanted, running=0):
    """Make the containers that are not there, and start so many of them; return the inventory."""
    host.put(CREATE, Path(__file__).with_name("create.py").read_text(encoding="utf-8"))
    print(f"{host.name}: {wanted} containers, {running} of them running …", flush=True)
    host.run(["python3", CREATE, "create", str(wanted)], timeout=3600)
    if running:
        host.run(["python3", CREATE, "start", str(running)], timeout=3600)
    listing = inventory.write()
    module(host, listing, "ansible.builtin.ping")  # the ssh connection and the host's caches
    return listing


def module(host, listing, name, arguments=None):
    """(Seconds of one module call by Ansible, its result)."""
    began = time.monotonic()
    done = subprocess.run(
        ["ansible", host.name, "-i", str(listing), "-m", name, *(["-a", json.dumps(arguments)] if arguments else [])],
        env=dict(os.environ, ANSIBLE_STDOUT_CALLBACK="ansible.builtin.minimal"),
        capture_output=True, text=True, timeout=1800, check=False, stdin=subprocess.DEVNULL)
    took = time.monotonic() - began
    if done.returncode:
        raise BenchError(f"{name} on {host.name}: rc {done.returncode}\n{done.stdout}\n{done.stderr}")
    return took, json.loads(done.stdout[done.stdout.index("{"):])


def playbook(host, listing, name, variables):
    """(Seconds of one run of a playbook of the collection, its output)."""
    began = time.monotonic()
    done = subprocess.run(
        ["ansible-playbook", "-i", str(listing), "--limit", host.name, "-e", json.dumps(variables), "podman_fleet.memory." + name],
        env=dict(os.environ, ANSIBLE_STDOUT_CALLBACK="ansible.builtin.default", COLUMNS="160"),
        capture_output=True, text=True, timeout=1800, check=False, stdin=subprocess.DEVNULL)
    took = time.monotonic() - began
    if done.returncode:
        raise BenchError(f"{name} on {host.name}: rc {done.returncode}\n{done.stdout}\n{done.stderr}")
    return took, done.stdout


def say(number, seconds):
    """Print a round of {name: [seconds]}."""
    print(f"  round {number + 1}: " + ", ".join(f"{name} {values[-1]:.2f} s" for name, values in seconds.items()), flush=True)
