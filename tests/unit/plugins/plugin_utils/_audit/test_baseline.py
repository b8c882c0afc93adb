# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resolved is only what this run could have found again."""

from __future__ import annotations

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.baseline import BaselineFinding, Scope


def known(rule, user=None, container=None):
    return BaselineFinding(
        id="0" * 16, host="h", rule=rule, severity="high", user=user, container=container, unit=None, summary="s",
        first_seen="2026-11-01T00:00:00Z", last_seen="2026-11-02T00:00:00Z", last_at=None)


def entry(facts=None, status="checked", only=None):
    return {"name": "h", "status": status, "only": only, "facts": facts}


def source(name, user, status="ok"):
    return {"name": name, "user": user, "status": status, "detail": None, "covers_since": None}


@pytest.fixture
def host(container, facts):
    """Facts of a host whose sources are as given; with one container, web."""
    def make(*sources, containers=None, **changes):
        return facts(*([container(**changes)] if containers is None else containers), sources=list(sources))
    return make


OK = source("podman", "root"), source("kernel_log", None)
LIMIT, KILL, NEAR, STALLS = (known(rule, "root", "web") for rule in (
    "memory-limit-missing", "oom-killed", "near-limit", "memory-stalls"))


@pytest.mark.parametrize("seen", [LIMIT, KILL, NEAR, STALLS, known("cgroup-v1"), known("host-overcommitted"), known("waiver-expired"),
                                  known("evidence-missing")])
def test_all_was_looked_at(host, seen):
    assert Scope(entry(host(*OK)), []).covers(seen)
    assert not Scope(entry(None, "not_checked"), []).covers(seen)


@pytest.mark.parametrize("sources, expected", [
    ([source("podman", "root", "unavailable")], False),
    ([source("podman", "root", "partial")], False),
    ([source("podman", "alice")], False),  # root was not asked for
    ([], False),
])
def test_containers_that_could_not_be_listed(host, sources, expected):
    assert Scope(entry(host(*sources), "partial"), []).covers(LIMIT) is expected


def test_only_some_containers_were_asked_for(host):
    assert Scope(entry(host(*OK), only=["web"]), []).covers(LIMIT)
    assert not Scope(entry(host(*OK), only=["db"]), []).covers(LIMIT)
    assert not Scope(entry(host(*OK), only=["web"]), []).covers(known("host-overcommitted"))


def test_an_undecided_container(host):
    undecided = {"rule": "evidence-missing", "user": "root", "container": "web", "evidence": {"scope": "container"}}
    assert not Scope(entry(host(*OK), "partial"), [undecided]).covers(KILL)
    assert Scope(entry(host(*OK), "partial"), [undecided]).covers(known("oom-killed", "root", "db"))


def test_a_removed_container_is_told_by_the_records(host):
    gone = host(*OK, containers=[])
    assert Scope(entry(gone), []).covers(KILL) and Scope(entry(gone), []).covers(LIMIT)
    blind = host(OK[0], source("kernel_log", None, "partial"), containers=[])
    assert not Scope(entry(blind, "partial"), []).covers(KILL)
    assert Scope(entry(blind, "partial"), []).covers(LIMIT)


@pytest.mark.parametrize("finding", [NEAR, STALLS])
def test_use_that_could_not_be_read(host, finding):
    assert not Scope(entry(host(*OK, memory__usage=None), "partial"), []).covers(finding)
    assert Scope(entry(host(*OK, memory__usage=None, state__status="exited")), []).covers(finding)


def test_sums_need_all_of_a_host(host):
    assert not Scope(entry(host(*OK), "partial"), []).covers(known("host-overcommitted"))
    assert Scope(entry(host(*OK), "partial"), []).covers(known("cgroup-v1"))


def test_a_gap_of_a_user_who_was_not_asked_for(host):
    assert not Scope(entry(host(*OK), "partial"), []).covers(known("evidence-missing", "alice"))
    assert Scope(entry(host(*OK), "partial"), []).covers(known("evidence-missing", "root"))
