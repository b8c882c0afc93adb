# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What container_drain returns, with a Podman whose containers were recorded."""

import os
import time

import as_nobody
import pytest
from as_nobody import as_root
from fake_podman import FakePodman, SharedPodman

from ansible_collections.podman_fleet.memory.plugins.module_utils._door.results import check_result
from ansible_collections.podman_fleet.memory.plugins.module_utils._drain import (
    containers as _containers,
    run as _run,
    users as _users,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._drain.containers import DrainError
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import current_identity
from ansible_collections.podman_fleet.memory.plugins.module_utils._users.owners import Owner
from ansible_collections.podman_fleet.memory.plugins.modules import container_drain

ME = Owner(current_identity(), True, True)
NOBODY = Owner(as_nobody.NOBODY, True, False)


def run(options, check_mode):
    """The module's result, of which the controller takes all."""
    result = container_drain.run(options, check_mode)
    own = {key: value for key, value in result.items() if key not in ("changed", "msg")}
    if options["state"] == "stopped":  # otherwise containers are what the test gave
        assert check_result("container_drain", own) == (own, "")
    return result


@pytest.fixture
def owners(monkeypatch):
    """Who may have containers; nobody has no session."""
    found = [ME, NOBODY]
    monkeypatch.setattr(_run, "find_owners", lambda _words: (found, []))
    monkeypatch.setattr(_containers, "find_storage", lambda _identity: "/storage")
    monkeypatch.setattr(_run, "_PAUSE", 0)
    return found


@pytest.fixture
def fake(tmp_path, owners):
    return FakePodman(tmp_path, "debian12-podman4.3.1")


def params(fake, state, **more):
    return dict({"state": state, "containers": None, "users": [], "wait": 0, "executable": fake.path, "timeout": 30,
                 "required_users": [], "crun_users": []}, **more)


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
    assert result == {"changed": True, "containers": [web], "missing": [], "msg": "all are back", "problems": []}


def test_a_host_without_podman(fake):
    web = {"name": "web"}
    for state, containers in (("stopped", None), ("started", [web])):
        result = run(params(fake, state, containers=containers, executable="/nonexistent/podman"), check_mode=False)
        assert result == {"changed": False, "containers": containers or [], "missing": containers or [], "runtimes": [],
                          "notes": [], "problems": []}


@pytest.fixture
def shared(tmp_path, monkeypatch, owners):
    """A Podman that nobody can run as well, and a session of nobody's."""
    podman = SharedPodman(tmp_path, "debian12-podman4.3.1")
    monkeypatch.setattr(_users, "runtime_dir", lambda identity: "/run/user/%d" % identity.uid)
    return podman


def running(result):
    return {name: len([entry for entry in result["containers"] if entry["user"] == name])
            for name in {entry["user"] for entry in result["containers"]}}


@as_root
def test_each_user_is_asked_by_a_process_that_is_the_user(shared):
    """What belongs to nobody is listed and stopped with nobody's uid; root stops nothing of it."""
    shared.change_script('elif words[0] in ("stop", "start"):', 'elif words[0] == "stop" and os.getuid() != %d: pass\n'
                         'elif words[0] in ("stop", "start"):' % NOBODY.identity.uid)
    result = run(params(shared, "stopped"), check_mode=True)
    count = len([raw for raw in shared.containers if raw["State"]["Status"] == "running"])
    assert running(result) == {"root": count, "nobody": count} and result["problems"] == []
    assert [entry["user"] for entry in result["runtimes"]] == ["root", "nobody"]


@as_root
def test_one_who_hangs_is_told_and_keeps_nobody_waiting(shared):
    shared.change_script("import json, os, sys", "import json, os, sys, time\nif os.getuid(): time.sleep(600)\nif 0: pass")
    started = time.monotonic()
    result = run(params(shared, "stopped", timeout=4), check_mode=False)
    assert time.monotonic() - started < 25
    (problem,) = result["problems"]
    assert (problem["user"], problem["required"]) == ("nobody", True) and "did not answer in time" in problem["message"]
    assert set(running(result)) == {"root"} and result["changed"]
    assert "not all that runs of nobody is known" in result["notes"][-1]
    assert [raw["Name"] for raw in shared.state()["containers"] if raw["State"]["Status"] == "running"] == []


@as_root
def test_who_is_not_required_is_not_waited_for(shared):
    shared.change_script("import json, os, sys", "import json, os, sys\nif os.getuid(): sys.exit(125)\nif 0: pass")
    result = run(params(shared, "stopped", required_users=["root"]), check_mode=True)
    assert [(problem["user"], problem["required"]) for problem in result["problems"]] == [("nobody", False)]
    web = {"user": "nobody", "name": "web", "returns_by": "unit"}
    result = run(params(shared, "started", containers=[web], required_users=["root"]), check_mode=False)
    assert result["missing"] == [] and {problem["user"] for problem in result["problems"]} == {"nobody"}
    result = run(params(shared, "started", containers=[web]), check_mode=False)
    assert result["missing"] == [web]


@as_root
def test_roots_own_containers_have_to_be_known(shared):
    shared.change_script("import json, os, sys", "import json, os, sys\nif not os.getuid(): sys.exit(125)\nif 0: pass")
    with pytest.raises(DrainError, match="^root: .*podman ps"):
        run(params(shared, "stopped", required_users=["nobody"]), check_mode=True)


HOSTILE = [None, 1, [], {}, {"running": {}, "runtime": None}, {"running": [[]], "runtime": None},
           {"running": [{"id": "a" * 64, "name": "web", "user": "root", "unit": "*", "restart_policy": None, "infra": False,
                         "limit": 10 ** 400, "returns_by": "unit", "why": None}], "runtime": {"name": {}, "version": []}}]


@as_root
@pytest.mark.parametrize("said", HOSTILE)
def test_an_answer_of_another_shape_is_a_problem(shared, monkeypatch, said):
    monkeypatch.setattr(_users, "answer_user", lambda request: said if os.getuid() else _containers.answer_user(request))
    result = run(params(shared, "stopped"), check_mode=True)
    assert set(running(result)) == {"root"}
    assert [problem["user"] for problem in result["problems"]] == ["nobody"]


@as_root
def test_nobody_can_say_that_a_container_is_roots(shared, monkeypatch):
    entry = dict(HOSTILE[-1]["running"][0], unit=None, limit=None)
    monkeypatch.setattr(_users, "answer_user", lambda request: {"running": [entry], "runtime": None} if os.getuid()
                        else _containers.answer_user(request))
    result = run(params(shared, "stopped"), check_mode=True)
    assert [each["user"] for each in result["containers"] if each["id"] == "a" * 64] == ["nobody"]
