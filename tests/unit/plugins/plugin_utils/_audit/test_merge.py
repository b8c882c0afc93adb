# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Slices merged are what one run over all of them writes; and what is no slice is refused."""

from __future__ import annotations

import datetime
import json
import pathlib
import shutil

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.audit import Audit
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.merge import SliceError, Slices, merge_slices
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.report_file import ReportError

jsonschema = pytest.importorskip("jsonschema")
SCHEMA = json.loads((pathlib.Path(__file__).parents[5] / "docs" / "report-v1.schema.json").read_text(encoding="utf-8"))
START = datetime.datetime(2026, 11, 23, 20, 30, 0, tzinfo=datetime.timezone.utc)
RUN = {"collection_version": "1.0.0", "ansible_version": "2.19.0", "check_mode": False, "limit": None,
       "controller": "c", "started_at": "2026-11-23T20:29:00Z"}
HOSTS = ["a1", "b2", "c3", "d4", "e5", "f6", "g7"]


@pytest.fixture
def records(recorded):
    """A fleet of recorded hosts, one of them unreachable, one asked as a user; by name."""
    def answered(host, name, run_as="root"):
        return {"host": host, "run_as": run_as, "problem": None, "facts": recorded(name)}
    return {each["host"]: each for each in [
        answered("a1", "debian13-root"), answered("b2", "debian12-root"), answered("c3", "debian13-alice", "alice"),
        {"host": "d4", "run_as": None, "facts": None, "problem": {"kind": "unreachable", "message": "no route"}},
        answered("e5", "debian12-root"), answered("f6", "debian13-root"), answered("g7", "debian13-root")]}


def write(directory, records, days=0, previous=None, run=None):
    """Write one report as a run does, and return its path."""
    return Audit(str(directory), previous, START + datetime.timedelta(days=days)).write(
        iter(records), {**(run or RUN), "previous": previous}).path


def merged(paths, reports, order=()):
    """(The merged report, the Outcome)."""
    outcome = merge_slices(Slices(map(str, paths)), str(reports), order, {"controller": "merging"})
    report = json.loads(pathlib.Path(outcome.path).read_text(encoding="ascii"))
    jsonschema.Draft202012Validator(SCHEMA).validate(report)
    return report, outcome


def but_for_run(report):
    """A report without what is of the run and not of the fleet."""
    return {key: value for key, value in report.items() if key != "run"}


def load(path):
    return json.loads(pathlib.Path(path).read_text(encoding="ascii"))


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_slices_are_as_one_run(tmp_path, records, count):
    one = load(write(tmp_path / "one", records.values()))
    paths = [write(tmp_path / str(number), [records[host] for host in HOSTS[number::count]]) for number in range(count)]
    report, outcome = merged(paths, tmp_path / "fleet", HOSTS)
    assert but_for_run(report) == but_for_run(one)
    assert report["run"]["controller"] == "merging"
    assert [each["hosts"] for each in report["run"]["slices"]] == [len(HOSTS[number::count]) for number in range(count)]
    assert outcome.warnings == []


def test_without_an_inventory_hosts_are_in_the_order_of_the_slices(tmp_path, records):
    paths = [write(tmp_path / str(number), [records[host] for host in HOSTS[number::2]]) for number in range(2)]
    report, _outcome = merged(paths, tmp_path / "fleet")
    assert [each["name"] for each in report["hosts"]] == HOSTS[0::2] + HOSTS[1::2]
    assert sorted({each["host"] for each in report["findings"]}) == sorted(
        {each["host"] for each in report["findings"]}, key=HOSTS.index)


def test_the_second_night_is_compared_with_the_merged_first(tmp_path, records):
    """New, open, resolved, carried: hosts that change slices, that are repaired, that are down, that are gone."""
    nights = [dict(records), {host: dict(each) for host, each in records.items() if host != "g7"}]
    nights[1]["a1"] = dict(nights[1]["a1"], facts=dict(nights[1]["a1"]["facts"], containers=[]))
    nights[1]["e5"] = dict(records["d4"], host="e5")
    nights[1]["d4"] = dict(records["f6"], host="d4")
    previous = one = None
    for night, found in enumerate(nights):
        one = write(tmp_path / "one", found.values(), days=night, previous=previous)
        order = list(found) if night == 0 else list(reversed(found))
        paths = [write(tmp_path / f"slice{number}", [found[host] for host in order[number::2]], days=night)
                 for number in range(2)]
        report, outcome = merged(paths, tmp_path / "fleet", HOSTS)
        previous = one
    assert but_for_run(report) == but_for_run(load(one))
    assert outcome.has_previous
    states = {state: {each["host"] for each in report["findings"] if each["state"] == state} for state in ("new", "open")}
    assert "d4" in states["new"] and "f6" in states["open"]
    assert {each["host"] for each in report["resolved"]} >= {"a1"}
    assert {each["host"] for each in report["carried_over"]} >= {"e5", "g7"}
    assert len(report["trend"]) == 2


def test_what_slices_say_of_their_own_past_does_not_count(tmp_path, records):
    first = write(tmp_path / "slice", [records["a1"], records["b2"]])
    second = write(tmp_path / "slice", [records["a1"]], days=1, previous=first)
    assert load(second)["carried_over"] and {each["state"] for each in load(second)["findings"]} == {"open"}
    report, _outcome = merged([second], tmp_path / "fleet")
    assert report["carried_over"] == report["resolved"] == []
    assert {each["state"] for each in report["findings"]} == {"new"}
    assert {each["first_seen"] for each in report["findings"]} == {report["generated_at"]}


def test_merged_again_it_is_the_same(tmp_path, records):
    paths = [write(tmp_path / str(number), [records[host] for host in HOSTS[number::2]]) for number in range(2)]
    reports = [merged(paths, tmp_path / "fleet", HOSTS)[0] for _time in range(3)]
    assert reports[0] == reports[1] == reports[2]


def test_merged_again_after_the_report_before_was_removed(tmp_path, records):
    """Nothing is new that was not, though there is nothing left to compare it with."""
    for night in range(2):
        slices = [write(tmp_path / "slice", records.values(), days=night)]
        merged(slices, tmp_path / "fleet", HOSTS)
    shutil.rmtree(tmp_path / "fleet" / "20261123T203000Z")
    report, outcome = merged(slices, tmp_path / "fleet", HOSTS)
    assert outcome.warnings == [] and {finding["state"] for finding in report["findings"]} == {"open"}
    assert {finding["first_seen"] for finding in report["findings"]} == {"2026-11-23T20:30:00Z"}


def test_run_spans_the_slices(tmp_path, records):
    early = dict(RUN, started_at="2026-11-23T20:00:00Z", finished_at="2026-11-23T20:05:00Z", limit="a*")
    late = dict(RUN, finished_at="2026-11-23T20:45:00Z", limit="b*", collection_version="1.1.0")
    paths = [write(tmp_path / "1", [records["a1"]], run=early), write(tmp_path / "2", [records["b2"]], days=1, run=late)]
    report, outcome = merged(paths, tmp_path / "fleet")
    assert (report["run"]["started_at"], report["run"]["finished_at"]) == ("2026-11-23T20:00:00Z", "2026-11-23T20:45:00Z")
    assert report["run"]["limit"] is None and [each["limit"] for each in report["run"]["slices"]] == ["a*", "b*"]
    assert report["generated_at"].startswith("2026-11-24T20:30:00")
    assert len(outcome.warnings) == 1 and "1.0.0, 1.1.0" in outcome.warnings[0]


def test_a_slice_is_a_file_its_directory_or_a_directory_of_reports(tmp_path, records):
    path = pathlib.Path(write(tmp_path / "slice", [records["a1"]]))
    for given in (path, path.parent, tmp_path / "slice", tmp_path / "slice" / "latest"):
        assert Slices([str(given)]).hosts() == ["a1"]


def test_check_mode_writes_nothing(tmp_path, records):
    path = write(tmp_path / "slice", records.values())
    outcome = merge_slices(Slices([path]), str(tmp_path / "fleet"), (), {}, write=False)
    assert outcome.path is None and outcome.tally.summary() == load(path)["summary"]
    assert not (tmp_path / "fleet").exists()


# -- what is refused


def refused(*paths):
    with pytest.raises(SliceError) as caught:
        Slices(map(str, paths))
    return str(caught.value)


def test_none(tmp_path):
    assert refused() == "slices: there is none"


def test_a_host_in_two_slices(tmp_path, records):
    paths = [write(tmp_path / "1", [records["a1"], records["b2"]]), write(tmp_path / "2", [records["b2"]])]
    message = refused(*paths)
    assert "host 'b2'" in message and paths[0] in message and paths[1] in message and "one slice" in message


def test_one_slice_twice(tmp_path, records):
    path = write(tmp_path / "1", [records["a1"]])
    assert "named twice" in refused(path, tmp_path / "1")


@pytest.mark.parametrize("given", ["nothing", "empty", "empty/report.json"])
def test_a_missing_slice(tmp_path, given):
    (tmp_path / "empty").mkdir()
    message = refused(tmp_path / given)
    assert str(tmp_path / given.partition("/")[0]) in message and "there is no report" in message


@pytest.mark.parametrize("before, after, said", [
    ('"podman_fleet.memory/report/v1"', '"podman_fleet.memory/report/v2"', "schema"),
    ('"summary"', '"sum"', "summary"),
    ('"total": 2', '"total": 3', "2 of 3 hosts"),
    ('"a1"', '"b2"', "twice"),
    ('"findings": [', '"others": [', "findings"),
    ('{"name"', '{"name', "cannot be read"),
])
def test_a_broken_slice(tmp_path, records, before, after, said):
    path = pathlib.Path(write(tmp_path / "1", [records["a1"], records["b2"]]))
    text = path.read_text(encoding="ascii")
    assert before in text
    path.write_text(text.replace(before, after, 1) if before != '"a1"' else text.replace(before, after), encoding="ascii")
    message = refused(path)
    assert str(path) in message and said in message


@pytest.mark.parametrize("lines", [0, 1, 4, 9, 10, 30])
def test_a_slice_that_ends_early(tmp_path, records, lines):
    path = pathlib.Path(write(tmp_path / "1", [records["a1"], records["b2"]]))
    text = path.read_text(encoding="ascii").splitlines(keepends=True)
    path.write_text("".join(text[:lines]), encoding="ascii")
    assert str(path) in refused(path)


def test_nothing_is_left_of_a_merge_that_fails(tmp_path, records):
    """A slice that changes while it is read."""
    path = pathlib.Path(write(tmp_path / "1", [records["a1"], records["b2"]]))
    slices = Slices([str(path)])
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ReportError):
        merge_slices(slices, str(tmp_path / "fleet"), (), {})
    assert list((tmp_path / "fleet").iterdir()) == []
