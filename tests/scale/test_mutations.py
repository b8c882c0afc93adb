# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever one host or one container says, the report is written in all formats, with everything else in it as it is.

Recorded facts and recorded answers of Podman, each with one odd value. MUTATIONS is how many (10,000), MUTATION_SEED which.
"""

from __future__ import annotations

import copy
import datetime
import json
import os
import pathlib
import time
import tracemalloc

import pytest
from mutation import mutations

from ansible_collections.podman_fleet.memory.plugins.module_utils._door.answer import clean_answer
from ansible_collections.podman_fleet.memory.plugins.module_utils._door.document import DoorError
from ansible_collections.podman_fleet.memory.plugins.module_utils._door.door import clean_facts, parse_facts
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman.inspect import (
    InspectError,
    parse_container,
    parse_inspect,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import SECOND
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.alert import KINDS, alert_body
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.audit import Audit
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.compare import compare_reports, comparison_lines
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.merge import Slices, merge_slices
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._enforce.plan import plan_host
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.render import FORMATS
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.summary import summary_lines
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.summary_context import Context
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.parse import parse_policy
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.report_file import Report
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._terminal import plain_text

COUNT = int(os.environ.get("MUTATIONS", "10000"))
SEED = int(os.environ.get("MUTATION_SEED", "14"))
BATCH = 1000  # hosts in a report
FIXTURES = pathlib.Path(__file__).parents[1] / "unit" / "fixtures"
MOMENT = datetime.datetime(2026, 11, 29, 12, tzinfo=datetime.timezone.utc)
NOW = int(MOMENT.timestamp()) * SECOND
RUN = {"collection_version": "1.0.0", "ansible_version": "2.19.0", "check_mode": False, "limit": None, "controller": "c",
       "started_at": "2026-11-29T11:59:00Z"}
# Every key of a policy, with expressions on labels, names and numbers.
POLICY = parse_policy({
    "rules": [
        {"name": "all", "match": "true", "memory": {"required": True, "default": "512m", "min": "32m", "max": "1g",
                                                    "max_share_of_host": 0.5}, "oom_group": True},
        {"name": "databases", "match": "labels.role == 'database' || contains(image || '', 'postgres')", "memory": {"min": "1g"},
         "severity": "critical"},
        {"name": "large", "match": "memory.usage.current > `1000000` && starts_with(name || '', 'p')", "oom_group": False}],
    "waivers": [
        {"match": "name == 'pid1-kill'", "rule": "oom-killed", "reason": "r", "owner": "o", "expires": datetime.date(2027, 1, 1)},
        {"match": "state.exit_code == `137`", "rule": "memory-limit-missing", "reason": "r", "expires": datetime.date(2026, 1, 1)}],
    "host": {"max_committed_share": 0.0001, "require_cgroup_v2": True},
}, "test")


def recorded():
    """The facts of the recorded hosts in hosts of a few containers each, with what those hosts had not."""
    documents = []
    for path in sorted((FIXTURES / "oom_audit").glob("*.json")):
        facts = json.loads(path.read_text(encoding="utf-8"))
        for container in facts["containers"]:
            container["memory"].update(
                daily=[{"day": "2026-11-28", "working_set_max": 1 << 20, "peak": 2 << 20, "samples": 1440}],
                next_start={"limit": 1 << 26, "swap_limit": None, "reservation": None, "oom_group": False})
            container["labels"] = {"role": "database"}
        for removed in facts["removed"]:
            removed.update(manager={"kind": "quadlet", "unit": "web.service"}, memory_limit=1 << 26, gone=True)
            del removed["unit"]
        facts["errors"] = [{"source": "systemd", "user": "alice", "message": "m"},
                           {"source": "podman", "user": "root", "message": "m", "container": "gone", "container_id": "ab" * 32},
                           {"source": "kernel_log", "user": None, "message": "suspicious record: odd (1)"}]
        assert clean_facts(facts, NOW) == facts
        for first in range(0, max(1, len(facts["containers"])), 2):
            documents.append(dict(facts, containers=facts["containers"][first:first + 2], removed=facts["removed"][:1]))
    return documents


DOCUMENTS = recorded()


def answer(host, text):
    """The record of a host as audit_collect makes it."""
    try:
        facts, problem = parse_facts(text, NOW), None
    except DoorError as exc:
        facts, problem = None, {"kind": "bad_facts", "message": "its answer %s" % exc}
    return {"host": host, "run_as": "root", "only": None, "problem": problem, "facts": facts}


def written(report):
    """The report as JSON, and its formats as text."""
    directory = pathlib.Path(report).parent
    return json.loads(pathlib.Path(report).read_text(encoding="ascii")), {
        name: (directory / file).read_text(encoding="utf-8") for name, (file, _renderer) in FORMATS.items()}


def by_host(report):
    """{host: (entry, findings)} without what depends on the host's name and on the run."""
    hosts = {entry["name"]: (dict(entry, name=None), []) for entry in report["hosts"]}
    for finding in report["findings"]:
        text = json.dumps({key: value for key, value in finding.items() if key not in ("id", "first_seen", "state")})
        hosts[finding["host"]][1].append(text.replace(finding["host"], "HOST"))
    return hosts


def others_are_told(document, path, entry):
    """Whether all containers but the odd one are there as they were, and that one is there or told."""
    if path == ("containers",):
        return True  # an empty list is a valid one
    given = {container["id"]: container for container in document["containers"]}
    left = {container["id"]: container for container in entry["facts"]["containers"]}
    odd = document["containers"][path[1]]["id"] if path[:1] == ("containers",) and len(path) > 1 else None
    told = {error.get("container_id") for error in entry["facts"]["errors"]} | {
        None for error in entry["facts"]["errors"] if error.get("container")}
    same = all(left.get(ident) == container for ident, container in given.items() if ident != odd)
    return same and (odd is None or odd in left and left[odd] == given[odd] or bool(told & {odd, None}) or path[3:4] == ("labels",))


def test_one_odd_value_costs_its_host_or_its_container(tmp_path):
    intact = by_host(written(Audit(str(tmp_path / "intact"), None, MOMENT, POLICY, FORMATS).write(
        [answer("intact%d" % number, json.dumps(document)) for number, document in enumerate(DOCUMENTS)], {**RUN, "previous": None}).path)[0])
    todo, done, previous = list(mutations(DOCUMENTS, COUNT, SEED)), 0, None
    while done < len(todo):
        batch = todo[done:done + BATCH]
        records, mutated = [], {}
        for place, (number, path, odd, text) in enumerate(batch):
            host = "host%04d" % place
            mutated[host] = (number, path, odd)
            records.append(answer(host, text))
            if place % 50 == 0:
                other = place // 50 % len(DOCUMENTS)
                records.append(answer("intact%d-%d" % (other, place), json.dumps(DOCUMENTS[other])))
        outcome = Audit(str(tmp_path / "reports"), previous, MOMENT + datetime.timedelta(seconds=done), POLICY, FORMATS).write(
            records, {**RUN, "previous": previous})
        assert outcome.failed_formats == {} and outcome.warnings == []
        report, texts = written(outcome.path)
        found = by_host(report)
        assert list(found) == [record["host"] for record in records]
        for host, (entry, findings) in found.items():
            if host.startswith("intact"):
                assert (entry, findings) == intact[host.partition("-")[0]], host
                continue
            number, path, odd = mutated[host]
            failed = [text for text in findings if '"kind": "error"' in text]
            assert not failed, (path, odd, failed)
            if entry["facts"] is None:
                assert entry["kind"] == "bad_facts" and "could not be evaluated" not in entry["reason"], (path, odd, entry)
                assert len(path) < 2 or len(odd) == 40, (path, odd, entry["reason"])
            else:
                assert others_are_told(DOCUMENTS[number], path, entry), (path, odd, entry["facts"]["errors"])
                plan_host(host, entry["facts"], "root", POLICY, MOMENT.date())
        assert all(host in texts[name] for host in found for name in ("csv", "junit", "prometheus"))
        shown(outcome, previous)
        if done % (5 * BATCH) == 0:
            merged = merge_slices(Slices([outcome.path]), str(tmp_path / "merged"), (), {"controller": "c"}, FORMATS)
            assert merged.failed_formats == {} and merged.tally.hosts == outcome.tally.hosts
        previous, done = outcome.path, done + len(batch)


def shown(outcome, previous):
    """Everything that is made of a report beside its formats."""
    context = Context(now=outcome.generated_at, report=outcome.path, has_previous=True, previous_at=None, width=100, everything=True)
    assert "\x1b" not in plain_text(summary_lines(outcome.tally, context))
    assert all(alert_body(kind, outcome.tally, outcome.generated_at, "c", outcome.path) for kind in KINDS)
    if previous:
        assert comparison_lines(compare_reports(Report(outcome.path), Report(previous)), None)


def inspected():
    """(User, what Podman printed of one container), of all recorded hosts."""
    for user in ("alice", "root"):
        for path in sorted((FIXTURES / ("inspect_" + user)).glob("*.json")):
            for raw in json.loads(path.read_text(encoding="utf-8"))[::4]:
                yield user, raw


def test_one_odd_value_of_podman_costs_its_container():
    """It is a container of which every value has its type, or an InspectError, soon."""
    users, raws = zip(*inspected())
    slowest = 0.0
    for number, path, odd, text in mutations(list(raws), COUNT, SEED):
        began = time.perf_counter()
        try:
            raw, = parse_inspect(b"[%s]" % text.encode("utf-8"))
            container = parse_container(raw, users[number])
        except InspectError:
            container = None
        slowest = max(slowest, time.perf_counter() - began)
        if container is None:
            continue
        said = {"podman": {"listed": [], "containers": [dict(container._asdict(), create_command=[])], "unmatched": [], "complete": True,
                           "sources": [{"name": "podman", "user": users[number], "status": "ok"}], "errors": []},
                "info": None, "next_starts": {}, "main_pids": {}}
        passed = clean_answer(json.loads(json.dumps(said)), users[number], NOW)["podman"]
        assert [each["ident"] for each in passed["containers"]] == [container.ident], (path, odd, passed["errors"])
        # what the type and range of a field allow, a version of Podman may print: states, times that are no longer or not yet
        assert not passed["errors"] or path[-1] in ("Status", "StartedAt", "FinishedAt", "Created") or "Labels" in path, (path, odd, passed)
    assert slowest < 1


@pytest.mark.parametrize("document", range(0, len(DOCUMENTS), 4))
def test_it_does_not_take_more_memory_than_it_has(document):
    """Of a large answer, what is left out is not kept."""
    facts = copy.deepcopy(DOCUMENTS[document])
    facts["rest"] = [[{"a": []}] * 1000] * 100
    text = json.dumps(facts)
    tracemalloc.start()
    left = parse_facts(text, NOW)
    size, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "rest" not in left and size < len(text)
