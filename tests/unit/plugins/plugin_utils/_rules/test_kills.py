# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""oom-killed: one finding per container, and what it says; on recorded facts and on small ones."""

from __future__ import annotations

import time

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._model.container_key import ContainerKeys
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.policy import BUILT_IN
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.tally import Tally
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.evaluate import evaluate_facts
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.kills import kill_findings

MIB = 1024 * 1024
KILLED = {"killed": True, "cause": "container_limit", "lethal": True, "confidence": "certain", "count": 1,
          "last_at": "2026-11-23T18:00:00Z"}


def killed(container, **oom):
    made = container(state__status="exited", state__exit_code=137, memory__effective=None)
    made["oom"].update({**KILLED, **oom})
    return made


def kills(facts):
    return kill_findings("h", facts, ContainerKeys(facts))


@pytest.mark.parametrize("oom, severity", [
    ({}, "critical"),
    ({"confidence": "likely"}, "high"),
    ({"lethal": None}, "high"),
    ({"lethal": False}, "medium"),
    ({"lethal": False, "count": 3}, "high"),
    # the present run was not hit, an earlier one was
    ({"killed": False, "cause": "none", "lethal": False}, "medium"),
    ({"killed": False, "cause": "none", "lethal": False, "count": 5}, "high"),
    ({"killed": None, "cause": "unknown", "lethal": None, "count": 1}, "medium"),
])
def test_severity(container, facts, oom, severity):
    assert [finding["severity"] for finding in kills(facts(killed(container, **oom)))] == [severity]


def test_no_kill_no_finding(container, facts):
    assert not kills(facts(container()))


@pytest.mark.parametrize("oom, expected", [
    ({}, "hit its own limit of 64 MiB"),
    ({"cause": "ancestor_limit", "scope": "/a/b.slice"}, "hit the limit of b.slice"),
    ({"cause": "ancestor_limit", "scope": "/machine.slice/machine-libpod_pod_%s.slice" % ("ab" * 32)},
     "hit the limit of its pod (abababababab)"),
    ({"cause": "ancestor_limit"}, "hit the limit of its pod or slice"),
    ({"cause": "nested_limit", "scope": "/machine.slice/libpod-%s.scope/container/inner-job" % ("ab" * 32), "scope_limit": 20 * MIB},
     "hit the limit of inner-job inside it (20 MiB)"),
    ({"cause": "nested_limit", "scope": "/a/libpod-%s.scope/container/libpod_parent/libpod-%s" % ("ab" * 32, "cd" * 32)},
     "hit the limit of libpod-cdcdcdcdcdcd inside it"),
    ({"cause": "nested_limit"}, "hit the limit of a cgroup inside it"),
    ({"cause": "cpuset_oom", "scope": "NUMA node 4 (cpuset db)"}, "NUMA node 4 (cpuset db) ran out of memory, not the host"),
    ({"cause": "host_oom"}, "the host ran out of memory"),
    ({"cause": "systemd_oomd", "scope": "/user.slice"}, "systemd-oomd: memory pressure in user.slice"),
    ({"cause": "unknown"}, "OOM kill, cause unknown"),
])
def test_cause_in_words(container, facts, oom, expected):
    assert kills(facts(killed(container, **oom)))[0]["summary"].startswith(expected + "; ended it, exit 137; ")


@pytest.mark.parametrize("oom, command", [
    ({"cause": "nested_limit", "scope": "/machine.slice/libpod-1.scope/container/inner-job"},
     "grep . -- /sys/fs/cgroup/machine.slice/libpod-1.scope/container/inner-job/memory.max"),
    ({"cause": "nested_limit", "scope": "/machine.slice/$(reboot)"}, "# no command can be shown"),
    ({"cause": "cpuset_oom", "scope": "NUMA node 1 (cpuset $(reboot))"}, "grep -E 'MemTotal|MemFree' -- /sys/devices/system/node"),
])
def test_what_is_not_the_containers_limit_is_not_raised(container, facts, oom, command):
    remedy = kills(facts(killed(container, **oom)))[0]["remedy"]
    assert command in remedy and "podman update" not in remedy and "reboot" not in remedy


def test_runs_that_ended_by_a_kill_are_said_though_the_present_one_lives(container, facts):
    loop = container()
    loop["oom"].update({**KILLED, "killed": False, "cause": "none", "lethal": False, "count": 10, "lethal_count": 10,
                        "history": [{"at": KILLED["last_at"], "pid": 1, "task": "sort", "rss": 1, "cause": "container_limit"}]})
    finding = kills(facts(loop))[0]
    assert finding["summary"].startswith("hit its own limit of 64 MiB; ended 10 earlier runs; ")
    assert finding["severity"] == "high" and "10 kills are known, 10 of them ended a run." in finding["detail"]
    tally = Tally()
    tally.add_finding(finding)
    assert tally.oom["lethal"] == 1


def at(seconds):
    return "2026-11-23T18:%02d:%02dZ" % divmod(seconds, 60)


@pytest.mark.parametrize("times, expected", [
    (range(0, 200, 4), "50 kills are known, 50 of them ended a run, 50 of them within 3 min, one in 4 s."),
    ([0, 1, 2], "3 kills are known, 3 of them ended a run, 3 of them within 2 s, one in 1 s."),
    ([0, 4], "2 kills are known, 2 of them ended a run."),
    ([0, 0, 0, 4], "4 kills are known, 4 of them ended a run."),  # a group kill is one
    ([], "5 kills are known, 5 of them ended a run.")])
def test_how_fast_and_for_how_long_a_crash_loop_goes(container, facts, times, expected):
    history = [{"at": at(seconds), "pid": 1, "task": "sort", "rss": 1, "cause": "container_limit"} for seconds in times]
    count = len(history) or 5
    loop = killed(container, count=count, lethal_count=count, history=history, last_at=at(max(times, default=0)))
    assert expected in kills(facts(loop))[0]["detail"]


def test_the_kills_of_removed_containers_are_one_loop(container, facts):
    removed = [{"id": "%064x" % number, "user": "root", "name": "web", "oom": {
        **KILLED, "last_at": at(number), "history": [{"at": at(number), "pid": 1, "task": "sort", "rss": 1, "cause": "container_limit"}]}}
        for number in range(0, 300, 5)]
    assert "60 of them within 4 min, one in 5 s." in kills(facts(removed=removed))[0]["detail"]


def test_a_crash_loop_with_rm_is_one_finding(container, facts):
    removed = [{"id": "%064x" % number, "user": "root", "name": "web",
                "oom": {**KILLED, "last_at": "2026-11-23T18:%02d:00Z" % number}} for number in range(50)]
    findings = kills(facts(killed(container), removed=removed))
    assert len(findings) == 1
    assert findings[0]["evidence"]["count"] == 51
    assert findings[0]["evidence"]["last_at"] == "2026-11-23T18:49:00Z"
    assert findings[0]["evidence"]["removed"]


def test_identity_survives_recreation_and_a_name_of_a_unit(container, facts):
    one = kills(facts(killed(container)))[0]
    other = killed(container)
    other["id"] = "d" * 64
    assert kills(facts(other))[0]["id"] == one["id"]
    # a unit whose container gets a random name each time
    ids = set()
    for name in ("happy_hopper", "sad_shannon"):
        unit = killed(container)
        unit.update(name=name, manager={"kind": "systemd", "unit": "job.service"})
        ids.add(kills(facts(unit))[0]["id"])
    assert len(ids) == 1


def test_containers_of_one_unit_are_told_apart(container, facts):
    pod = []
    for name in ("app", "db"):
        made = killed(container)
        made.update(name=name, id=name.ljust(64, "0"), manager={"kind": "kube", "unit": "pod.service"})
        pod.append(made)
    assert len({finding["id"] for finding in kills(facts(*pod))}) == 2


def test_hostile_names_are_inert(container, facts):
    made = killed(container, victims=[{"pid": 1, "task": "\x1b[2J\u202e", "at": None, "rss": 1}])
    made["name"] = "\x1b]0;x\x07"
    finding = kills(facts(made))[0]
    for key in ("summary", "detail", "remedy"):
        assert "\x1b" not in finding[key] and "\u202e" not in finding[key]


# what the scenarios on a real Debian 13 have to come out as: (lethal, current run, how often, flag)
RECORDED = {
    "pid1-kill": (True, True, 1, "agrees"),
    "child-kill-running": (False, True, 1, "missed"),
    "group-kill": (True, True, 1, "agrees"),
    "pod-limit": (True, True, 1, "agrees"),
    "slice-limit": (True, True, 1, "agrees"),
    "restart-after-kill": (None, False, 1, "stale"),
    "restart-loop": (True, True, 3, "agrees"),
    "exec-kill-user-kill": (False, True, 1, "overstated"),
}


@pytest.mark.parametrize("user", ["root", "alice"])
def test_recorded(recorded, user):
    findings = {finding["container"]: finding for finding in kills(recorded("debian13-root")) if finding["user"] == user}
    assert {name: (finding["evidence"]["lethal"], finding["evidence"]["current_run"], finding["evidence"]["count"],
                   finding["evidence"]["flag_trust"]) for name, finding in findings.items()} == RECORDED


def test_recorded_removed(recorded):
    findings = kills(recorded("debian12-root"))
    assert [(finding["user"], finding["severity"], finding["evidence"]["removed"]) for finding in findings] == [
        ("alice", "critical", True)]


def test_recorded_findings_have_distinct_ids(recorded):
    findings = evaluate_facts("h", recorded("debian13-root"), "root", BUILT_IN)
    assert len({finding["id"] for finding in findings}) == len(findings)


def test_many_kills_take_no_more_than_their_number(container):
    """One host's facts must not occupy the controller: looked for in all containers for each, 10,000 took half a minute."""
    def killed(number, **more):
        return {**container(oom__killed=True, oom__cause="container_limit", oom__count=1, id="%064x" % number, name="n%d" % number,
                            manager__kind="systemd", manager__unit="u%d.service" % (number % 5000)), **more}

    facts = {"host": {}, "containers": [killed(number) for number in range(5000)],
             "removed": [killed(number, gone=True) for number in range(5000, 10000)]}
    keys, began = ContainerKeys(facts), time.process_time()
    assert len(kill_findings("h", facts, keys)) == 5000
    assert time.process_time() - began < 5
