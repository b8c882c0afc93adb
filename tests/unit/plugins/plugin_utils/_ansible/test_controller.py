# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host's failure is called, and how wide and how colourful the output is."""

from __future__ import annotations

import time
import types

import pytest

pytest.importorskip("ansible")

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure  # noqa: E402

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._ansible import controller  # noqa: E402
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._terminal import Piece  # noqa: E402


def raised(message):
    """What ansible-core 2.19 and newer give of a module that raised something."""
    return types.SimpleNamespace(event=types.SimpleNamespace(msg=message))


@pytest.mark.parametrize("result, kind, message", [
    ({}, "failed", "no facts came back"),
    ({"msg": "Podman is\nmissing."}, "failed", "Podman is missing"),
    ({"exception": raised("'X' object has no attribute 'y'")}, "failed", "'X' object has no attribute 'y'"),
    ({"msg": "MODULE FAILURE", "exception": "Traceback", "module_stderr": "a\nsh: python3: not found\n"}, "failed",
     "MODULE FAILURE: sh: python3: not found"),
    ({"msg": "x", "unreachable": True}, "unreachable", "x"),
    ({"msg": "Missing sudo password"}, "become", "Missing sudo password"),
    ({"msg": "Unsupported parameters: users_timeout. Supported: users"}, "failed", "Unsupported parameters: users_timeout. Supported: users"),
])
def test_problem_from_result(result, kind, message):
    assert controller.problem_from_result(result) == {"kind": kind, "message": message}


class TaskTimeoutError(BaseException):
    """Named as Ansible's."""


@pytest.mark.parametrize("error, kind, message", [
    (AnsibleConnectionFailure("no route\n to host"), "unreachable", "no route to host"),
    (AnsibleActionFail("Incorrect sudo password"), "become", "Incorrect sudo password"),
    (KeyError(), "failed", "KeyError"),
    (TaskTimeoutError(), "timeout", "gave no answer in time"),
])
def test_problem_from_error(error, kind, message):
    assert controller.problem_from_error(error) == {"kind": kind, "message": message}


@pytest.mark.parametrize("columns, known, expected", [
    (None, None, 79), (None, 120, 120), ("100", None, 100), ("100", 79, 100), ("100", 120, 120), ("wide", 0, 79)])
def test_output_width(monkeypatch, columns, known, expected):
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    assert controller.output_width(known) == expected


@pytest.mark.parametrize("is_colored", [True, False])
def test_colours_are_those_of_ansible(monkeypatch, is_colored):
    monkeypatch.setattr("ansible.utils.color.ANSIBLE_COLOR", is_colored)
    shown = []
    monkeypatch.setattr(controller.display, "display", lambda text, **options: shown.append((text, options)))
    controller.show_lines([[Piece("bad", "2 kills"), Piece("dim", "  "), Piece("plain", "x ")], []])
    assert shown == [("\n%s  x\n\n" % ("\033[0;31m2 kills\033[0m" if is_colored else "2 kills"), {"screen_only": True}),
                     ("2 kills  x\n", {"log_only": True})]


@pytest.mark.parametrize("message, expected", [
    ("Missing sudo password", True), ("Timeout (12s) waiting for privilege escalation prompt", True), ("Incorrect su password", True),
    ("sudo: a password is required", True), ("alice is not in the sudoers file", True), ("sudo is missing", False), ("no space left", False),
    ("Unsupported parameters: users_timeout. Supported parameters include: users", False)])
def test_what_is_about_become(message, expected):
    assert controller.is_about_become(message) is expected


def test_no_message_takes_long():
    begun = time.process_time()
    assert not controller.is_about_become("missing " * 200000)
    assert time.process_time() - begun < 2
