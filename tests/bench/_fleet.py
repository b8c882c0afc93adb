# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet of simulated hosts: its inventory, Ansible run over it, and what that cost."""

import os
import subprocess
import threading
import time
from pathlib import Path
from typing import NamedTuple

from bench import BenchError

CONFIG = Path(__file__).resolve().parents[2] / "docs" / "ansible.cfg"
_SAMPLED = 0.5  # seconds


class Cost(NamedTuple):
    """Of one command and all its children."""

    seconds: float
    cpu: float  # seconds of processor time
    largest: int  # bytes: the largest process (ru_maxrss)
    controller: int  # bytes: all processes of ansible together at their highest (proportional set size); 0: not sampled
    output: str


def inventory(path, count, executable, own=None):
    """Write an inventory of `count` local hosts and return its path; own: {name: variables} of some of them."""
    lines = ["[all:vars]", "ansible_connection=local", "ansible_python_interpreter=/usr/bin/python3",
             f"oom_audit_executable={executable}", "", "[fleet]",
             *(f"{each} {(own or {}).get(each, '')}".strip() for each in map(name, range(count)))]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Path(path)


def name(number):
    """A simulated host's name."""
    return f"sim{number:05d}"


def run(argv, forks, timeout, sample=False, codes=(0,), **environment):
    """Run Ansible and return its Cost.

    :param sample: measure the memory of the controller too, which itself costs a little.
    :param codes: exit codes that are right.
    """
    environ = dict(os.environ, ANSIBLE_CONFIG=str(CONFIG), ANSIBLE_FORKS=str(forks), ANSIBLE_NOCOLOR="1", **environment)
    began = time.monotonic()
    with subprocess.Popen(argv, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace") as process:
        sampler = _Sampler(process.pid) if sample else None
        killer = threading.Timer(timeout, process.kill)
        killer.start()
        output = process.stdout.read()
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        killer.cancel()
    seconds = time.monotonic() - began
    peak = sampler.end() if sampler else 0
    if process.returncode not in codes:
        raise BenchError(f"{' '.join(argv)}: exit code {process.returncode}\n{output[-4000:]}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, peak, output)


class _Sampler(threading.Thread):
    """Adds up, now and then, the memory of a process and those of its children that are Ansible's own."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self._pid = pid
        self._peak = 0
        self._done = threading.Event()
        self.start()

    def run(self):
        while not self._done.wait(_SAMPLED):
            self._peak = max(self._peak, sum(_proportional(pid) for pid in _family(self._pid)))

    def end(self):
        """The highest sum in bytes."""
        self._done.set()
        self.join()
        return self._peak


def _family(pid):
    """The process and its descendants that run the same program: forks, not what runs for the hosts."""
    found, waiting = [], [pid]
    own = _program(pid)
    while waiting:
        each = waiting.pop()
        if _program(each) != own:
            continue
        found.append(each)
        try:
            for task in os.listdir(f"/proc/{each}/task"):
                waiting += map(int, Path(f"/proc/{each}/task/{task}/children").read_text(encoding="ascii").split())
        except OSError:
            continue
    return found


def _program(pid):
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    return next((word for word in words if b"/ansible" in word), None)


def _proportional(pid):
    """Memory with what is shared divided by those who share it: a fork is mostly its parent's."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
