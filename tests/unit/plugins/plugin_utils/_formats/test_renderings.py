# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a report.json, rendering it again, and comparing two."""

from __future__ import annotations

import csv
import datetime
import json
import os
import pathlib

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.audit import Audit
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.compare import compare_reports, comparison_lines
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.csv import Csv, csv_cell
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.render import (
    FORMATS,
    RenderError,
    count_report,
    render_report,
)
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.renderer import sanitize
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.report_file import Report, ReportError, report_path
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.trend import extend_trend, series

START = datetime.datetime(2026, 11, 23, 20, 30, 0, tzinfo=datetime.timezone.utc)
RUN = {"collection_version": "1.0.0", "ansible_version": "2.19.0", "check_mode": False, "limit": None,
       "controller": "c", "started_at": "2026-11-23T20:29:00Z", "previous": None}


def answered(host, facts, run_as="root"):
    return {"host": host, "run_as": run_as, "only": None, "problem": None, "facts": facts}


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a report `days` after the first one and gives its path."""
    def write_one(records, previous=None, days=0, formats=()):
        moment = START + datetime.timedelta(days=days)
        return Audit(str(tmp_path), previous, moment, formats=formats).write(iter(records), {**RUN, "previous": previous}).path
    return write_one


def test_the_head(write, recorded):
    path = write([answered("h", recorded("debian13-root"))])
    head = Report(path).head
    assert set(head) == {"schema", "generated_at", "run", "summary", "trend"}
    with open(path, encoding="ascii") as stream:
        whole = json.load(stream)
    assert head == {key: whole[key] for key in head}


@pytest.mark.parametrize("content", ["", "{}", "[1]", "not json", '{\n"schema": "other"\n}', '{"schema": 1,\n"hosts": []}'])
def test_what_is_no_report(tmp_path, content):
    path = tmp_path / "odd.json"
    path.write_text(content, encoding="ascii")
    with pytest.raises(ReportError, match="odd.json cannot be read as a report"):
        Report(str(path))


def test_findings_of_no_host_are_an_error(tmp_path):
    path = tmp_path / "report.json"
    report = json.loads(pathlib.Path(REAL).read_text(encoding="ascii"))
    report["findings"][-1]["host"] = "b"
    path.write_text(json.dumps(report), encoding="ascii")
    with pytest.raises(ReportError, match="findings of 'b'"):
        list(Report(str(path)).by_host())


def test_path_of(tmp_path):
    assert report_path(str(tmp_path)) == str(tmp_path / "report.json")
    assert report_path(str(tmp_path / "x.json")) == str(tmp_path / "x.json")


def test_all_formats_beside_the_report_and_elsewhere(write, recorded, tmp_path):
    path = write([answered("h", recorded("debian13-root"))], formats=FORMATS)
    beside = pathlib.Path(path).parent
    assert {each.name for each in beside.iterdir()} == {"report.json", *(file for file, _kind in FORMATS.values())}
    (tmp_path / "else").mkdir()
    files = render_report(Report(path), ["csv", "csv"], directory=str(tmp_path / "else"))
    assert files == {"csv": str(tmp_path / "else" / "report.csv")} and os.listdir(tmp_path / "else") == ["report.csv"]
    assert render_report(Report(path), ()) == {}


@pytest.mark.parametrize("error", [OSError("disk full"), TypeError("odd"), RecursionError("deep"), UnicodeEncodeError("utf-8", "x", 0, 1, "")])
@pytest.mark.parametrize("step", ["__init__", "add_host", "add_resolved", "finish"])
def test_a_rendering_that_fails_leaves_the_old_file_and_all_others(write, recorded, monkeypatch, step, error):
    first = write([answered("h", recorded("debian13-root"))])
    path = write([answered("h", recorded("debian13-alice"))], first, 1, formats=FORMATS)
    directory = os.path.dirname(path)
    before = pathlib.Path(path).with_name("report.csv").read_bytes()
    for name, (file, _renderer) in FORMATS.items():
        if name != "csv":
            os.unlink(os.path.join(directory, file))

    def fail(*_arguments):
        raise error
    monkeypatch.setattr(Csv, step, fail)
    with pytest.raises(RenderError) as caught:
        render_report(Report(path), FORMATS)
    assert list(caught.value.problems) == ["csv"] and type(error).__name__ in caught.value.problems["csv"]
    assert sorted(os.listdir(directory)) == sorted(["report.json", *(file for file, _renderer in FORMATS.values())])
    assert pathlib.Path(path).with_name("report.csv").read_bytes() == before


def test_the_report_is_there_without_a_format_that_fails(tmp_path, recorded, monkeypatch):
    def fail(*_arguments):
        raise KeyError("x")
    monkeypatch.setattr(Csv, "finish", fail)
    outcome = Audit(str(tmp_path), None, START, formats=["csv", "markdown"]).write([answered("h", recorded("debian13-root"))], RUN)
    assert outcome.failed_formats == {"csv": "KeyError: 'x'"}
    assert sorted(os.listdir(os.path.dirname(outcome.path))) == ["report.json", "report.md"]


def test_counting_again_gives_the_summary(write, recorded):
    first = write([answered("h", recorded("debian13-root")), answered("g", recorded("debian12-root"))])
    fixed = recorded("debian13-root")
    fixed["containers"] = fixed["containers"][3:]
    path = write([answered("h", fixed), answered("alice", recorded("debian13-alice"), "alice")], first, 1)
    summary = Report(path).head["summary"]
    assert summary["findings"]["resolved"] > 0
    assert count_report(Report(path)).summary() == summary


@pytest.mark.parametrize("value, expected", [
    ("=1", "'=1"), ("+1", "'+1"), ("-1", "'-1"), ("@a", "'@a"), ("\t=1", "' =1"), (" =1", "' =1"), ("\n=1", "'\n=1"),
    ("\uff1dx", "'\uff1dx"), ("a=1", "a=1"), (None, ""), (0, "0"), (True, "True"), ("\x00", "\\x00"), ("\ud800", "\\ud800"),
])
def test_cells(value, expected):
    assert csv_cell(value) == expected


def test_csv_of_everything(write, recorded):
    path = write([answered("h", recorded("debian13-root"))], formats=["csv"])
    with open(pathlib.Path(path).with_name("report.csv"), encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(list(Report(path).elements("findings")))
    assert {row["host"] for row in rows} == {"h"} and all(row["remedy"] and row["id"] for row in rows)


@pytest.mark.parametrize("value, expected", [
    (None, ""), ("a\nb", "a\nb"), ("a\r\nb", "a \nb"), ("\u202e", "\\u202e"), ("x" * 40000, "x" * 31999 + "…"), (3, "3")])
def test_inert(value, expected):
    assert sanitize(value)[:32000] == expected


def test_memory_stalls_are_a_part_of_the_page_and_of_markdown(write, container, facts):
    usage = {"current": 1, "working_set": 20 << 20, "anon": 1, "peak": 1, "swap": 0, "pressure_full_avg300": 3.0}
    stalled = facts(container(memory__usage=usage, memory__events={"high": 0, "max": 2, "oom": 0}))
    for records, count in (([answered("h", stalled)], 1), ([answered("h", facts(container()))], 0)):
        path = pathlib.Path(write(records, formats=FORMATS))
        page = path.with_name("report.html").read_text(encoding="utf-8")
        markdown = path.with_name("report.md").read_text(encoding="utf-8")
        assert page.count("<h2>Memory stalls</h2>") == markdown.count("## Memory stalls") == markdown.count("| Memory stalls | 1 |") == count
        assert page.count("<h2>Near their limit</h2>") == 1 and "## Near their limit" not in markdown
        assert page.count("stalled 3 % of the time") == count and Report(str(path)).head["summary"]["findings"]["by_rule"]["memory-stalls"] == count


# -- two reports


def test_compare(write, recorded, container, facts):
    def host(**changes):
        return facts(container(**changes), sources=[{"name": "podman", "user": "root", "status": "ok", "detail": None,
                                                     "covers_since": None},
                                                    {"name": "kernel_log", "user": None, "status": "ok", "detail": None,
                                                     "covers_since": None}])
    older = write([answered("better", host(memory__effective__oom_group=False)), answered("same", host(memory__effective__oom_group=False)),
                   answered("worse", host(state__status="exited", memory__declared__oom_group=False)),
                   answered("away", recorded("debian13-root"))])
    newer = write([answered("better", host()), answered("same", host(memory__effective__oom_group=False)),
                   answered("worse", host(memory__effective__oom_group=False)),
                   answered("added", host(memory__effective__oom_group=False)),
                   {"host": "away", "run_as": None, "only": None, "facts": None, "problem": {"kind": "unreachable", "message": "x"}}],
                  older, 1)
    found = compare_reports(Report(newer), Report(older))
    lost = len([1 for _array, _place, each in Report(older).elements("findings") if each["host"] == "away"])
    assert found.counts == {"new": 2, "regressed": 1, "improved": 0, "resolved": 1, "unchanged": 1, "not_evaluated": lost}
    assert [(each["host"], each["was"]) for each in found.lists["regressed"]] == [("worse", "low")]
    assert [each["host"] for each in found.lists["resolved"]] == ["better"]
    text = "\n".join(comparison_lines(found, 10))
    assert text.startswith("From 2026-11-23 20:30 UTC to 2026-11-24 20:30 UTC: 2 new, 1 regressed, 0 improved, 1 resolved, 1 unchanged")
    assert "  * worse web: Wrong memory.oom.group: memory.oom.group is off (medium, was low)" in text


def test_compare_lists_some_of_many(write, container, facts):
    made = []
    for number in range(300):
        one = container(memory__effective__oom_group=False)
        one.update(id="%064x" % number, name="c%d\x1b" % number)
        one["memory"]["effective"]["source"] = "/machine.slice/libpod-%s.scope" % one["id"]
        made.append(one)
    older = write([answered("h", facts())])
    found = compare_reports(Report(write([answered("h", facts(*made))], older, 1)), Report(older))
    assert found.counts["new"] == 300 and len(found.lists["new"]) == 200
    text = "\n".join(comparison_lines(found, 10))
    assert "… and 290 more" in text and len(text.splitlines()) == 14 and "\x1b" not in text


# -- the trend


def test_the_trend_goes_on_from_report_to_report(write, recorded):
    path = None
    for day in range(3):
        path = write([answered("h", recorded("debian13-root"))], path, day)
    trend = Report(path).head["trend"]
    assert [each["generated_at"][:10] for each in trend] == ["2026-11-23", "2026-11-24", "2026-11-25"]
    assert [each["new"] > 0 for each in trend] == [True, False, False]
    assert len(set(series(trend, "killed"))) == 1


def test_the_trend_ends_and_leaves_out_other_limits():
    points = [{"limit": "web" if number % 2 else None, "killed": number} for number in range(200)]
    assert series(points[:6], "killed") == [1, 3, 5]
    summary = {"hosts": {"total": 1, "not_checked": 0}, "containers": {"total": 1}, "oom": {"killed": 0, "lethal": 0}, "unprotected": 0,
               "findings": {"by_rule": {"near-limit": 0}, "by_severity": {"critical": 0, "high": 0}, "total": 0, "new": 0, "resolved": 0}}
    assert len(extend_trend(points, "2026-11-23T20:30:00Z", None, summary)) == 90


# -- a report of a real host

REAL = str(pathlib.Path(__file__).parents[3] / "fixtures" / "report" / "debian13-podman5.4.2.json")


def test_a_real_report_fits_the_schema_and_is_rendered(tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    schema = pathlib.Path(__file__).parents[5] / "docs" / "report-v1.schema.json"
    report = json.loads(pathlib.Path(REAL).read_text(encoding="ascii"))
    jsonschema.Draft202012Validator(json.loads(schema.read_text(encoding="utf-8"))).validate(report)
    assert {each["container"] for each in report["findings"] if each["rule"] == "oom-killed"} == {
        "pid1-kill", "rm", "pod-limit", "restart-loop", "group-kill", "child-kill-running"}
    files = render_report(Report(REAL), FORMATS, directory=str(tmp_path))
    assert count_report(Report(REAL)).summary()["oom"] == report["summary"]["oom"]
    page = pathlib.Path(files["html"]).read_text(encoding="utf-8")
    assert "7 containers hit by OOM kills, 3 unprotected." in page
    assert "hit the limit of its pod (2b154720d573), ended it, exit 137" in pathlib.Path(files["markdown"]).read_text(encoding="utf-8")
