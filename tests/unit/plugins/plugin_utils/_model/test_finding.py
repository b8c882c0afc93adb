# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings: ids that reports of other versions know, the rule's severity, and the owner after a name."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._model.container_key import ContainerKey
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._model.finding import (
    SEVERITIES,
    fingerprint,
    make_finding,
    owner_suffix,
    severity_rank,
)

TEXTS = {"summary": "s", "detail": "d", "remedy": "r", "evidence": {}}


def test_an_id_never_changes():
    # another one would make every finding new
    assert fingerprint("oom-killed", "h", "root", "web") == "3888d2662e58913d"
    assert fingerprint("cgroup-v1", "h") == "482b496da4ef4f21"


def test_different_subjects_have_different_ids():
    parts = itertools.product(("cgroup-v1", "oom-killed"), ("h", "hr"), (None, "r", "ro"), (None, "w"))
    ids = {fingerprint(*each) for each in parts}
    assert len(ids) == 24


@pytest.mark.parametrize("name", ["\ud800", "日本語", "\x1b"])
def test_any_name_has_an_id(name):
    assert len(fingerprint("oom-killed", name, name, name)) == 16


def test_of_a_container_and_of_a_host():
    finding = make_finding("oom-killed", "h", ContainerKey("job.service", "alice", "happy_hopper", "job.service"), **TEXTS)
    assert finding["id"] == fingerprint("oom-killed", "h", "alice", "job.service")
    assert (finding["user"], finding["container"], finding["unit"]) == ("alice", "happy_hopper", "job.service")
    finding = make_finding("evidence-missing", "h", user="bob", subject="source:podman", **TEXTS)
    assert finding["id"] == fingerprint("evidence-missing", "h", "bob", "source:podman")
    assert (finding["user"], finding["container"], finding["unit"]) == ("bob", None, None)


def test_severity():
    assert make_finding("memory-limit-missing", "h", **TEXTS)["severity"] == "high"
    assert make_finding("memory-limit-missing", "h", severity="info", **TEXTS)["severity"] == "info"
    assert sorted(["odd", *reversed(SEVERITIES)], key=severity_rank) == [*SEVERITIES, "odd"]


@pytest.mark.parametrize("user, expected", [(None, ""), ("root", ""), ("alice", " (alice)"), ("\x1b", " (\\x1b)")])
def test_owner(user, expected):
    assert owner_suffix(user) == expected


def test_owner_in_another_format():
    assert owner_suffix("a", lambda text, longest: "<%s %d>" % (text, longest), " [%s]") == " [<a 40>]"
