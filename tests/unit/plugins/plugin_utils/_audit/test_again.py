# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resolved is only what this run looked for."""

from __future__ import annotations

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.again import Looked
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.baseline import Known


def known(rule, user=None, container=None):
    return Known("0" * 16, "h", rule, "high", user, container, None, "s", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", None)


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
LIMIT, KILL, NEAR = (known(rule, "root", "web") for rule in ("memory-limit-missing", "oom-killed", "near-limit"))


@pytest.mark.parametrize("seen", [LIMIT, KILL, NEAR, known("cgroup-v1"), known("host-overcommitted"), known("waiver-expired"),
                                  known("evidence-missing")])
def test_all_was_looked_at(host, seen):
    assert Looked(entry(host(*OK)), []).at(seen)
    assert not Looked(entry(None, "not_checked"), []).at(seen)


@pytest.mark.parametrize("sources, expected", [
    ([source("podman", "root", "unavailable")], False),
    ([source("podman", "root", "partial")], False),
    ([source("podman", "alice")], False),  # root was not asked for
    ([], False),
])
def test_containers_that_could_not_be_listed(host, sources, expected):
    assert Looked(entry(host(*sources), "partial"), []).at(LIMIT) is expected


def test_only_some_containers_were_asked_for(host):
    assert Looked(entry(host(*OK), only=["web"]), []).at(LIMIT)
    assert not Looked(entry(host(*OK), only=["db"]), []).at(LIMIT)
    assert not Looked(entry(host(*OK), only=["web"]), []).at(known("host-overcommitted"))


def test_an_undecided_container(host):
    undecided = {"rule": "evidence-missing", "user": "root", "container": "web", "evidence": {"scope": "container"}}
    assert not Looked(entry(host(*OK), "partial"), [undecided]).at(KILL)
    assert Looked(entry(host(*OK), "partial"), [undecided]).at(known("oom-killed", "root", "db"))


def test_a_removed_container_is_told_by_the_records(host):
    gone = host(*OK, containers=[])
    assert Looked(entry(gone), []).at(KILL) and Looked(entry(gone), []).at(LIMIT)
    blind = host(OK[0], source("kernel_log", None, "partial"), containers=[])
    assert not Looked(entry(blind, "partial"), []).at(KILL)
    assert Looked(entry(blind, "partial"), []).at(LIMIT)


def test_use_that_could_not_be_read(host):
    assert not Looked(entry(host(*OK, memory__usage=None), "partial"), []).at(NEAR)
    assert Looked(entry(host(*OK, memory__usage=None, state__status="exited")), []).at(NEAR)


def test_sums_need_all_of_a_host(host):
    assert not Looked(entry(host(*OK), "partial"), []).at(known("host-overcommitted"))
    assert Looked(entry(host(*OK), "partial"), []).at(known("cgroup-v1"))


def test_a_gap_of_a_user_who_was_not_asked_for(host):
    assert not Looked(entry(host(*OK), "partial"), []).at(known("evidence-missing", "alice"))
    assert Looked(entry(host(*OK), "partial"), []).at(known("evidence-missing", "root"))
