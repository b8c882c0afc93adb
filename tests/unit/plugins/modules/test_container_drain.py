# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What container_drain returns, with a Podman whose containers were recorded."""

import pytest
from fake_podman import FakePodman

from ansible_collections.podman_fleet.memory.plugins.module_utils import _drain
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import Identity, current_identity
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.users import User
from ansible_collections.podman_fleet.memory.plugins.modules import container_drain
from ansible_collections.podman_fleet.memory.plugins.modules.container_drain import run

ALICE = User(Identity("alice", 1000, 1000, "/home/alice"), None, False)


@pytest.fixture
def fake(tmp_path, monkeypatch):
    made = FakePodman(tmp_path, "debian12-podman4.3.1")
    me = User(current_identity(), "/storage", True)
    monkeypatch.setattr(container_drain, "find_users", lambda _words: ([me, ALICE], []))
    monkeypatch.setattr(_drain, "_PAUSE", 0)
    return made


def params(fake, state, **more):
    return dict({"state": state, "containers": None, "users": [], "wait": 0, "executable": fake.path, "timeout": 30}, **more)


def test_everything_is_stopped(fake):
    predicted = run(params(fake, "stopped"), check_mode=True)
    assert {call[0] for call in fake.calls()} == {"info", "ps", "container"}
    result = run(params(fake, "stopped"), check_mode=False)
    assert result == predicted
    count = len([raw for raw in fake.containers if raw["State"]["Status"] == "running"])
    assert (result["changed"], len(result["containers"])) == (True, count)
    # the infra container of the pod is not counted
    assert result["notes"][0] == "%d containers are stopped" % (count - 1)
    assert result["runtimes"] == [{"user": current_identity().name, "name": "crun", "version": "1.8.1", "cgroup_v2": True}]
    again = run(params(fake, "stopped"), check_mode=False)
    assert (again["changed"], again["containers"], again["notes"]) == (False, [], ["no container runs"])


def test_what_can_not_come_back_alone_is_started(fake):
    stopped = run(params(fake, "stopped"), check_mode=False)["containers"]
    web = dict(next(entry for entry in stopped if entry["name"] == "running-clean"), returns_by="start", why=None)
    result = run(params(fake, "started", containers=[web]), check_mode=True)
    assert (result["changed"], result["missing"], result["msg"]) == (
        True, [web], "not back: running-clean of %s" % current_identity().name)
    assert [call for call in fake.calls() if call[0] == "start"] == []
    result = run(params(fake, "started", containers=[web], wait=30), check_mode=False)
    assert result == {"changed": True, "containers": [web], "missing": [], "msg": "all are back"}


def test_a_host_without_podman(fake):
    web = {"name": "web"}
    for state, containers in (("stopped", None), ("started", [web])):
        result = run(params(fake, state, containers=containers, executable="/nonexistent/podman"), check_mode=False)
        assert result == {"changed": False, "containers": containers or [], "missing": containers or [], "runtimes": [],
                          "notes": []}
