# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""systemctl: what is asked, of whose manager, and what its answers hold."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._system import systemctl
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import CommandError, CommandResult, Identity
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.systemctl import Systemctl, SystemctlError, parse_show

ROOT = Identity("root", 0, 0, "/root")
ALICE = Identity("alice", 1000, 1000, "/home/alice")


class Calls(list):
    """A systemctl that notes how it was called: [(command, timeout, identity)]."""

    def __init__(self):
        super().__init__()
        self.answer(0, b"", "")

    def answer(self, *values):
        self._result = CommandResult(*values)

    def run(self, argv, timeout, identity):
        self.append((" ".join(argv), timeout, identity))
        return self._result


@pytest.fixture(name="calls")
def _calls(monkeypatch):
    calls = Calls()
    monkeypatch.setattr(systemctl, "run_command", calls.run)
    return calls


@pytest.mark.parametrize("identity, command", [
    (ROOT, "systemctl daemon-reload"), (None, "systemctl daemon-reload"), (ALICE, "systemctl --user daemon-reload"),
])
def test_whose_manager(calls, identity, command):
    Systemctl(identity, 30).run("daemon-reload")
    assert calls == [(command, 30, identity)]


def test_all_units_in_one_call(calls):
    calls.answer(0, b"SourcePath=/etc/a.container\nId=a.service\n\nId=b.service\nSourcePath=\n", "")
    assert Systemctl(ALICE, 30).show(["b.service", "a.service", "b.service"], ["SourcePath", "FragmentPath"]) == {
        "a.service": {"Id": "a.service", "SourcePath": "/etc/a.container"}, "b.service": {"Id": "b.service", "SourcePath": ""}}
    assert calls == [("systemctl --user show --property=Id,SourcePath,FragmentPath -- a.service b.service", 30, ALICE)]


@pytest.mark.parametrize("name", [
    "", "web", "--version", "--root=x.service", "a b.service", "a.service\n", "../a.service", "a*.service", "web@.service",
    "x" * 300 + ".service",
])
def test_what_is_no_unit_is_not_asked_for(calls, name):
    assert Systemctl(ROOT, 30).show([name], ["ExecStart"]) == {}
    assert calls == []


@pytest.mark.parametrize("name", [
    "web.service", "web@1.service", "user@1000.service", "libpod-ab.scope", "podman-restart.service", "a\\x2db.service",
    "web@a@b.service", "batch.timer", "a:b_c.1.service",
])
def test_unit_names(calls, name):
    Systemctl(ROOT, 30).show([name], ["ExecStart"])
    assert calls[0][0].endswith("-- " + name)


def test_a_failure_says_what_was_asked_and_why(calls):
    calls.answer(1, b"", "x" * 1000 + "Failed to connect to bus")
    with pytest.raises(SystemctlError, match="^systemctl --user restart: exit code 1: x+Failed to connect to bus$") as caught:
        Systemctl(ALICE, 30).run("restart", "--", "a.service")
    assert len(str(caught.value)) < 600
    calls.answer(4, b"", "")
    with pytest.raises(SystemctlError, match=r"^systemctl enable a.timer: exit code 4: \(no message\)$"):
        Systemctl(ROOT, 30).run("enable", "a.timer")


@pytest.mark.parametrize("name", ["*", "--host=evil", "", "a b.service", "*.service", "web"])
def test_nothing_but_a_unit_follows_the_dashes(calls, name):
    with pytest.raises(SystemctlError, match="is not the name of a unit"):
        Systemctl(ROOT, 30).run("stop", "--", "a.service", name)
    assert calls == []


def test_units_that_were_printed_before_a_failure_can_be_had(calls):
    calls.answer(1, b"Id=a.service\nExecStart=x\n", "Failed to get properties")
    assert Systemctl(ROOT, 30).show(["a.service", "b.service"], ["ExecStart"], partial=True) == {
        "a.service": {"Id": "a.service", "ExecStart": "x"}}
    with pytest.raises(SystemctlError, match="Failed to get properties"):
        Systemctl(ROOT, 30).show(["a.service", "b.service"], ["ExecStart"])


def test_it_can_not_be_run(monkeypatch):
    def run(argv, _timeout, _identity):
        raise CommandError("%s did not answer in time" % argv[0])

    monkeypatch.setattr(systemctl, "run_command", run)
    for call in (lambda it: it.run("stop", "a.service"), lambda it: it.state("is-active", "a.service"),
                 lambda it: it.show(["a.service"], ["ExecStart"]), lambda it: it.show(["a.service"], ["ExecStart"], True)):
        with pytest.raises(SystemctlError, match="systemctl did not answer in time"):
            call(Systemctl(ROOT, 30))


def test_a_state_is_a_word_whatever_the_exit_code(calls):
    calls.answer(3, b"inactive\n", "")
    assert Systemctl(None, 30).state("is-active", "a.timer") == "inactive"
    assert calls == [("systemctl is-active a.timer", 30, None)]


@pytest.mark.parametrize("text", ["", "\n\n", "Failed to get properties: Transport endpoint is not connected", "WantedBy=x\n"])
def test_no_unit_in_the_answer(text):
    assert parse_show(text) == {}


def test_values_that_have_equals_signs_or_stand_on_several_lines():
    text = "ExecStart={ path=/bin/a ; argv[]=/bin/a --x=1 ; }\nExecStart={ path=/bin/b ; }\nId=a.service\nWantedBy=\n"
    assert parse_show(text) == {"a.service": {
        "Id": "a.service", "WantedBy": "", "ExecStart": "{ path=/bin/a ; argv[]=/bin/a --x=1 ; }\n{ path=/bin/b ; }"}}


def test_what_splits_lines_elsewhere_does_not_here():
    assert parse_show("Id=a.service\nDescription=a\u2028Id=b.service\x0bc\n") == {
        "a.service": {"Id": "a.service", "Description": "a\u2028Id=b.service\x0bc"}}
