# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing of a user's is started without limits: what systemd says decides, and the process is a real one of the user nobody.

That systemd really moves it is shown on real hosts, by tests/integration/test_attacks.py.
"""

import os
import resource
import time

import pytest
from as_nobody import NOBODY, as_root

from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import CommandNotFound, CommandResult
from ansible_collections.podman_fleet.memory.plugins.module_utils._users import confinement
from ansible_collections.podman_fleet.memory.plugins.module_utils._users.confinement import Limits, memory_cgroup
from ansible_collections.podman_fleet.memory.plugins.module_utils._users.process import UserProcess, UserProcessError

# systemd 257 on Debian 13, while user-1000.slice is being stopped
DESTRUCTIVE = ("Call failed: Transaction for podman-memory-1000-909.scope/start is destructive (user-1000.slice has 'stop' job queued, "
               "but 'start' is included in transaction).")
MIB = 1024 * 1024


class Manager:
    """systemd behind busctl: moves the process, or refuses for a slice."""

    def __init__(self, refused=(), moves=True):
        self.refused = refused
        self.moves = moves
        self.calls = []
        self.scopes = set()

    def run_command(self, argv, timeout):
        assert timeout <= 20
        method, words = argv[6], argv[7:]
        self.calls.append((method, words[1]))
        if method == "StartTransientUnit":
            parent = words[words.index("Slice") + 2]
            if parent in self.refused:
                return CommandResult(1, b"", DESTRUCTIVE)
            self.scopes.add(words[1])
        return CommandResult(0, b"", "")

    def is_in(self, _pid, unit):
        return self.moves and unit in self.scopes


@pytest.fixture
def manage(monkeypatch, tmp_path):
    """Put a Manager into this host's systemd's place."""
    def start(manager):
        monkeypatch.setattr(confinement, "_BOOTED", str(tmp_path))
        monkeypatch.setattr(confinement, "_BUS", str(tmp_path))
        monkeypatch.setattr(confinement, "run_command", manager.run_command)
        monkeypatch.setattr(confinement, "_is_in", manager.is_in)
        return manager

    return start


OWN = "user-%d.slice" % NOBODY.uid


@as_root
def test_it_is_in_the_users_slice(manage):
    manager = manage(Manager())
    with UserProcess(NOBODY, lambda _request: os.getpid()) as process:
        pid = process.ask(None, 20)
        assert process.ask(None, 20) == pid
    assert manager.calls == [("StartTransientUnit", "podman-memory-%d-%d.scope" % (NOBODY.uid, pid))]


@as_root
def test_a_slice_that_is_being_stopped_is_left_for_one_that_the_user_can_not_stop(manage):
    """And nothing of the user's stays there, where the limits of the user's slice don't hold."""
    manager = manage(Manager(refused=[OWN]))
    with UserProcess(NOBODY, lambda _request: os.getpid()) as process:
        pid = process.ask(None, 20)
        name = "podman-memory-%d-%d" % (NOBODY.uid, pid)
        assert manager.calls == [("StartTransientUnit", name + ".scope"), ("StartTransientUnit", name + "-outside.scope")]
    assert manager.calls[2:] == [("KillUnit", name + "-outside.scope")]


@as_root
@pytest.mark.parametrize("manager, reason", [
    (Manager(refused=[OWN, "system.slice"]), "is destructive"),
    (Manager(moves=False), "not do so in time"),
])
def test_what_gets_no_limits_starts_nothing(manage, tmp_path, manager, reason):
    manage(manager)
    started = time.monotonic()
    with UserProcess(NOBODY, lambda _request: os._exit(0)) as process:
        with pytest.raises(UserProcessError, match="nothing is started for nobody: .*" + reason):
            process.ask(None, 0.5)
        with pytest.raises(UserProcessError, match="has ended"):
            process.ask(None, 20)
    assert time.monotonic() - started < 10
    assert [method for method, _name in manager.calls] == ["StartTransientUnit"] * 2


@as_root
def test_a_bus_without_its_tool_is_a_refusal(manage, monkeypatch):
    def nothing(argv, _timeout):
        raise CommandNotFound("busctl: no such executable")

    manage(Manager())
    monkeypatch.setattr(confinement, "run_command", nothing)
    with UserProcess(NOBODY, lambda _request: 1) as process:
        with pytest.raises(UserProcessError, match="nothing is started for nobody: .*busctl: no such executable"):
            process.ask(None, 20)


@as_root
def test_a_look_for_which_no_program_is_run_needs_no_limits(manage):
    manager = manage(Manager(refused=[OWN, "system.slice"]))
    with UserProcess(NOBODY, lambda _request: 1) as process:
        assert process.ask(None, 20, in_slice=False) == 1
    assert manager.calls == []


@as_root
@pytest.mark.parametrize("there", ["nothing", "systemd"])
def test_where_systemd_is_not_or_has_no_bus_each_process_has_a_limit(monkeypatch, tmp_path, there):
    monkeypatch.setattr(confinement, "_BOOTED", str(tmp_path / "none") if there == "nothing" else str(tmp_path))
    monkeypatch.setattr(confinement, "_BUS", str(tmp_path / "none"))
    with UserProcess(NOBODY, lambda _request: list(resource.getrlimit(resource.RLIMIT_DATA)), Limits(memory=2048 * MIB)) as process:
        assert process.ask(None, 20) == [2048 * MIB] * 2


@as_root
def test_where_systemd_limits_all_of_them_together_a_process_has_no_limit_of_its_own(manage):
    manage(Manager())
    before = list(resource.getrlimit(resource.RLIMIT_DATA))
    with UserProcess(NOBODY, lambda _request: list(resource.getrlimit(resource.RLIMIT_DATA))) as process:
        assert process.ask(None, 20) == before


@pytest.mark.parametrize("text, path", [
    # Debian 13
    ("0::/user.slice/user-1000.slice/podman-memory-1000-517.scope\n", "/user.slice/user-1000.slice/podman-memory-1000-517.scope"),
    # cgroup v1, written after cgroups(7): in the middle of a move, which begins with the hierarchy of systemd's
    ("5:memory:/user.slice/user-0.slice/session-4.scope\n4:cpu,cpuacct:/\n"
     "1:name=systemd:/user.slice/user-1000.slice/podman-memory-1000-517.scope\n"
     "0::/user.slice/user-1000.slice/podman-memory-1000-517.scope\n", "/user.slice/user-0.slice/session-4.scope"),
    # without the memory controller
    ("4:cpu,cpuacct:/\n1:name=systemd:/a:b/c\n", "/a:b/c"),
    ("", ""),
])
def test_the_cgroup_that_counts_the_memory(text, path):
    assert memory_cgroup(text) == path
