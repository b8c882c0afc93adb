# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts' answers: whole, under any name, from many forks."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._ansible.run_dir import RunDir

ODD = ["web1", "../../etc/passwd", "x" * 300, "odd name/..:é", "-", "\ud800", "CON", "a\nb"]


@pytest.fixture
def run(tmp_path):
    made = RunDir(str(tmp_path / "run"))
    made.begin("2026-11-23T19:00:00Z")
    return made


def record(host, problem=None):
    return {"host": host, "run_as": "root", "problem": problem, "facts": None if problem else {"a": "\ud800é"}}


@pytest.mark.parametrize("host", ODD)
def test_any_name(run, tmp_path, host):
    run.put_record(record(host))
    assert run.get_record(host) == record(host)
    assert sorted(os.listdir(tmp_path)) == ["run"]


def test_odd_names_are_told_apart(run):
    for host in ODD:
        run.put_record(record(host))
    assert [each[1]["host"] for each in run.records(ODD)] == ODD


def test_no_record(run):
    assert run.get_record("web") is None
    assert not run.is_checked("web")


def test_the_last_record_counts(run):
    run.put_record(record("web", {"kind": "failed", "message": "x"}))
    assert not run.is_checked("web")
    run.put_record(record("web"))
    assert run.is_checked("web") and run.get_record("web")["problem"] is None
    run.put_record(record("web", {"kind": "failed", "message": "x"}))
    assert not run.is_checked("web") and run.get_record("web")["problem"]


def test_hosts_that_are_not_asked_are_kept_over_batches(run):
    run.refuse({"a": "x"})
    run.refuse({"a": "y", "b": "z"})
    assert run.get_state() == {"started_at": "2026-11-23T19:00:00Z", "refused": {"a": "y", "b": "z"}}


def test_the_first_one_says_when_it_began(tmp_path):
    run = RunDir(str(tmp_path / "run"))
    assert not run.exists()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run.begin, ["2026-11-23T19:00:%02dZ" % second for second in range(40)]))
    first = run.get_state()["started_at"]
    run.begin("2027-01-01T00:00:00Z")
    assert run.get_state()["started_at"] == first
    assert not [name for name in os.listdir(tmp_path / "run") if name.startswith(".new-")]


def test_what_is_no_json_is_refused(run):
    with pytest.raises(ValueError):
        run.put_record({"host": "web", "problem": None, "facts": {"x": float("nan")}})
    assert run.get_record("web") is None


def test_remove(run, tmp_path):
    run.put_record(record("web"))
    run.remove()
    assert not run.exists() and not (tmp_path / "run").exists()
