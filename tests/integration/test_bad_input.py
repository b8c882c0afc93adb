# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong in the options or on the host: said clearly, and the rest is still returned."""

from __future__ import annotations

import json

import pytest

from scenarios import catalogue

SECRET = "hunter2xyz"  # in the environment of the scenario running-clean
FAKE = "/usr/local/bin/fake-podman"


def errors(facts, user):
    """The messages of `errors` about a user."""
    return [each["message"] for each in facts["errors"] if each["user"] == user]


def source(facts, name, user):
    return next(each for each in facts["sources"] if each["name"] == name and each["user"] == user)


# options


@pytest.mark.parametrize("option,value,words", [
    ("since", "yesterday", ["since", "yesterday", "7d"]),
    ("since", "2026-13-01", ["since", "2026-13-01"]),
    ("since", "2999-01-01", ["since", "2999-01-01"]),
    ("since", "", ["since"]),
    ("timeout", 0, ["timeout", "0"]),
    ("timeout", "soon", ["timeout", "soon"]),
    ("users", ["nosuchuser"], ["users", "nosuchuser"]),
    ("user", "alice", ["user"]),
])
def test_a_wrong_option_is_named_with_its_value(one, control, option, value, words):
    told = control.module([one.name], {option: value})[one.name]
    assert told.status == "failed"
    assert "ansible_facts" not in told.result
    assert [word for word in words if word not in told.result["msg"]] == []
    assert "Traceback" not in json.dumps(told.result)


def test_an_unknown_user_beside_a_known_one(one, provoked, control):
    facts = control.facts([one.name], {"users": ["nosuchuser", "alice"]})[one.name]
    assert {each["user"] for each in facts["containers"]} == {"alice"}
    assert any("nosuchuser" in message for message in errors(facts, "nosuchuser"))
    assert source(facts, "podman", "nosuchuser")["status"] == "unavailable"


def test_a_container_that_does_not_exist(one, provoked, control):
    facts = control.facts([one.name], {"containers": ["nosuchcontainer", "exit-1"]})[one.name]
    assert {each["name"] for each in facts["containers"]} == {"exit-1"}
    assert any("nosuchcontainer" in each["message"] for each in facts["errors"])


# Podman


def test_no_podman(one, control):
    facts = control.facts([one.name], {"executable": "/nonexistent/podman"})[one.name]
    assert facts["containers"] == []
    statuses = {each["status"] for each in facts["sources"] if each["name"] == "podman"}
    assert statuses == {"absent"}
    assert any("/nonexistent/podman" in (each["detail"] or "") for each in facts["sources"])
    assert facts["host"]["podman"]["version"] is None


@pytest.fixture
def fake(one):
    """Install a Podman that is none: call with its shell script."""
    def install(script):
        one.put(FAKE, "#!/bin/sh\n" + script, mode=0o755)
        return FAKE

    yield install
    one.run("rm -f " + FAKE)


REAL_PS = 'case "$*" in "ps "*) exec podman "$@";; esac\n'


@pytest.mark.parametrize("script", [
    pytest.param("echo 'this is <html> and no answer'\n", id="text"),
    pytest.param("printf '\\377\\376\\000\\001'\n", id="binary"),
    pytest.param("echo '{'\n", id="cut JSON"),
    pytest.param("echo 'Error: database is locked' >&2; exit 125\n", id="error"),
    pytest.param(REAL_PS + "echo '[{\"Id\": 7}, null, \"x\"]'\n", id="JSON of another shape"),
    pytest.param(REAL_PS + "echo '{\"Id\": \"x\"}'\n", id="an object instead of a list"),
    pytest.param(REAL_PS + "exit 0\n", id="nothing"),
    pytest.param("kill -SEGV $$\n", id="crash"),
])
def test_podman_prints_garbage(one, provoked, control, fake, script):
    told = control.module([one.name], {"executable": fake(script)})[one.name]
    assert told.status == "ok", told.result
    facts = told.result["ansible_facts"]["podman_oom"]
    assert facts["containers"] == []
    assert source(facts, "podman", "root")["status"] == "unavailable"
    assert errors(facts, "root") and errors(facts, "alice")
    # what the kernel says of removed containers doesn't need Podman
    assert any(each["name"] == "rm" for each in facts["removed"])


def test_podman_hangs(one, control, fake):
    facts = control.facts([one.name], {"executable": fake("sleep 600\n"), "timeout": 5})[one.name]
    assert any("in time" in message for message in errors(facts, "root"))
    assert one.run("pgrep -f 'sleep 600'", check=False).stdout == ""


def test_podman_floods(one, control, fake):
    """An endless answer must not eat the host's memory."""
    facts = control.facts([one.name], {"executable": fake("exec yes\n"), "timeout": 60})[one.name]
    assert errors(facts, "root")
    assert facts["containers"] == []


def test_the_storage_of_one_user_is_broken(one, provoked, control):
    """Of bob, who has a session but may not read his storage; root and alice come all the same."""
    one.run("mkdir -p /home/bob/.local/share/containers/storage/overlay-containers && loginctl enable-linger bob &&"
            " chown bob: /home/bob/.local /home/bob/.local/share &&"
            " chown -R root: /home/bob/.local/share/containers && chmod 700 /home/bob/.local/share/containers/storage")
    try:
        facts = control.facts([one.name])[one.name]
    finally:
        one.run("loginctl disable-linger bob; loginctl terminate-user bob; rm -rf /home/bob/.local/share/containers",
                check=False)
    assert {each["user"] for each in facts["containers"]} == {"root", "alice"}
    assert errors(facts, "bob")
    assert source(facts, "podman", "bob")["status"] == "unavailable"
    assert source(facts, "podman", "root")["status"] == "ok"


# the journal

BIG_AND_BINARY = r"""
big() { head -c 1000000 /dev/zero | tr '\0' x; }
{ printf 'MESSAGE_ID=fe6faa94e7774663a0da52717891d8ef\nUNIT=big.service\nPRIORITY=5\nMESSAGE='; big; echo; } |
    logger --journald
{ printf 'MESSAGE_ID=fe6faa94e7774663a0da52717891d8ef\nUNIT=\001\377\376.service\nMESSAGE=\000\377\376\n'; } |
    logger --journald
{ printf 'PODMAN_EVENT=died\nPODMAN_ID=\377\376\nPODMAN_NAME='; big; printf '\nPODMAN_LABELS={\nMESSAGE=x\n'; } |
    logger --journald
big | logger -t podman
printf '<4>oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),\377\376\n' >/dev/kmsg
printf '<4>oom-kill:constraint=\n' >/dev/kmsg
printf '<4>Memory cgroup out of memory: Killed process 99999999999999999999 (\t) \n' >/dev/kmsg
journalctl --sync
"""


def test_a_journal_with_huge_and_binary_entries(one, provoked, root_facts, control):
    one.run(BIG_AND_BINARY)
    facts = control.facts([one.name])[one.name]
    before = {each["id"]: each["oom"]["killed"] for each in root_facts[one.name]["containers"]}
    after = {each["id"]: each["oom"]["killed"] for each in facts["containers"]}
    assert {ident: after.get(ident) for ident in before} == before


# secrets


def test_no_secret_leaves_the_host(one, provoked, control):
    told = control.module([one.name])[one.name]
    text = json.dumps(told.result)
    assert "running-clean" in text
    assert SECRET in one.run("podman container inspect running-clean").stdout
    assert SECRET not in text and "SECRET_TOKEN" not in text


def test_every_scenario_has_a_script():
    """The catalogue and guest/ belong together."""
    from scenarios.provoke import GUEST

    files = [each.name + {"user": ".sh", "root": ".root.sh"}[stage] for each in catalogue.ALL for stage in each.stages]
    assert [name for name in files if not (GUEST / name).exists()] == []
