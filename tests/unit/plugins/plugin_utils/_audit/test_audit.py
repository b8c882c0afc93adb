# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""report.json as a whole: its schema, and what one report remembers of the one before."""

from __future__ import annotations

import datetime
import json
import pathlib

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.audit import Audit
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.parse import parse_policy
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.policy import BUILT_IN
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.report_file import Report

jsonschema = pytest.importorskip("jsonschema")
SCHEMA = json.loads((pathlib.Path(__file__).parents[5] / "docs" / "report-v1.schema.json").read_text(encoding="utf-8"))
START = datetime.datetime(2026, 11, 23, 20, 30, 0, tzinfo=datetime.timezone.utc)
RUN = {"collection_version": "1.0.0", "ansible_version": "2.19.0", "check_mode": False, "limit": None,
       "controller": "c", "started_at": "2026-11-23T20:29:00Z", "previous": None}


def answered(host, facts, run_as="root"):
    return {"host": host, "run_as": run_as, "problem": None, "facts": facts}


def lost(host, kind="unreachable"):
    return {"host": host, "run_as": None, "facts": None, "problem": {"kind": kind, "message": "no \x1b[31mroute"}}


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a report `days` after the first one and gives (report, path, outcome)."""
    def write_one(records, previous=None, days=0, policy=BUILT_IN):
        moment = START + datetime.timedelta(days=days)
        outcome = Audit(str(tmp_path), previous, moment, policy).write(iter(records), RUN)
        with open(outcome.path, encoding="ascii") as stream:
            report = json.load(stream)
        jsonschema.Draft202012Validator(SCHEMA).validate(report)
        return report, outcome.path, outcome
    return write_one


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_recorded_hosts(write, recorded):
    report, path, _outcome = write([
        answered("deb13", recorded("debian13-root")), answered("deb12", recorded("debian12-root")),
        answered("alice", recorded("debian13-alice"), "alice"), lost("gone")])
    assert [(each["name"], each["status"]) for each in report["hosts"]] == [
        ("deb13", "checked"), ("deb12", "checked"), ("alice", "partial"), ("gone", "not_checked")]
    assert report["hosts"][0]["facts"] == recorded("debian13-root")
    assert report["summary"]["hosts"] == {
        "total": 4, "checked": 2, "partial": 1, "not_checked": 1, "without_podman": 0}
    assert report["summary"]["not_checked"] == {"unreachable": 1}
    assert report["summary"]["findings"]["total"] == len(report["findings"])
    assert report["summary"]["findings"]["new"] == len(report["findings"])
    assert sorted(pathlib.Path(path).parent.iterdir()) == [pathlib.Path(path)]


@pytest.mark.parametrize("usage, sources", [
    ({"working_set": 10**400}, [{"name": "podman", "user": "root", "status": "ok"}]),
    ({}, [{"name": [], "user": {}, "status": []}, {"name": "podman", "user": [], "status": []}])])
def test_an_odd_answer_does_not_end_the_report(tmp_path, container, facts, usage, sources):
    odd = container(memory__effective__limit=1000)
    odd["memory"]["usage"].update(usage)
    path = None
    for day in range(2):
        moment = START + datetime.timedelta(days=day)
        outcome = Audit(str(tmp_path), path, moment).write([answered("h", facts(odd, sources=sources))], {**RUN, "previous": path})
        assert not outcome.warnings and outcome.tally.hosts["total"] == 1
        path = outcome.path


def test_nothing_at_all(write):
    report, _path, _outcome = write([])
    assert (report["hosts"], report["findings"], report["carried_over"]) == ([], [], [])


def test_the_file_is_ascii_and_each_element_a_line(write, recorded):
    _report, path, _outcome = write([answered("deb13", recorded("debian13-root")), lost("\x1b]0;x\x07\u202e")])
    text = pathlib.Path(path).read_bytes()
    assert b"\x1b" not in text and max(text) < 128
    found = [name for name, _place, _element in Report(path).elements("hosts", "findings")]
    report = json.loads(text)
    assert found.count("hosts") == 2 and found.count("findings") == len(report["findings"])


def test_open_keeps_first_seen(write, recorded):
    first, path, _outcome = write([answered("h", recorded("debian13-root"))])
    second, _path, outcome = write([answered("h", recorded("debian13-root"))], path, days=1)
    assert outcome.has_previous and not outcome.warnings
    assert {each["id"] for each in second["findings"]} == {each["id"] for each in first["findings"]}
    assert {each["state"] for each in second["findings"]} == {"open"}
    assert {each["first_seen"] for each in second["findings"]} == {first["generated_at"]}
    assert second["summary"]["findings"]["new"] == 0


def test_killed_again_is_new_again(write, container, facts):
    def killed(at):
        return facts(container(oom__killed=True, oom__cause="container_limit", oom__lethal=False, oom__count=1,
                               oom__last_at=at))
    first, path, _outcome = write([answered("h", killed("2026-11-23T10:00:00Z"))])
    second, _path, _outcome = write([answered("h", killed("2026-11-24T10:00:00Z"))], path, days=1)
    assert [each["state"] for each in second["findings"]] == ["new"]
    assert second["findings"][0]["first_seen"] == first["generated_at"]


def test_a_host_that_was_away_is_not_new_when_it_is_back(write, recorded):
    first, path, _outcome = write([answered("h", recorded("debian13-root"))])
    away, path, _outcome = write([lost("h")], path, days=1)
    assert {each["id"] for each in away["carried_over"]} == {each["id"] for each in first["findings"]}
    limited, path, _outcome = write([answered("other", recorded("debian12-root"))], path, days=2)
    back, _path, _outcome = write([answered("h", recorded("debian13-root"))], path, days=3)
    assert {each["state"] for each in back["findings"]} == {"open"}
    # those of `other`; nothing of h, which was checked, but that it was away
    assert {each["host"] for each in back["carried_over"]} == {"other"}
    assert len(limited["carried_over"]) == len(first["findings"]) + 1


def test_what_is_gone_is_forgotten(write, container, facts):
    _first, path, _outcome = write([answered("h", facts(container(memory__effective__oom_group=False)))])
    fixed, path, _outcome = write([answered("h", facts(container()))], path, days=1)
    assert not fixed["findings"] and not fixed["carried_over"]
    again, path, _outcome = write([answered("h", facts(container(memory__effective__oom_group=False)))], path, days=2)
    assert [each["state"] for each in again["findings"]] == ["new"]
    late, _path, _outcome = write([], path, days=200)
    assert not late["carried_over"]


def test_waived_and_waived_no_more(write, container, facts):
    policy = parse_policy({"waivers": [{"match": "name == 'web'", "rule": "oom-group-mismatch", "reason": "a database",
                                        "owner": "ops", "expires": "2026-11-24"}]}, "test")
    records = [answered("h", facts(container(memory__effective__oom_group=False)))]
    first, path, _outcome = write(records, policy=policy)
    assert [each["state"] for each in first["findings"]] == ["waived"]
    assert first["findings"][0]["waiver"]["reason"] == "a database"
    counts = first["summary"]
    assert (counts["findings"]["total"], counts["findings"]["new"], counts["findings"]["waived"]) == (0, 0, 1)
    assert not counts["unprotected"] and not any(counts["findings"]["by_rule"].values())
    # its time is over: open, not new, since it was known
    last, path, _outcome = write(records, path, days=2, policy=policy)
    assert {each["rule"]: each["state"] for each in last["findings"]} == {
        "oom-group-mismatch": "open", "waiver-expired": "new"}
    assert {each["waiver"] for each in last["findings"]} == {None}
    assert last["summary"]["unprotected"] == 1 and last["summary"]["findings"]["waived"] == 0


@pytest.mark.parametrize("content", ["", "{}", "[1]", "not json", '{"generated_at": 3}', '{\n"findings": [\n{"id": 1\n]}'])
def test_an_unreadable_report_before_never_stops_a_new_one(write, recorded, tmp_path, content):
    before = tmp_path / "odd.json"
    before.write_text(content, encoding="ascii")
    report, _path, outcome = write([answered("h", recorded("debian12-root"))], str(before))
    assert outcome.warnings and not outcome.has_previous
    assert {each["state"] for each in report["findings"]} == {"new"}


def test_a_missing_report_before(write, recorded, tmp_path):
    _report, _path, outcome = write([answered("h", recorded("debian12-root"))], str(tmp_path / "none.json"))
    assert outcome.warnings


def test_check_mode_counts_the_same_and_writes_nothing(write, recorded, tmp_path):
    records = [answered("h", recorded("debian13-root")), lost("gone")]
    outcome = Audit(str(tmp_path / "none"), None, START).count(iter(records))
    assert outcome.path is None and not (tmp_path / "none").exists()
    report, _path, _outcome = write(records)
    assert outcome.tally.summary() == report["summary"]


def test_what_is_mended_is_resolved(write, container, facts):
    sources = [{"name": "podman", "user": "root", "status": "ok", "detail": None, "covers_since": None}]
    first, path, _outcome = write([answered("h", facts(container(memory__effective__oom_group=False), sources=sources))])
    second, path, outcome = write([answered("h", facts(container(), sources=sources))], path, days=1)
    gone = second["resolved"]
    assert [(each["id"], each["state"], each["first_seen"], each["last_seen"]) for each in gone] == [
        (first["findings"][0]["id"], "resolved", first["generated_at"], first["generated_at"])]
    assert not second["findings"] and not second["carried_over"]
    assert second["summary"]["findings"]["resolved"] == 1 and outcome.previous_at == first["generated_at"]
    # told once
    assert not write([answered("h", facts(container(), sources=sources))], path, days=2)[0]["resolved"]


def test_what_was_not_evaluated_is_not_resolved(write, recorded):
    root, path, _outcome = write([answered("h", recorded("debian13-root"))])
    # the next time without become: nothing of root's containers can be seen
    alice, path, _outcome = write([answered("h", recorded("debian13-alice"), "alice")], path, days=1)
    of_root = {each["id"] for each in root["findings"] if each["user"] == "root"}
    assert of_root and not [each for each in alice["resolved"] if each["user"] == "root"]
    assert of_root <= {each["id"] for each in alice["carried_over"]}
    # and then with become again: nothing of it is new
    again, _path, _outcome = write([answered("h", recorded("debian13-root"))], path, days=2)
    assert not [each for each in again["findings"] if each["id"] in of_root and each["state"] == "new"]


def test_only_some_containers(write, recorded):
    first, path, _outcome = write([answered("h", recorded("debian13-root"))])
    some = recorded("debian13-root")
    some["containers"] = [each for each in some["containers"] if each["name"] == "pid1-kill"]
    second, _path, _outcome = write([{**answered("h", some), "only": ["pid1-kill"]}], path, days=1)
    assert second["hosts"][0]["only"] == ["pid1-kill"]
    others = {each["id"] for each in first["findings"] if each["container"] != "pid1-kill"}
    assert not second["resolved"] and others == {each["id"] for each in second["carried_over"]}


def test_a_report_before_that_could_not_be_read_is_not_named(write, recorded, tmp_path):
    report, _path, _outcome = write([answered("h", recorded("debian12-root"))], str(tmp_path / "none.json"))
    assert report["run"]["previous"] is None
    assert len(report["trend"]) == 1


def test_near_its_limit(write, container, facts):
    usage = {"current": 63 << 20, "working_set": 60 << 20, "anon": 1, "peak": 1, "swap": 0, "pressure_full_avg300": 0.0}
    report, _path, outcome = write([answered("h", facts(container(memory__usage=usage, memory__effective__swap_limit=64 << 20)))])
    assert [(each["rule"], each["severity"]) for each in report["findings"]] == [("near-limit", "high")]
    assert report["summary"]["findings"]["by_rule"]["near-limit"] == 1 and len(outcome.tally.near_limit) == 1
