# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Podman asked for one user's containers: where it isn't run, what goes wrong, and what the facts say of it."""

import pytest
from fake_podman import HOSTS, FakePodman, write_executable

from ansible_collections.podman_fleet.memory.plugins.module_utils._podman.listing import (
    podman_info,
    podman_version,
    query_containers,
    unanswered,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import current_identity
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.users import User

ME = User(current_identity(), "/var/lib/containers/storage", True)
NAME = ME.identity.name
NO_STORAGE = ME._replace(storage=None)
NO_SESSION = User(ME.identity._replace(name="alice", uid=1000), "/home/alice/storage", False)


def failing(tmp_path, text="echo 'Error: locked' >&2; exit 125"):
    return write_executable(tmp_path, "#!/bin/sh\n" + text + "\n")


def source(answer):
    (entry,) = answer.sources
    assert (entry["name"], entry["covers_since"]) == ("podman", None)
    return entry["user"], entry["status"], entry["detail"]


@pytest.mark.parametrize("host", HOSTS)
def test_all_containers(tmp_path, host):
    fake = FakePodman(tmp_path, host)
    answer = query_containers(ME, [], fake.path, 30)
    names = [raw["Name"] for raw in fake.containers]
    assert [container.name for container in answer.listed] == names
    assert [container.facts["name"] for container in answer.containers] == names
    assert {container.facts["user"] for container in answer.containers} == {NAME}
    assert (answer.user, answer.unmatched, answer.complete, answer.errors) == (ME, [], True, [])
    assert source(answer) == (NAME, "ok", None)
    assert len(fake.calls()) == 2


def test_some_containers(tmp_path):
    fake = FakePodman(tmp_path)
    answer = query_containers(ME, ["exit-0", "nothing", fake.ident("exit-1")[:12]], fake.path, 30)
    assert sorted(container.facts["name"] for container in answer.containers) == ["exit-0", "exit-1"]
    assert (len(answer.listed), answer.unmatched, answer.complete) == (len(fake.containers), ["nothing"], True)
    assert len(fake.calls()[1]) == 4


@pytest.mark.parametrize("user, executable, status, word, complete", [
    (NO_STORAGE, None, "absent", "would create one", True),
    (NO_SESSION, None, "unavailable", "/run/user/1000 does not exist", False),
    (ME, "/nonexistent/podman", "absent", "no such executable", True),
])
def test_where_podman_is_not_run(tmp_path, user, executable, status, word, complete):
    fake = FakePodman(tmp_path)
    answer = query_containers(user, ["web"], executable or fake.path, 30)
    name, found, detail = source(answer)
    assert (name, found, word in detail) == (user.identity.name, status, True)
    assert (answer.listed, answer.containers, answer.unmatched, answer.complete) == ([], [], ["web"], complete)
    # nothing to look at is no error
    assert answer.errors == ([] if complete else [{"source": "podman", "user": "alice", "message": detail}])
    with pytest.raises(FileNotFoundError):
        fake.calls()


def test_a_podman_that_can_not_list(tmp_path):
    answer = query_containers(ME, [], failing(tmp_path), 30)
    message = "podman ps: exit code 125: Error: locked"
    assert (answer.containers, answer.complete, source(answer)) == ([], False, (NAME, "unavailable", message))
    assert answer.errors == [{"source": "podman", "user": NAME, "message": message}]


def test_a_podman_that_can_not_inspect_one(tmp_path):
    fake = FakePodman(tmp_path)
    fake.set_state(broken=[fake.ident("exit-0")])
    answer = query_containers(ME, [], fake.path, 30)
    assert (len(answer.listed), len(answer.containers), answer.complete) == (
        len(fake.containers), len(fake.containers) - 1, True)
    assert source(answer)[1] == "partial" and source(answer)[2] == answer.errors[0]["message"]


def test_a_podman_that_can_not_inspect_any(tmp_path):
    fake = FakePodman(tmp_path)
    fake.set_state(containers=fake.containers[:2], broken=[raw["Id"] for raw in fake.containers])
    answer = query_containers(ME, [], fake.path, 30)
    assert (answer.containers, source(answer)[1]) == ([], "unavailable") and answer.errors


def test_a_container_that_is_none(tmp_path):
    fake = FakePodman(tmp_path)
    fake.set_state(containers=[fake.containers[0], dict(fake.containers[1], State=[])])
    answer = query_containers(ME, [], fake.path, 30)
    assert [container.ident for container in answer.containers] == [fake.containers[0]["Id"]]
    assert source(answer)[1] == "partial" and fake.containers[1]["Id"][:12] in answer.errors[0]["message"]


def test_what_podman_is(tmp_path):
    fake = FakePodman(tmp_path, "debian13-podman5.4.2")
    assert podman_info(ME, fake.path, 30) == {
        "version": "5.4.2", "conmon": "2.1.12", "runtime": {"name": "crun", "version": "1.21"}, "cgroup_manager": "systemd"}
    assert podman_info(ME, failing(tmp_path), 30) is None


def test_the_version_without_a_storage(tmp_path):
    """`podman info` would create one."""
    fake = FakePodman(tmp_path, "debian13-podman5.4.2")
    errors = []
    assert (podman_version(fake.path, 30, errors), errors) == ("5.4.2", [])
    assert fake.calls() == [["--version"]]


def test_no_version(tmp_path):
    errors = []
    assert (podman_version("/nonexistent/podman", 30, errors), errors) == (None, [])
    assert podman_version(failing(tmp_path), 30, errors) is None
    assert errors == [{"source": "podman", "user": None, "message": "podman --version: exit code 125: Error: locked"}]


def test_a_user_who_can_not_be_asked():
    answer = unanswered(NO_SESSION, ["web"], "no answer in time")
    assert source(answer) == ("alice", "unavailable", "no answer in time")
    assert (answer.unmatched, answer.complete) == (["web"], False)
    assert answer.errors == [{"source": "podman", "user": "alice", "message": "no answer in time"}]
