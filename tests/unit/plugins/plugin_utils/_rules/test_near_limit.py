# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What dies next: working set, pressure, swap, and limits that containers share."""

from __future__ import annotations

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._model.container_key import ContainerKeys
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.near_limit import near_limit_findings

MIB = 1024 ** 2


@pytest.fixture
def near(container, facts):
    """Return a function that gives the findings on one container of 100 MiB: used MiB, and changes of the rest."""
    def make(used, swap=0, swap_limit=100, stalled=0.0, events=None, host_swap=0, **changes):
        one = container(
            memory__usage={"current": used * MIB, "working_set": used * MIB, "peak": 100 * MIB, "swap": swap * MIB,
                           "pressure_full_avg300": stalled},
            memory__events=dict({"low": 0, "high": 0, "max": 0, "oom": 0}, **(events or {})),
            memory__effective__limit=100 * MIB,
            memory__effective__swap_limit=None if swap_limit is None else swap_limit * MIB, **changes)
        made = facts(one, host={"cgroup_version": 2, "memory_total": 1 << 30, "swap_total": host_swap * MIB})
        return near_limit_findings("h", made, ContainerKeys(made))
    return make


@pytest.mark.parametrize("used, severity", [(10, None), (79, None), (80, "medium"), (89, "medium"), (90, "high"), (100, "high")])
def test_working_set(near, used, severity):
    assert [finding["severity"] for finding in near(used)] == ([severity] if severity else [])


def test_what_is_said(near):
    finding = near(93, events={"max": 3, "oom": 1}, swap=2)[0]
    assert finding["rule"] == "near-limit" and finding["summary"] == "uses 93 % of its 100 MiB"
    assert finding["detail"] == (
        "The working set (without page cache that can go) is 93 MiB. It hit its limit 3 times in this run. "
        "2 MiB of swap in use. It cannot swap: the next step over the limit is a kill.")
    assert finding["evidence"]["share"] == 0.93 and finding["evidence"]["events"] == {"high": 0, "max": 3, "oom": 1}
    assert "podman update --memory=208m" in finding["remedy"]


def test_one_that_may_not_be_killed_hangs(near):
    """--oom-kill-disable, which cgroup v1 alone has."""
    finding = near(99, memory__effective__oom_kill_disabled=True)[0]
    assert finding["summary"] == "uses 99 % of its 100 MiB, hangs at its limit instead of being killed"
    assert "(--oom-kill-disable): at its limit its tasks stop" in finding["detail"] and "is a kill" not in finding["detail"]


@pytest.mark.parametrize("stalled, events, severity", [
    # page cache that is reclaimed at the limit is no trouble
    (0.0, {"max": 5000}, None),
    (0.5, {"max": 5000}, None),
    (1.0, {"max": 5000}, "medium"),
    (10.0, {"max": 5000}, "high"),
    (10.0, {"high": 7}, "high"),
    # stalled, but not by a limit of its own
    (50.0, {}, None),
])
def test_pressure(near, stalled, events, severity):
    findings = near(20, stalled=stalled, events=events)
    assert [(finding["rule"], finding["severity"]) for finding in findings] == ([("memory-stalls", severity)] if severity else [])
    assert not findings or "stalled %.0f %% of the time" % stalled in findings[0]["summary"]


def test_what_is_said_of_stalls(near):
    finding = near(20, stalled=12.0, events={"high": 7}, memory__effective__high=50 * MIB)[0]
    assert finding["summary"] == "stalled 12 % of the time, uses 20 % of its 100 MiB"
    assert finding["detail"] == (
        "For that share of the last five minutes all of its tasks waited for memory (PSI full, avg300). The working set (without "
        "page cache that can go) is 20 MiB. memory.high of 50 MiB throttled it 7 times.")
    group = "/sys/fs/cgroup" + finding["evidence"]["source"]
    files = ["%s/memory.%s" % (group, name) for name in ("high", "max", "events", "pressure")]
    assert finding["remedy"].splitlines() == [
        "# memory.high of 50 MiB throttles it: raise that above its working set",
        "# see whether it waits for reclaim at this limit, or the whole host lacks memory",
        "grep . -- %s /proc/pressure/memory" % " ".join(files)]


def test_stalls_of_what_has_no_limit(near):
    findings = near(20, stalled=12.0, events={"high": 7}, memory__effective__source=None, memory__declared__limit=None)
    assert [finding["rule"] for finding in findings] == ["memory-stalls"]
    assert "\ngrep . -- /proc/pressure/memory" in findings[0]["remedy"]


@pytest.mark.parametrize("used, swap_limit, host_swap, stalled, rule, severity", [
    # near its limit: one finding, and stalls make it worse
    (85, 100, 0, 5.0, "near-limit", "medium"),
    (85, 100, 0, 10.0, "near-limit", "high"),
    # it could still swap, so it is not near
    (85, 200, 500, 5.0, "memory-stalls", "medium"),
])
def test_a_container_is_near_its_limit_or_stalls(near, used, swap_limit, host_swap, stalled, rule, severity):
    findings = near(used, swap_limit=swap_limit, host_swap=host_swap, stalled=stalled, events={"max": 5})
    assert [(finding["rule"], finding["severity"]) for finding in findings] == [(rule, severity)]


@pytest.mark.parametrize("swap_limit, swap, host_swap, severity", [
    (200, 0, 0, "high"),  # no swap on the host: the kernel has nothing to swap to
    (200, 0, 500, "medium"),
    (200, 95, 500, "high"),  # its swap is full as well
    (None, 0, 500, "medium"),
    (100, 0, 500, "high"),  # memory and swap together: none left for swap
])
def test_swap_is_room(near, swap_limit, swap, host_swap, severity):
    assert near(95, swap=swap, swap_limit=swap_limit, host_swap=host_swap)[0]["severity"] == severity


def test_swap_room_of_what_is_not_that_near(near):
    # it gets slow before it dies: low would be a finding nobody reads
    assert not near(85, swap_limit=200, host_swap=500)


@pytest.mark.parametrize("changes", [
    {"state__status": "exited"}, {"is_infra": True, "pod": "p", "memory__usage": {"working_set": MIB // 5}, "memory__effective__limit": MIB // 5},
    {"memory__effective": None},
])
def test_not_for_these(container, facts, changes):
    one = container(**{"memory__usage": {"working_set": 64 * MIB, "current": 64 * MIB}, **changes})
    made = facts(one)
    assert not near_limit_findings("h", made, ContainerKeys(made))


@pytest.mark.parametrize("usage", [None, {}, {"current": 64 * MIB, "working_set": None}])
def test_what_could_not_be_read_is_not_near(container, facts, usage):
    made = facts(container(memory__usage=usage))
    assert not near_limit_findings("h", made, ContainerKeys(made))


def test_no_limit_is_not_near(container, facts):
    made = facts(container(memory__usage={"working_set": 1 << 40, "current": 1 << 40}, memory__effective__limit=None))
    assert not near_limit_findings("h", made, ContainerKeys(made))


def test_a_shared_limit_is_used_by_all_that_share_it(container, facts):
    pod = "/machine.slice/machine-libpod_pod_%s.slice" % ("a" * 64)
    made = []
    for number in range(3):
        used = 2 * MIB if number == 0 else 29 * MIB
        one = container(memory__usage={"working_set": used, "current": used}, memory__effective__limit=64 * MIB, pod="p",
                        memory__effective__source=pod)
        one.update(id="%064x" % number, name="c%d" % number, is_infra=number == 0)
        made.append(one)
    given = facts(*made)
    findings = near_limit_findings("h", given, ContainerKeys(given))
    assert [finding["container"] for finding in findings] == ["c1", "c2"]
    assert findings[0]["summary"] == "uses 94 % of the 64 MiB of its pod (aaaaaaaaaaaa), shared by 3 containers"
    assert "systemctl show" in findings[0]["remedy"]


def test_recorded_hosts_have_none(recorded):
    for name in ("debian13-root", "debian13-alice", "debian12-root"):
        made = recorded(name)
        assert not near_limit_findings("h", made, ContainerKeys(made))
