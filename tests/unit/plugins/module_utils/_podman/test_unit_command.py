# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a unit will start its container with, of what systemctl printed on Debian 13 (systemd 257)."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._podman import unit_command
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.systemctl import parse_show

MIB = 1024 * 1024
IMAGE = "localhost/bb:latest"
# of a quadlet with Environment="A=x --memory=5m": systemd quotes nothing
SHOWN = (
    "ExecStart={ path=/usr/bin/podman ; argv[]=/usr/bin/podman run --name qd --cidfile=/run/qd.cid --replace --rm "
    "--cgroups=split --network none --sdnotify=conmon -d --env A=x --memory=5m --memory=64m "
    "--cgroup-conf=memory.oom.group=1 localhost/bb:latest sleep 1000 ; ignore_errors=no ; start_time=[Tue 2026-11-24 "
    "20:30:01 UTC] ; stop_time=[n/a] ; pid=515 ; code=(null) ; status=0/0 }\n"
    "Id=qd.service\n"
    "\n"
    "Id=nope.service\n"
    "\n"
    "ExecStart={ path=/usr/bin/sleep ; argv[]=/usr/bin/sleep 5 ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; "
    "pid=0 ; code=(null) ; status=0/0 }\n"
    "Id=other.service\n")
CREATED = ["/usr/bin/podman", "run", "--name", "qd", "--cidfile=/run/qd.cid", "--replace", "--rm", "--cgroups=split",
           "--network", "none", "--sdnotify=conmon", "-d", "--env", "A=x --memory=5m", "--memory=64m",
           "--cgroup-conf=memory.oom.group=1", "localhost/bb:latest", "sleep", "1000"]


def settings(options, image=IMAGE, argument=IMAGE, created=(), group=False, rest="sleep 5"):
    line = " ".join(each for each in ("/usr/bin/podman run --rm", options, argument, rest) if each)
    return unit_command.next_start_settings(line, list(created), image, group).settings


def test_commands():
    found = unit_command.podman_run_lines(parse_show(SHOWN))
    assert list(found) == ["qd.service"]
    assert found["qd.service"] == " ".join(CREATED)


@pytest.mark.parametrize("text", ["", "\n\n", "Failed to get properties: Transport endpoint is not connected"])
def test_nothing_is_no_command(text):
    assert unit_command.podman_run_lines(parse_show(text)) == {}


def test_an_unchanged_unit_tells_where_words_end():
    line = unit_command.podman_run_lines(parse_show(SHOWN))["qd.service"]
    bare = [word for word in CREATED if not word.startswith("--memory")]
    result = unit_command.next_start_settings(line, CREATED, IMAGE, False).settings
    assert result == {"limit": 64 * MIB, "swap_limit": 128 * MIB, "reservation": None, "oom_group": True}
    assert unit_command.next_start_settings(" ".join(bare), bare, IMAGE, False).settings["limit"] is None


@pytest.mark.parametrize("options, limit, swap", [
    ("", None, None), ("--memory=64m", 64, 128), ("--memory 64m", 64, 128), ("-m 64m", 64, 128), ("-m=64m", 64, 128),
    ("--memory=64m --memory-swap=64m", 64, 64), ("--memory=64m --memory-swap=-1", 64, None),
    # the last one counts, as for Podman
    ("--memory=64m --memory=32m", 32, 64), ("--memory=0", None, None),
])
def test_limits(options, limit, swap):
    found = settings(options)
    assert (found["limit"], found["swap_limit"]) == (limit and limit * MIB, swap and swap * MIB)


@pytest.mark.parametrize("options, default, group", [
    ("", False, None), ("", True, True), ("--cgroup-conf=memory.oom.group=1", False, True),
    ("--cgroup-conf memory.oom.group=0", True, False), ("--cgroup-conf=memory.high=5", False, None),
])
def test_group(options, default, group):
    assert settings(options, group=default)["oom_group"] is group


def test_the_applications_own_words_are_no_options():
    assert settings("", rest="app --memory=5m")["limit"] is None


@pytest.mark.parametrize("argument", ["docker.io/library/web:latest", "docker.io/library/web", "web", "library/web:latest"])
def test_short_names_of_images(argument):
    assert settings("-m 64m", image="docker.io/library/web:latest", argument=argument)["limit"] == 64 * MIB


def test_a_container_of_the_images_name():
    assert settings("--name web -m 64m", image="docker.io/library/web:latest", argument="web")["limit"] == 64 * MIB


NAMED = "docker.io/library/web:latest"


@pytest.mark.parametrize("option", [
    "--name web", "--hostname web", "-h web", "--network web", "--net web", "--network-alias web", "--pod web", "-v web",
    "--volume web", "-e web", "--env web", "--env-file web", "-l web", "--label web", "-u web", "--user web", "-w web", "-p web",
    "--secret web", "--requires web", "--ip web", "--annotation web", "--log-opt web", "--entrypoint web", "--gpus web", "-dh web",
    "--sdnotify conmon --name web",
])
def test_the_value_of_an_option_is_not_the_image(option):
    """Six of ten public Jellyfin quadlets are named like their image; quadlet writes `--name jellyfin … jellyfin:latest`."""
    assert settings(option + " -m 64m", image=NAMED, argument=NAMED)["limit"] == 64 * MIB


def test_the_value_with_blanks_of_an_unchanged_unit():
    words = ["/usr/bin/podman", "run", "--health-cmd", "a web b", "-m", "64m", "3f57d9401f8d", "web", "-m", "5m"]
    found = unit_command.next_start_settings(" ".join(words), words, NAMED, False).settings
    assert found["limit"] == 64 * MIB


@pytest.mark.parametrize("command", ["podman container run", "podman --log-level debug run", "podman --namespace run run", "podman -r run"])
def test_where_run_stands(command):
    assert unit_command.next_start_settings(command + " -m 64m web", [], NAMED, False).settings["limit"] == 64 * MIB


@pytest.mark.parametrize("command", ["podman start run", "podman pod start run", "podman kube play run"])
def test_other_commands(command):
    assert unit_command.next_start_settings(command + " -m 64m web", [], NAMED, False).settings is None


@pytest.mark.parametrize("line, image", [
    ("/usr/bin/podman run --memory=64m other", IMAGE), ("/usr/bin/podman run $OPTIONS -m 64m localhost/bb:latest", IMAGE),
    ("/usr/bin/podman run --memory=${MEM} localhost/bb:latest", IMAGE), ("/usr/bin/podman run --memory=lots localhost/bb:latest", IMAGE),
    ("/usr/bin/podman run --memory", IMAGE),
])
def test_what_cannot_be_told(line, image):
    assert unit_command.next_start_settings(line, [], image, False).settings is None


@pytest.mark.parametrize("options, why", [("--memory=${MEM}", "MEM"), ("$OPTIONS -m 64m", "OPTIONS"), ("--memory=lots", "lots")])
def test_why_it_cannot_be_told(options, why):
    line = "/usr/bin/podman run %s localhost/bb:latest" % options
    assert why in unit_command.next_start_settings(line, [], IMAGE, False).problem


@pytest.mark.parametrize("name, runs", [("qd", True), ("q", False), ("d", False), ("conmon", False)])
def test_whose_unit_it_is(name, runs):
    assert unit_command.runs_container(" ".join(CREATED), name) is runs
