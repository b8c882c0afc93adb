# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workloads of facts: kills of a container and of those before it; what is not of its type or not told is not known."""

from __future__ import annotations

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.history import Day, Kill
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.workloads import day_number, workloads

MIB = 1 << 20
TODAY = day_number("2026-11-30")
DAILY = [{"day": "2026-11-28", "working_set_max": 5 * MIB, "peak": 9 * MIB, "samples": 1440},
         {"day": "2026-11-29", "working_set_max": None, "peak": None, "samples": 3}]
KILL = {"killed": True, "cause": "container_limit", "scope_limit": 64 * MIB, "last_at": "2026-11-29T10:00:00Z", "history": [
    {"at": "2026-11-27T10:00:00Z", "cause": "host_oom"}, {"at": "2026-11-28T10:00:00Z", "cause": "container_limit"},
    {"at": "2026-11-29T10:00:00Z", "cause": "container_limit"}]}


def only(facts):
    known, = workloads(facts, TODAY)
    return known


def test_day_number():
    assert [day_number(text) for text in ("1970-01-02", "1970-01-02T23:59:59Z", "yesterday", None, 7)] == [1, 1, None, None, None]


def test_a_container(container, facts):
    known = only(facts(container(memory__daily=DAILY, memory__events={"oom": 0}, memory__usage={
        "working_set": MIB, "pressure_full_avg300": 0.5})))
    assert known.key == ("web", "root", "web", None) and known.limit == (True, 64 * MIB)
    assert known.workload.days == [Day(TODAY - 2, 5 * MIB, 9 * MIB, 1440), Day(TODAY - 1, None, None, 3)]
    assert (known.workload.kills, known.workload.limit, known.workload.oom_events, known.workload.pressure) == ([], 64 * MIB, 0, 0.5)


def test_only_of_the_last_kill_the_limit_is_told(container, facts):
    assert only(facts(container(oom=KILL))).workload.kills == [
        Kill(TODAY - 3, "host_oom", None), Kill(TODAY - 2, "container_limit", None), Kill(TODAY - 1, "container_limit", 64 * MIB)]
    assert only(facts(container(oom={**KILL, "history": []}))).workload.kills == [Kill(TODAY - 1, "container_limit", 64 * MIB)]


def test_kills_of_the_container_that_it_replaced(container, facts):
    gone = {"id": "d" * 64, "user": "root", "name": "web", "manager": {"kind": "none", "unit": None}, "oom": KILL}
    assert len(only(facts(container(), removed=[gone])).workload.kills) == 3
    assert not only(facts(container(), removed=[{**gone, "user": "alice"}])).workload.kills


def test_an_unknown_verdict_may_be_a_kill(container, facts):
    assert only(facts(container(oom__killed=None))).workload.kills == [Kill(TODAY, "unknown", None)]


def test_an_unknown_limit_is_not_no_limit(container, facts):
    assert only(facts(container(memory__effective=None))).limit.known is False
    assert only(facts(container(memory__effective__limit=None))).limit == (True, None)


def test_infra_containers_are_left_out(container, facts):
    assert not list(workloads(facts(container(is_infra=True, pod="e" * 64, memory__usage={"working_set": MIB})), TODAY))


@pytest.mark.parametrize("daily", [None, 7, "x", {"day": 1}, [None, 7, {}, {"day": 7}, {"day": "never"}]])
def test_no_days(container, facts, daily):
    assert only(facts(container(memory__daily=daily))).workload.days == []


@pytest.mark.parametrize("size", [-1, "9", 1.5, True, [], None])
def test_no_size(container, facts, size):
    assert only(facts(container(memory__daily=[{"day": "2026-11-29", "peak": size, "samples": size}]))).workload.days == [
        Day(TODAY - 1, None, None, 0)]
