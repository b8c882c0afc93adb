# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A kill in words."""

from __future__ import annotations

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._model.kill_text import (
    describe_flag_error,
    describe_outcome,
    describe_victim,
)

SORT = {"pid": 587, "task": "sort", "rss": 19 * 1024 ** 2}


@pytest.mark.parametrize("evidence, expected", [
    ({"current_run": False, "lethal": True, "exit_code": 137}, "in an earlier run"),
    ({"current_run": True, "lethal": True, "exit_code": 137}, "ended it, exit 137"),
    ({"current_run": True, "lethal": None, "exit_code": None}, "unclear if it ended it"),
    ({"current_run": True, "lethal": False, "running": True}, "lost a process, runs on"),
    ({"current_run": True, "lethal": False, "running": False, "exit_code": 0}, "lost a process, exit 0"),
    ({}, "in an earlier run"),
])
def test_outcome(evidence, expected):
    assert describe_outcome(evidence) == expected


@pytest.mark.parametrize("evidence, expected", [
    ({"victims": [SORT]}, "sort (pid 587, 19 MiB)"),
    # the last one is what ended it
    ({"victims": [{"task": "sh"}, SORT]}, "sort (pid 587, 19 MiB)"),
    ({"victims": [{"task": "sh"}]}, "sh"),
    ({"victims": [SORT], "group": True}, "sort (pid 587, 19 MiB) and with it the whole container"),
    ({"victims": [{"pid": 1}], "group": True}, "the whole container"),
    ({}, ""),
    ({"victims": [{"task": "\x1b[2J"}]}, "\\x1b[2J"),
])
def test_victim(evidence, expected):
    assert describe_victim(evidence) == expected


@pytest.mark.parametrize("trust, is_wrong", [
    ("missed", True), ("stale", True), ("overstated", True), ("agrees", False), ("unknown", False), (None, False)])
def test_flag(trust, is_wrong):
    assert bool(describe_flag_error({"flag_trust": trust})) is is_wrong
