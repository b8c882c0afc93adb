# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who asks decides what can be known: alice herself, deploy with sudo, and bob who is not there."""

from __future__ import annotations

import json
import time

import pytest
from session import host_names

from fleet import ssh
from scenarios import catalogue, judge

IMAGE = "localhost/bb:latest"


def v2_hosts(config):
    """The hosts where everything can be provoked."""
    return [name for name in host_names(config) if name in catalogue.V2_HOSTS]


@pytest.fixture(scope="module")
def as_alice(request, provoked, control):
    """The facts that alice gets by herself, without become."""
    return control.facts(v2_hosts(request.config), user="alice")


def source(facts, name, user=None):
    """The entry of `sources` for a source (and user)."""
    return next(each for each in facts["sources"] if each["name"] == name and each["user"] in (None, user))


def test_alice_sees_her_own_only(as_alice, said):
    for host, facts in as_alice.items():
        assert {each["user"] for each in facts["containers"]} == {"alice"}
        assert {each["user"] for each in facts["removed"]} <= {"alice"}
        assert {each["id"] for each in facts["containers"]} == {each["Id"] for each in said[host]["inspect"]["alice"]}


def test_as_one_text_the_facts_are_the_same(as_alice, control):
    for host, told in control.module(tuple(as_alice), {"as_json": True}, user="alice").items():
        assert told.status == "ok" and "ansible_facts" not in told.result, (host, told)
        facts = json.loads(told.result["facts_json"])
        assert set(facts) == set(as_alice[host])
        assert [(each["id"], each["oom"]) for each in facts["containers"]] == [
            (each["id"], each["oom"]) for each in as_alice[host]["containers"]]


def test_alice_cannot_read_the_kernel_log(as_alice):
    for host, facts in as_alice.items():
        assert source(facts, "kernel_log")["status"] == "unavailable", host


def test_alice_never_gets_a_false_without_proof(as_alice):
    """Without the kernel's log only a running container's counters, or no run at all, prove a "no"."""
    for host, facts in as_alice.items():
        for each in facts["containers"]:
            if each["oom"]["killed"] is False:
                assert each["state"]["status"] in ("running", "created"), (host, each["name"], each["oom"])
            if each["oom"]["killed"] is None:
                assert "kernel_log" in each["oom"]["missing"], (host, each["name"], each["oom"])


def test_alice_is_never_told_the_wrong_thing(as_alice, said):
    """Where she gets an answer it is the true one."""
    for host, facts in as_alice.items():
        for scenario in catalogue.ALL:
            if not scenario.applies(host, "alice"):
                continue
            for target in scenario.targets:
                case = judge.find(said[host], "alice", target)
                told = judge.entry(facts, "alice", case)
                if told is not None and not target.unprovable:
                    assert told["oom"]["killed"] in (target.killed, None), (host, target.key, told["oom"])


@pytest.mark.parametrize("name", ["pid1-kill", "group-kill", "host-oom", "pod-limit"])
def test_alice_has_systemds_record(as_alice, name):
    """Her own service manager's record proves the kill."""
    for host, facts in as_alice.items():
        oom = next(each for each in facts["containers"] if each["name"] == name)["oom"]
        assert oom["killed"] is True, (host, oom)
        assert any("systemd" in line for line in oom["evidence"]), (host, oom)
        assert "kernel_log" in oom["missing"], (host, oom)


@pytest.mark.parametrize("name", ["child-kill-running", "exec-kill"])
def test_alice_has_the_counters_of_what_runs(as_alice, name):
    for host, facts in as_alice.items():
        oom = next(each for each in facts["containers"] if each["name"] == name)["oom"]
        assert (oom["killed"], oom["cause"], oom["lethal"]) == (True, "container_limit", False), (host, oom)


def verdicts(facts):
    """What may not depend on how root became root."""
    return {(each["user"], each["name"]): (each["oom"]["killed"], each["oom"]["cause"]) for each in facts["containers"]}


def test_deploy_with_become_sees_everything(request, root_facts, control):
    told = control.facts(v2_hosts(request.config), user="deploy", become=True)
    for host, facts in told.items():
        assert verdicts(facts) == verdicts(root_facts[host])
        assert {each["id"] for each in facts["removed"]} == {each["id"] for each in root_facts[host]["removed"]}


def test_deploy_without_become_has_no_containers(one, control):
    facts = control.facts([one.name], user="deploy")[one.name]
    assert (facts["containers"], facts["removed"]) == ([], [])
    assert source(facts, "podman", "deploy")["status"] == "absent"
    # looking must not have made a storage
    assert one.run("ls /home/deploy/.local/share/containers", check=False).returncode != 0


def test_deploy_without_become_may_not_ask_for_others(one, control):
    told = control.module([one.name], {"users": ["alice"]}, user="deploy")[one.name]
    assert told.status == "failed"
    assert "users" in told.result["msg"] and "alice" in told.result["msg"] and "become" in told.result["msg"]


@pytest.fixture(scope="module")
def bob(one):
    """bob has a killed container and no session any more; returns its id."""
    one.run(f"podman save -q -o /var/tmp/bb.tar {IMAGE} && chmod 644 /var/tmp/bb.tar")
    one.run("podman load -q -i /var/tmp/bb.tar", user="bob")
    one.run(f"podman run --network=none --name bob-killed --memory=20m {IMAGE} sort /dev/zero", user="bob", check=False)
    ident = one.run("podman inspect -f '{{.Id}}' bob-killed", user="bob").stdout.strip()
    ssh.hang_up(one.name)  # the connection that is kept open is a session
    end = time.monotonic() + 60
    while one.run("test -e /run/user/1001", check=False).returncode == 0:
        assert time.monotonic() < end, "bob's session does not end"
        time.sleep(1)
    yield ident
    one.run("podman rm -f -t 0 bob-killed", user="bob", check=False)
    one.run("rm -rf /var/tmp/bb.tar", check=False)


def test_bob_without_session_is_reported(one, bob, control):
    facts = control.facts([one.name])[one.name]
    assert source(facts, "podman", "bob")["status"] == "unavailable"
    assert [each for each in facts["errors"] if each["user"] == "bob" and "/run/user/1001" in each["message"]]
    assert {each["user"] for each in facts["containers"]} == {"root", "alice"}


def test_bobs_kill_is_not_lost(one, bob, control):
    """Podman can't be asked for bob, but the kernel's record is there for everybody."""
    facts = control.facts([one.name])[one.name]
    (entry,) = [each for each in facts["removed"] if each["id"] == bob]
    assert (entry["user"], entry["name"], entry["oom"]["killed"]) == ("bob", "bob-killed", True)
    assert any("could not be listed" in line for line in entry["oom"]["evidence"])


def test_one_user_and_one_container(one, provoked, control):
    facts = control.facts([one.name], {"users": ["alice"], "containers": ["pid1-kill"]})[one.name]
    assert [(each["user"], each["name"]) for each in facts["containers"]] == [("alice", "pid1-kill")]
    assert {(each["user"], each["name"]) for each in facts["removed"]} <= {("alice", "pid1-kill")}
