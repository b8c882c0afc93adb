# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a plan: rows, counts, the table of --diff and the screen."""

from __future__ import annotations

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._enforce.host_plan import Change, HostPlan, Skipped, Step
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._enforce.result import (
    count_results,
    refused_containers,
    result_rows,
)
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._enforce.summary import EnforcementSummary
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._enforce.table import render_table
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._terminal import plain_text

MIB = 1024 * 1024
WEB, DB = "a" * 64, "b" * 64
MEMORY = Step(setting="memory", before=None, after=64 * MIB, swap=64 * MIB, rules=("memory-limit-missing",),
              decided_by="rule 1 'a'")
GROUP = Step(setting="oom_group", before=False, after=True, swap=None, rules=("oom-group-mismatch", "limit-not-persistent"),
             decided_by=None)
FAT = Skipped(name="fat", user="alice", rule="memory-limit-out-of-bounds", kind="below_usage", reason="it uses 90 MiB now")
PLAN = HostPlan(changes=(Change(WEB, "web", "root", (MEMORY, GROUP)), Change(DB, "db", "alice", (GROUP,))), skipped=(FAT,),
                containers=5, exempt=1, compliant=1)


def result(ident, user="root", **changes):
    return {"id": ident, "user": user, "name": "x", "changed": True, "applied_live": True, "persistent": True,
            "method": "libpod_api", "restart_required": False, "message": "set", **changes}


def rows(*results):
    return result_rows(PLAN, list(results))


def test_a_row_for_each_setting():
    done = rows(result(WEB), result(DB, "alice"))
    assert [(row["container"], row["user"], row["setting"], row["after"], row["changed"], row["message"]) for row in done] == [
        ("web", "root", "memory", 64 * MIB, True, ""), ("web", "root", "oom_group", True, True, ""),
        ("db", "alice", "oom_group", True, True, "")]


def test_what_has_no_result_has_failed():
    done = rows(result(WEB))
    assert [row["failed"] for row in done] == [False, False, True]
    assert done[2]["message"] == "no result came back for it"
    # the same id of another user is another container
    assert rows(result(DB, "root"))[2]["failed"]


@pytest.mark.parametrize("results, expected", [
    ([], set()),
    ([result(WEB, changed=False), result(DB, "alice", changed=False, failed=True)], {("alice", DB)}),
    # changed, and could not be rolled back
    ([result(WEB, changed=False, failed=False), result(DB, "alice", changed=True, failed=True)], {("alice", DB)}),
    # done, and one of them is not as it should be: nothing to be done again
    ([result(WEB), result(DB, failed=True)], set()),
    # what was done to one user's says nothing about another's
    ([result(WEB), result(DB, "alice", changed=False, failed=True)], {("alice", DB)}),
])
def test_who_is_the_reason_that_nothing_was_done(results, expected):
    assert {(refused["user"], refused["id"]) for refused in refused_containers(results)} == expected


def test_counts_are_of_containers():
    done = rows(result(WEB, persistent=False), result(DB, "alice", changed=False, failed=True))
    assert count_results(PLAN, done) == {
        "containers": 5, "compliant": 1, "exempt": 1, "planned": 2, "changed": 1, "not_persistent": 1, "failed": 1,
        "skipped": {"below_usage": 1}}
    assert count_results(HostPlan(), [])["containers"] == 0


def test_the_table():
    done = rows(result(WEB, persistent=False, message="set; write it into the compose file"),
                result(DB, "alice", changed=False, failed=True, message="gone"))
    assert render_table(done, [FAT._asdict()], False).splitlines() == [
        "container  user   what       from  to      how   why                                       result",
        "web        root   memory     none  64 MiB  live  memory-limit-missing (rule 1 'a')         "
        "changed; write it into the compose file",
        "web        root   oom.group  off   on      live  oom-group-mismatch, limit-not-persistent  "
        "changed; write it into the compose file",
        "db         alice  oom.group  off   on      -     oom-group-mismatch, limit-not-persistent  FAILED: gone",
        "skipped:",
        "  fat (alice): memory-limit-out-of-bounds: it uses 90 MiB now",
    ]


@pytest.mark.parametrize("changes, how, result_text", [
    ({}, "live + persistent", "would change"), ({"applied_live": False}, "persistent", "would change"),
    ({"applied_live": False, "persistent": False, "restart_required": True}, "after a restart", "would change"),
    ({"changed": False, "message": "it already set"}, "live + persistent", "already set"),
    ({"applied_live": False, "persistent": False, "changed": False}, "-", "already set"),
])
def test_how_and_what(changes, how, result_text):
    line = render_table(rows(result(WEB, **changes))[:1], [], True).splitlines()[1]
    assert "  %s  " % how in line and line.endswith(result_text)


def test_names_do_nothing_to_a_terminal():
    plan = PLAN._replace(changes=(Change(WEB, "\x1b[2J", "root", (GROUP,)),))
    text = render_table(result_rows(plan, [result(WEB)]), [{**FAT._asdict(), "name": "\x1b[31m"}], True)
    assert "\x1b" not in text
    count = EnforcementSummary()
    count.add(record("h\x1b", rows=result_rows(plan, [result(WEB)])))
    assert "\x1b" not in plain_text(count.lines(False, 100))


def record(host="h", problem=None, plan=PLAN, **changes):
    done = changes.get("rows", rows(result(WEB, persistent=False, message="set; lost"), result(DB, "alice")))
    return {"host": host, "problem": problem, "counts": count_results(plan, done), "rows": done,
            "skipped": [skipped._asdict() for skipped in plan.skipped]}


def test_the_screen():
    count = EnforcementSummary()
    count.add(record())
    count.add(record("gone", {"kind": "unreachable", "message": "no route"}, plan=HostPlan(), rows=[]))
    assert plain_text(count.lines(False, 100)).splitlines() == [
        "Podman memory policy  2 hosts, 5 containers: 1 compliant, 1 exempt",
        "",
        "FAILED  1 host, 0 containers",
        "  gone: unreachable: no route",
        "",
        "CHANGED  2 containers",
        "  h: web: memory none -> 64 MiB",
        "  h: web: oom.group off -> on",
        "  h: db (alice): oom.group off -> on",
        "",
        "NOT PERSISTENT  1 of them",
        "  h: web: lost",
        "",
        "SKIPPED  1 would be killed",
        "  h: fat (alice): memory-limit-out-of-bounds: it uses 90 MiB now",
    ]
    assert count.stats(True) == {
        "podman_memory_enforce_check_mode": True, "podman_memory_enforce_hosts": 2, "podman_memory_enforce_unreachable": 1,
        "podman_memory_enforce_errors": 0, "podman_memory_enforce_containers": 5, "podman_memory_enforce_changed": 2,
        "podman_memory_enforce_not_persistent": 1, "podman_memory_enforce_failed": 0,
        "podman_memory_enforce_skipped": {"below_usage": 1}}


def test_a_long_list_is_cut_and_counted():
    count, whole = EnforcementSummary(), EnforcementSummary(everything=True)
    for number in range(20):
        for summary in (count, whole):
            summary.add(record("h%02d" % number))
    lines = plain_text(count.lines(True, 60)).splitlines()
    assert "WOULD CHANGE  40 containers" in lines and "  … and 50 more, -v shows all" in lines
    assert all(len(line) <= 60 for line in lines)
    assert len([line for line in plain_text(whole.lines(True, 100)).splitlines() if " -> " in line]) == 60


def test_nothing_to_do_is_said():
    count = EnforcementSummary()
    count.add(record(plan=HostPlan(changes=(), skipped=(), containers=3, exempt=0, compliant=3), rows=[]))
    assert plain_text(count.lines(False, 100)).splitlines() == [
        "Podman memory policy  1 host, 3 containers: 3 compliant, 0 exempt", "", "CHANGED  0 containers"]
