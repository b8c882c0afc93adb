# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The summary: at most 25 lines of the terminal's width, worst first, and true."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.summary import summary_lines
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.summary_context import Context
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.parse import parse_policy
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.policy import BUILT_IN
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.tally import Tally
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.evaluate import evaluate_record
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._terminal import plain_text
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._text import display_width

NOW = "2026-11-23T20:30:00Z"
TODAY = datetime.date(2026, 11, 23)
REPORT = "/srv/reports/20261123T203000Z/report.json"


def show(records, width=100, everything=False, report=REPORT, has_previous=False, state="new",
         policy=BUILT_IN):
    tally = Tally()
    for record in records:
        entry, found = evaluate_record(record, policy, TODAY)
        tally.add_host(entry)
        for each in found:
            each["state"] = "waived" if each["waiver"] else state
            tally.add_finding(each)
    context = Context(now=NOW, report=report, has_previous=has_previous, previous_at=NOW, width=width, everything=everything)
    return plain_text(summary_lines(tally, context)).split("\n")


def answered(host, facts, run_as="root"):
    return {"host": host, "run_as": run_as, "problem": None, "facts": facts}


def lost(host, message="timed out", kind="unreachable"):
    return {"host": host, "run_as": None, "facts": None, "problem": {"kind": kind, "message": message}}


def fleet(recorded, size):
    made = []
    for number in range(size):
        made += [answered("web%d.example" % number, recorded("debian13-root")), lost("gone%d" % number, "reason %d" % number),
                 answered("own%d" % number, recorded("debian13-alice"), "alice")]
    return made


@pytest.mark.parametrize("width", [40, 60, 79, 120, 300])
@pytest.mark.parametrize("size", [0, 1, 30])
def test_fits(recorded, width, size):
    shown = show(fleet(recorded, size), width)
    assert len(shown) <= 25
    # the path is never cut, even where it is wider than the terminal
    assert all(display_width(line) <= max(width, 40) for line in shown if REPORT not in line)
    assert REPORT in shown[-1]


def test_everything_on_demand(recorded):
    shown = "\n".join(show(fleet(recorded, 3), 140, everything=True))
    assert "more" not in shown.split("UNPROTECTED", maxsplit=1)[0]
    assert "reason 0" in shown and "reason 2" in shown


def test_kills_say_why_and_how_sure(recorded):
    shown = "\n".join(show([answered("deb13", recorded("debian13-root"))], 120, everything=True))
    assert "deb13 pid1-kill" in shown
    assert "hit its own limit of 20 MiB, ended it, exit 137" in shown
    assert "hit the limit of its pod (" in shown
    assert "lost a process, runs on" in shown
    assert "in an earlier run" in shown
    assert "certain" in shown
    assert "podman says false" in shown and "podman says true" in shown and "podman's flag is stale" in shown
    assert "3 times" in shown


def test_the_worst_first(recorded):
    shown = show([answered("deb13", recorded("debian13-root"))], 120, everything=True)
    ends = [index for index, line in enumerate(shown) if "ended it" in line and line.startswith("  * ")]
    survives = [index for index, line in enumerate(shown) if "runs on" in line and line.startswith("  * ")]
    assert max(ends) < min(survives)


def test_new_only_where_there_was_a_report_before(recorded):
    records = [answered("deb13", recorded("debian13-root"))]
    assert "NEW" not in "\n".join(show(records))
    assert "NEW" in "\n".join(show(records, has_previous=True))
    assert "NEW" not in "\n".join(show(records, has_previous=True, state="open"))


@pytest.mark.parametrize("records, expected", [
    ([], "unknown, no host was checked"),
    ([lost("a")], "unknown, no host was checked"),
])
def test_no_answer_is_not_no_kill(records, expected):
    assert "OOM KILLS  " + expected in show(records)


def test_all_is_well(container, facts):
    shown = show([answered("a", facts(container()))])
    assert "OOM KILLS  none" in shown
    assert "NEAR LIMIT  nothing is near its limit" in shown
    assert "UNPROTECTED  none of 1 running container" in shown
    assert "NOT CHECKED  nothing" in shown


def test_none_found_is_not_none(container, facts):
    shown = show([answered("a", facts(container(oom__killed=None, oom__missing=["kernel_log"])))])
    assert "OOM KILLS  none found where it could be checked" in shown
    assert "NEAR LIMIT  nothing found where it could be checked" in shown


def test_without_become(recorded):
    shown = "\n".join(show([answered("own", recorded("debian13-alice"), "alice")], 120))
    assert "ran as alice without become: only alice's containers, kernel log unreadable" in shown


def test_one_reason_of_many_hosts_is_one_line():
    records = [lost("h%d" % number, "Failed to connect to the host via ssh: ssh: connect to host 10.0.0.%d port 22: "
                                    "Connection timed out" % number) for number in range(50)]
    shown = show(records, 120)
    rows = [line for line in shown if "Connection timed out" in line]
    assert len(rows) == 1
    assert "50 hosts" in rows[0] and "(h0, h1, h2, …)" in rows[0]


def test_fifty_containers_without_a_source_are_one_line(container, facts):
    made = []
    for number in range(50):
        one = container(oom__killed=None, oom__missing=["kernel_log"])
        one.update(id="%064x" % number, name="c%d" % number)
        made.append(one)
    rows = [line for line in show([answered("a", facts(*made))]) if "unknown whether" in line]
    assert len(rows) == 1 and "50 containers" in rows[0]


def test_stopped_containers_are_not_unprotected_now(container, facts):
    shown = "\n".join(show([answered("a", facts(container(
        state__status="exited", memory__effective=None, memory__declared__limit=None)))]))
    assert "none of 0 running containers" in shown and "all stopped" in shown


@pytest.mark.parametrize("name", ["\x1b[2J\x1b]0;owned\x07", "\u202egnp.exe\u061c\u200e\u200f\u2067", "a\nb\rc", "x" * 10000, "{{ 7*7 }}", "=cmd()"])
def test_hostile_names(container, facts, name):
    one = container(oom__killed=True, oom__cause="container_limit", oom__lethal=True, oom__count=1,
                    memory__effective__oom_group=False)
    one.update(name=name, user=name)
    one["oom"]["victims"] = [{"pid": 1, "task": name, "at": None, "rss": 1}]
    shown = show([answered(name, facts(one)), lost(name, name)], 79)
    text = "\n".join(shown)
    assert len(shown) <= 25
    assert not set(text) & set("\x1b\x07\r\u202e\u061c\u200e\u200f\u2067")
    assert all(display_width(line) <= 79 for line in shown)


WAIVE = parse_policy({
    "rules": [{"name": "all", "match": "true", "oom_group": True, "memory": {"required": True, "min": "1g"}}],
    "waivers": [{"match": "true", "rule": rule, "reason": "known", "expires": day} for rule, day in (
        ("oom-killed", "2026-11-23"), ("evidence-missing", "2026-11-23"), ("oom-group-mismatch", "2026-11-22"))],
    "host": {"max_committed_share": 0.001}}, "test")


def test_waived_is_said_and_is_not_nothing(container, facts):
    one = container(oom__killed=True, oom__cause="container_limit", oom__lethal=True, oom__count=1)
    shown = show([answered("a", facts(one, container(id="d" * 64, name="db", oom__killed=None))), lost("b")], 120, policy=WAIVE)
    assert "OOM KILLS  none that is not waived" in shown
    assert "NOT CHECKED  nothing that is not waived" in shown
    assert "WAIVED  2 evidence-missing, 1 oom-killed" in shown


def test_what_the_policy_finds(recorded, container, facts):
    both = facts(container(memory__effective__oom_group=False), host={"cgroup_version": 2, "memory_total": 1 << 30})
    shown = show([answered("a", both)], 120, policy=WAIVE)
    assert any("1 limit out of bounds" in line and "web limit 64 MiB is below the minimum of 1 GiB" in line for line in shown)
    assert any("1 host overcommitted" in line for line in shown) and any("1 host past a waiver" in line for line in shown)
    records = [answered("web%d" % number, recorded("debian13-root")) for number in range(30)]
    assert len(show(records, 60, policy=WAIVE)) <= 25


def test_check_mode():
    assert "Check mode  no report is written" in show([lost("a")], report=None)[-1]


def risky(container, facts, count):
    made = []
    for number in range(count):
        one = container(memory__usage={"current": 1, "working_set": (60 + number % 4) << 20, "swap": 0, "pressure_full_avg300": 0.0},
                        memory__effective__source="/machine.slice/libpod-%064x.scope" % number)
        one.update(id="%064x" % number, name="c%d" % number)
        made.append(one)
    return facts(*made, host={"cgroup_version": 2, "swap_total": 0})


def stalled(container, facts, count):
    containers = []
    for number in range(count):
        one = container(memory__usage={"current": 1, "working_set": 20 << 20, "swap": 0, "pressure_full_avg300": 2.0 + number},
                        memory__effective__source="/machine.slice/libpod-%064x.scope" % number,
                        memory__events={"low": 0, "high": 0, "max": 3, "oom": 0, "oom_kill": 0, "oom_group_kill": 0})
        one.update(id="%064x" % number, name="s%d" % number)
        containers.append(one)
    return facts(*containers, host={"cgroup_version": 2, "swap_total": 0})


def test_memory_stalls(container, facts):
    assert not [line for line in show([answered("a", risky(container, facts, 2))]) if "STALLS" in line]
    shown = show([answered("a", stalled(container, facts, 1))])
    assert shown[shown.index("MEMORY STALLS  1 container waits for memory") + 1].startswith("  * a s0  stalled 2 % of the time")
    assert "NEAR LIMIT  nothing is near its limit" in shown
    many = show([answered("a", stalled(container, facts, 20))])
    assert "MEMORY STALLS  20 containers wait for memory" in many and "    … and 18 more" in many
    assert [line.split()[2] for line in many if line.startswith("  * ")] == ["s19", "s18"]
    assert len([line for line in show([answered("a", stalled(container, facts, 20))], everything=True) if line.startswith("  * ")]) == 20


def test_what_is_near_its_limit(container, facts):
    shown = show([answered("a", risky(container, facts, 2))])
    assert "NEAR LIMIT  2 containers near their limit" in shown
    assert [line.split() for line in shown if line.startswith("  * ")] == [
        "* a c1 uses 95 % of its 64 MiB".split(), "* a c0 uses 94 % of its 64 MiB".split()]
    many = show([answered("a", risky(container, facts, 50))])
    assert "NEAR LIMIT  50 containers near their limit" in many and "    … and 48 more" in many
    assert len([line for line in show([answered("a", risky(container, facts, 50))], everything=True) if line.startswith("  * ")]) == 50


def test_the_trend(recorded):
    records = [answered("deb13", recorded("debian13-root"))]
    assert not [line for line in show(records) if line.startswith("TREND")]
    shown = show(records, has_previous=True, state="open")
    line = next(line for line in shown if line.startswith("TREND"))
    assert line.startswith("TREND  0 new, ") and line.endswith(" open, 0 resolved, since 2026-11-23 20:30 UTC")


@pytest.mark.parametrize("width", [40, 79, 140])
def test_everything_at_once_fits(recorded, container, facts, width):
    """A finding of every rule, many kills, many risks, many gaps, waivers and a trend."""
    policy = parse_policy({
        "rules": [{"name": "all", "match": "true", "memory": {"required": True, "max": "20m"}, "oom_group": True}],
        "waivers": [{"match": "true", "rule": "limit-drift", "reason": "r", "expires": "2020-01-01"},
                    {"match": "name == 'c3'", "rule": "near-limit", "reason": "r", "expires": "2099-01-01"}],
        "host": {"max_committed_share": 0.01}}, "test")
    old = facts(container(memory__effective__limit=None), host={"cgroup_version": 1, "memory_total": 1 << 20, "swap_total": 0})
    drifted = facts(container(memory__effective__limit=None))
    shown = show(fleet(recorded, 10) + [answered("a", risky(container, facts, 50)), answered("v1", old), answered("d", drifted),
                                        answered("s", stalled(container, facts, 9))],
                 width, has_previous=True, policy=policy)
    assert len(shown) <= 25, "\n".join(shown)
    text = "\n".join(shown)
    for part in ("OOM KILLS", "NEAR LIMIT", "MEMORY STALLS", "UNPROTECTED", "NOT CHECKED", "WAIVED", "TREND"):
        assert part in text
