# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a report to recommendations.json, recommendations.csv and the terminal. The daily peaks are those of recorded machines."""

from __future__ import annotations

import csv
import json

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.report_file import Report, ReportError, Writer
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize import output, sizing
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.sizing import Sizing, day_text
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rightsize.workloads import day_number
from bench import rightsize
from bench._traces import read_traces

GENERATED = "2013-09-20T00:00:00Z"
TODAY = day_number(GENERATED)
GIB = 1 << 30
RUN = dict.fromkeys(("collection_version", "ansible_version", "controller", "started_at", "finished_at", "limit", "previous"), "x")


@pytest.fixture(scope="module")
def traces():
    return {trace.name: trace for trace in read_traces(rightsize._TRACES)}


@pytest.fixture
def daily(traces):
    """Return a function that gives the facts' daily peaks of a machine."""
    def make(name):
        return [{"day": day_text(day), "working_set_max": peak, "peak": peak, "samples": 288}
                for day, peak in sorted(traces[name].peaks.items()) if day < TODAY]
    return make


@pytest.fixture
def report(tmp_path):
    """Return a function that writes a report of {host: facts} and opens it."""
    def make(hosts, generated_at=GENERATED):
        writer = Writer(str(tmp_path))
        for name, facts in hosts.items():
            writer.add("hosts", {"name": name, "status": "checked", "kind": None, "reason": None, "run_as": None, "facts": facts})
        return Report(writer.finish({"generated_at": generated_at, "run": RUN, "trend": [], "summary": {
            "hosts": {"total": len(hosts)}, "findings": {"total": 0, "waived": 0}}}))
    return make


def named(container, name, **changes):
    return container(name=name, id=name.encode().hex().ljust(64, "0"), **changes)


def test_all_the_way(report, facts, container, daily, tmp_path):
    # 226 hardly varies, 181 does; =spike+ is a formula for a spreadsheet
    opened = report({"node1": facts(
        named(container, "steady", memory__daily=daily("226"), memory__effective__limit=20 * GIB),
        named(container, "=spike+", memory__daily=daily("181"), memory__effective__limit=None),
        named(container, "new", memory__daily=daily("226")[-2:]), host={"memory_total": 4 * GIB})})
    found = Sizing(opened, 0.2)
    written = output.write_rows(found.rows(), str(tmp_path), {"generated_at": GENERATED, "risk": 0.2})
    assert {kind: count for kind, count in written.counts.items() if count} == {"lower": 1, "set": 1, "insufficient_data": 1}
    document = json.loads((tmp_path / "recommendations.json").read_text(encoding="ascii"))
    assert document["schema"] == output.SCHEMA and document["risk"] == 0.2 and len(document["recommendations"]) == 3
    steady, spike, new = document["recommendations"]
    assert steady["need"] < steady["recommended"] < 1.3 * steady["need"] and steady["risk"] <= 0.2
    assert spike["why"]["spread"] > 1.2 > steady["why"]["spread"] and len(spike["curve"]) > 3
    assert "14 days" in steady["why"]["text"] and "KRR" in steady["why"]["text"] and new["recommended"] is None
    with open(written.files["csv"], encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["container"] for row in rows] == ["steady", "'=spike+", "new"] and rows[0]["recommended"] == str(steady["recommended"])
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".new")]
    lines = output.table_lines(written, found.short_hosts(), 15)
    assert lines[0] == "Right-sizing: 1 lower, 1 set, 1 insufficient data" and len(lines) == 5
    assert "node1" in lines[-1] and "too small" in lines[-1]  # the spike's limit does not fit into 4 GiB
    assert found.short_hosts()[0].fit.short > 0


def test_without_a_directory_nothing_is_written(report, facts, container, daily, tmp_path):
    opened = report({"node1": facts(named(container, "steady", memory__daily=daily("226")))})
    written = output.write_rows(Sizing(opened, 0.02).rows(), None, {})
    assert written.files == {} and written.rows[0]["status"] == "ok"
    assert {path.name for path in tmp_path.iterdir()} == {"report.json"}


def test_what_breaks_off_leaves_what_was_there(report, facts, container, tmp_path):
    (tmp_path / "recommendations.json").write_text("before", encoding="ascii")

    def broken(_number):
        raise ReportError("changed")

    with pytest.raises(ReportError):
        output.write_rows(map(broken, range(1)), str(tmp_path), {})
    assert [path.name for path in tmp_path.iterdir()] == ["recommendations.json"]
    assert (tmp_path / "recommendations.json").read_text(encoding="ascii") == "before"


def test_a_limit_that_is_not_known_is_not_changed(report, facts, container, daily):
    opened = report({"node1": facts(named(container, "steady", memory__daily=daily("226"), memory__effective=None))})
    written = output.write_rows(Sizing(opened, 0.02).rows(), None, {})
    row, = written.rows
    assert (row["action"], row["limit"], row["limit_known"], row["present_risk"]) == ("unknown", None, False, None)
    assert "unknown" in output.table_lines(written, [], 15)[2]


def test_a_leak_is_said_with_its_day(report, facts, container):
    grows = [{"day": day_text(TODAY - 10 + step), "working_set_max": None, "peak": (100 + 10 * step) << 20, "samples": 1}
             for step in range(10)]
    opened = report({"node1": facts(named(container, "leak", memory__daily=grows, memory__effective__limit=215 << 20))})
    row, = output.write_rows(Sizing(opened, 0.02).rows(), None, {}).rows
    assert (row["status"], row["recommended"], row["reaches_limit"]) == ("leak_suspected", None, day_text(TODAY + 2))


def test_why_in_words(report, facts, container, daily):
    kill = {"killed": True, "cause": "container_limit", "scope_limit": 9 * GIB, "last_at": "2013-09-18T00:00:00Z", "history": [
        {"at": "2013-09-17T00:00:00Z", "cause": "host_oom"}, {"at": "2013-09-18T00:00:00Z", "cause": "container_limit"}]}
    opened = report({"node1": facts(named(container, "db", memory__daily=daily("226"), oom=kill))})
    row, = output.write_rows(Sizing(opened, 0.3).rows(), None, {}).rows
    assert row["recommended"] >= 1.2 * 9 * GIB - (100 << 20)
    assert "killed at its limit of 9 GiB" in row["why"]["text"] and "1 kill was not by its own limit" in row["why"]["text"]


def test_one_user_does_not_decide_about_the_fleet(report, facts, container, daily, monkeypatch):
    added = []
    monkeypatch.setattr(sizing.Pool, "add", lambda self, needs: added.append(needs))
    many = [named(container, "c%d" % number, user="mallory" if number < 150 else "user%d" % number) for number in range(300)]
    Sizing(report({"node1": facts(*many), "node2": facts(named(container, "one"))}), 0.02)
    assert len(added) == sizing._MAX_OF_USER + 50 + 1


def test_the_most_urgent_are_kept(report, facts, container, daily):
    days = daily("226")
    many = [named(container, "c%d" % number, memory__daily=days, memory__effective__limit=20 * GIB) for number in range(450)]
    opened = report({"node1": facts(*many), "node2": facts(named(container, "small", memory__daily=days, memory__effective__limit=GIB))})
    written = output.write_rows(Sizing(opened, 0.02).rows(), None, {})
    assert (written.counts["lower"], written.counts["raise"], len(written.rows)) == (450, 1, 200)
    assert written.rows[0]["container"] == "small"
    assert output.table_lines(written, [], 15)[-1] == "  … and 436 more"


def test_hosts_that_lack_most_come_first(report, facts, container, daily, monkeypatch):
    monkeypatch.setattr(sizing, "_MAX_SHORT", 2)
    days = daily("226")
    hosts = {"node%d" % number: facts(
        *[named(container, "c%d" % other, memory__daily=days, memory__effective__limit=100 * GIB) for other in range(12)],
        host={"memory_total": number * GIB}) for number in range(1, 8)}
    found = Sizing(report(hosts), 0.02)
    assert not found.short_hosts() and len(list(found.rows())) == 84
    assert [row.host for row in found.short_hosts()] == ["node1", "node2"]
    assert len(found.short_hosts()[0].fit.could_give) == 10


def test_a_report_without_a_time_is_none(report, facts):
    with pytest.raises(ReportError, match="when it was made"):
        Sizing(report({"node1": facts()}, generated_at="yesterday"), 0.02)


def test_text_of_hosts_is_inert(report, facts, container, daily):
    opened = report({"\x1b[2Jnode": facts(named(container, "\x1b[31mx", memory__daily=daily("226")))})
    written = output.write_rows(Sizing(opened, 0.02).rows(), None, {})
    assert "\x1b" not in "\n".join(output.table_lines(written, [], 15))
