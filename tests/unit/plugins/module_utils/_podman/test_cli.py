# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Podman's answers, its errors, and how many processes they take."""

import pytest
from fake_podman import HOSTS, FakePodman, write_executable

from ansible_collections.podman_fleet.memory.plugins.module_utils._podman import cli
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman.cli import (
    ListedContainer,
    Podman,
    PodmanError,
    matches_word,
    select_containers,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import current_identity

A, B = "a" * 64, "a" * 12 + "b" * 52
WEB, DB = ListedContainer(A, "web"), ListedContainer(B, "db")


def podman(path, timeout=30):
    return Podman(path, current_identity(), timeout)


def script(tmp_path, text):
    return podman(write_executable(tmp_path, "#!/bin/sh\n" + text))


@pytest.mark.parametrize("host", HOSTS)
def test_all_containers_of_a_host(tmp_path, host):
    fake = FakePodman(tmp_path, host)
    listed = podman(fake.path).list_containers()
    assert listed == [ListedContainer(raw["Id"], raw["Name"]) for raw in fake.containers] != []
    raws, messages = podman(fake.path).inspect([container.ident for container in listed])
    assert (raws, messages) == (fake.containers, [])
    assert [call[0] for call in fake.calls()] == ["ps", "container"], "one process each"


def test_a_container_with_several_names(tmp_path):
    assert script(tmp_path, "echo '%s [web,www]'" % A).list_containers() == [WEB]


@pytest.mark.parametrize("text, message", [
    ("echo 'Warning: old' >&2; echo 'Error: locked' >&2; echo >&2; exit 125", "podman ps: exit code 125: Error: locked"),
    ("exit 1", r"podman ps: exit code 1: \(no message\)"),
    ("echo 'Emulate Docker CLI'", "podman ps: not a container in its answer: 'Emulate Docker CLI'"),
])
def test_no_list_of_containers(tmp_path, text, message):
    with pytest.raises(PodmanError, match=message):
        script(tmp_path, text).list_containers()


def test_a_podman_that_hangs_or_is_not_there(tmp_path):
    with pytest.raises(PodmanError, match="did not answer in time"):
        podman(write_executable(tmp_path, "#!/bin/sh\nexec sleep 60\n"), timeout=0.2).list_containers()
    with pytest.raises(PodmanError, match="/nonexistent/podman"):
        podman("/nonexistent/podman").version()


def test_a_container_that_has_gone_is_left_out_silently(tmp_path):
    fake = FakePodman(tmp_path)
    raws, messages = podman(fake.path).inspect([A, fake.ident("exit-0"), B])
    assert ([raw["Name"] for raw in raws], messages) == (["exit-0"], [])
    assert len(fake.calls()) == 1


def test_a_container_that_can_not_be_inspected_costs_a_message_and_not_the_others(tmp_path):
    fake = FakePodman(tmp_path)
    bad = fake.ident("exit-1")
    fake.set_state(broken=[bad])
    raws, messages = podman(fake.path).inspect([raw["Id"] for raw in fake.containers])
    assert raws == [raw for raw in fake.containers if raw["Id"] != bad]
    assert messages == ["podman container inspect: 1 container(s), the first %s: exit code 125: Error: inspecting %s: unable to "
                        "parse its config" % (bad[:12], bad)]


def test_looking_for_the_bad_ones_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(cli, "_MAX_RETRIES", 3)
    fake = FakePodman(tmp_path)
    fake.set_state(broken=[raw["Id"] for raw in fake.containers])
    raws, messages = podman(fake.path).inspect([raw["Id"] for raw in fake.containers])
    assert raws == [] and len(fake.calls()) == 7 and len(messages) == 4
    assert sum(int(message.split()[3]) for message in messages) == len(fake.containers)


def test_many_containers_are_inspected_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(cli, "_CHUNK", 7)
    fake = FakePodman(tmp_path)
    raws, messages = podman(fake.path).inspect([raw["Id"] for raw in fake.containers])
    assert (raws, messages) == (fake.containers, [])
    assert len(fake.calls()) == 5 and max(len(call) for call in fake.calls()) == 9


def test_an_answer_that_is_no_inspection(tmp_path):
    assert script(tmp_path, "echo '{}'").inspect([A]) == (
        [], ["podman container inspect: its answer is not a list of containers"])


@pytest.mark.parametrize("host, conmon, crun", [
    ("debian12-podman4.3.1", "2.1.6", "1.8.1"), ("debian13-podman5.4.2", "2.1.12", "1.21")])
def test_versions(tmp_path, host, conmon, crun):
    asked = podman(FakePodman(tmp_path, host).path)
    version = host.partition("podman")[2]
    assert asked.version() == version
    assert asked.info() == {"version": version, "conmon": conmon, "runtime": {"name": "crun", "version": crun},
                            "cgroup_manager": "systemd"}


def test_info_that_lacks_something(tmp_path):
    asked = script(tmp_path, """echo '{"host": {}, "version": {"Version": "3.4.4"}}'""")
    assert asked.info() == {"version": "3.4.4", "conmon": None, "runtime": {"name": None, "version": None},
                            "cgroup_manager": None}


@pytest.mark.parametrize("text", ["echo 'Error: no storage' >&2; exit 125", "echo '[]'; echo 'Error: no storage' >&2",
                                  "echo '{}'; echo 'Error: no storage' >&2"])
def test_no_answer(tmp_path, text):
    asked = script(tmp_path, text)
    for ask in (asked.info, asked.version):
        with pytest.raises(PodmanError, match="exit code .*: Error: no storage"):
            ask()


def test_resources(tmp_path):
    assert script(tmp_path, """echo '{"resource_limits": {"memory": {"limit": 5}}}'""").resources(A) == {"memory": {"limit": 5}}
    assert script(tmp_path, "echo '{}'").resources(A) == {}
    with pytest.raises(PodmanError, match="podman generate spec aaaaaaaaaaaa: exit code 125: Error: no such container"):
        script(tmp_path, "echo 'Error: no such container' >&2; exit 125").resources(A)


@pytest.mark.parametrize("words, selected, unmatched", [
    ([], [WEB, DB], []), (["db"], [DB], []), ([A], [WEB], []), ([A[:12]], [WEB, DB], []), ([B[:13], "none"], [DB], ["none"]),
    ([A[:11]], [], [A[:11]]), (["db", B], [DB], []),
])
def test_selecting(words, selected, unmatched):
    assert select_containers([WEB, DB], words) == (selected, unmatched)


def test_a_name_that_looks_like_the_beginning_of_an_id():
    assert matches_word(B, "aaa", "aaa") and not matches_word(B, None, "aaa") and not matches_word(B, "web", B[1:])
