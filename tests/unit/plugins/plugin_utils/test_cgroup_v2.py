# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits that are not enforced, and the summary of a fleet."""

from __future__ import annotations

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._cgroup_v2 import cgroup_v2_summary, cgroup_v2_unenforced_limits


def container(declared, effective, status="running", name="web"):
    return {"id": "c" * 64, "name": name, "user": "root", "state": {"status": status},
            "memory": {"declared": {"limit": declared}, "effective": effective, "own": True}}


@pytest.mark.parametrize("one, words", [
    (container(1 << 20, {"limit": 1 << 20, "source": "/x"}), None),
    (container(None, {"limit": None, "source": None}), None),
    (container(1 << 20, None, status="exited"), None),
    (container(1 << 20, {"limit": None, "source": None}), ["web of root", "1 MiB declared, no limit enforced"]),
    (container(1 << 20, None), ["web of root", "not known"]),
])
def test_unenforced_limits(one, words):
    result = cgroup_v2_unenforced_limits({"containers": [one]})
    assert bool(result) is bool(words)
    assert all(word in result[0] for word in words or ())


def test_summary():
    hostvars = {
        "a": {"cgroup_v2_status": {"state": "ready", "why": []}},
        "b": {"cgroup_v2_status": {"state": "cannot", "why": ["old kernel"]}},
        "c": {},
        "d": {"cgroup_v2_status": {"state": "failed", "why": ["gone"]}},
        "e": {"cgroup_v2_status": {"state": "not_started", "why": []}},
        "f": {"cgroup_v2_status": {"state": "reboot_required", "why": ["x", "y"]}},
    }
    result = cgroup_v2_summary(hostvars, list("fedcbag"))
    assert result["hosts"] == {"ready": ["a"], "cannot": ["b"], "not_reached": ["c", "g"], "failed": ["d"], "not_started": ["e"],
                               "reboot_required": ["f"]}
    assert result["failed_hosts"] == ["d", "b", "c", "g", "e"]
    assert result["lines"][:3] == ["FAILED, look at it first: 1", "  d", "    - gone"]
    assert result["lines"][-2:] == ["READY: 1", "  a"]
    assert "    - old kernel" in result["lines"] and "    - y" in result["lines"]


def test_summary_of_nothing():
    assert cgroup_v2_summary({}, [])["lines"] == []


@pytest.mark.parametrize("status", [
    7, "ready", {"state": "ready"}, {"state": "ready", "why": 7}, {"state": "ready", "why": "abc"}, {"state": ["ready"], "why": []},
    {"state": "splendid", "why": []}])
def test_a_host_that_says_something_else_does_not_end_the_summary(status):
    hostvars = {"odd": {"cgroup_v2_status": status}, "good": {"cgroup_v2_status": {"state": "ready", "why": []}}}
    result = cgroup_v2_summary(hostvars, ["odd", "good"])
    assert result["hosts"]["ready"] == ["good"] and result["failed_hosts"] == ["odd"]


def test_one_host_does_not_fill_the_summary_and_does_nothing_to_a_terminal():
    result = cgroup_v2_summary({"a": {"cgroup_v2_status": {"state": "cannot", "why": ["x\x1b[2J" * 1000] * 1000}}}, ["a"])
    assert len("\n".join(result["lines"])) < 20000 and "\x1b" not in "\n".join(result["lines"])
    assert result["lines"][-1] == "    - and 980 more"
