# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""report.json is JSON: each reader reads it in any layout, and what is not a report is one error that names the file."""

from __future__ import annotations

import base64
import datetime
import json
import os
import pathlib
import re
import zlib

import pytest
from hypothesis import given, settings, strategies as st

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.audit import Audit
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.compare import compare_reports, comparison_lines
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.merge import Slices, merge_slices
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.render import FORMATS, count_report, render_report
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.summary import summary_lines
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.summary_context import Context
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report import report_file
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.lines import ARRAYS
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.report_file import Report, ReportError, Writer
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._terminal import plain_text

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures" / "oom_audit"
START = datetime.datetime(2026, 11, 23, 20, 30, 0, tzinfo=datetime.timezone.utc)
RUN = {"collection_version": "1.0.0", "ansible_version": "2.19.0", "check_mode": False, "limit": None, "controller": "café",
       "started_at": "2026-11-23T20:29:00Z", "finished_at": "2026-11-23T20:30:00Z"}


def records(changed=False):
    """What audit_collect leaves of three hosts; `changed`: some containers of one are gone."""
    facts = json.loads((FIXTURES / "debian13-root.json").read_text(encoding="utf-8"))
    facts["containers"][0]["labels"] = {"café": "{ [ \u2028 \"", "}": "]]"}
    if changed:
        facts["containers"] = facts["containers"][3:]
    return [
        {"host": "a", "run_as": "root", "only": None, "problem": None, "facts": facts},
        {"host": "b", "run_as": None, "only": None, "facts": None, "problem": {"kind": "unreachable", "message": "{ no route"}},
        {"host": "c", "run_as": "root", "only": None, "problem": None,
         "facts": json.loads((FIXTURES / "debian12-root.json").read_text(encoding="utf-8"))}]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A report as it is written, with something in each array."""
    path = tmp_path_factory.mktemp("written")
    first = Audit(str(path), None, START).write([*records(), {**records()[2], "host": "gone"}], {**RUN, "previous": None}).path
    second = Audit(str(path), first, START + datetime.timedelta(days=1)).write(records(changed=True), {**RUN, "previous": first}).path
    document = json.loads(pathlib.Path(second).read_bytes())
    assert all(document[array] for array in ARRAYS)
    return pathlib.Path(second)


def one_line_each(document, keys):
    """The layout of report.json, in another order."""
    parts = []
    for key in keys:
        if key in ARRAYS:
            parts.append('"%s":[\n%s\n]' % (key, ",\n".join(json.dumps(element) for element in document[key])))
        else:
            parts.append('"%s" : %s' % (key, json.dumps(document[key])))
    return "{\n%s\n}" % ",\n".join(parts)


def as_text(make):
    return lambda raw, document: make(document).encode("utf-8")


IN_LINES = {
    "as written": lambda raw, document: raw,
    "with CRLF": lambda raw, document: raw.replace(b"\n", b"\r\n"),
    "with a BOM": lambda raw, document: b"\xef\xbb\xbf" + raw,
    "indented and with empty lines": lambda raw, document: raw.replace(b"\n", b"  \n\n\t"),
    "without a last newline": lambda raw, document: raw.rstrip(),
    "arrays first": as_text(lambda document: one_line_each(document, [*reversed(ARRAYS), *(set(document) - set(ARRAYS))])),
    "in UTF-8": lambda raw, document: raw.replace(b"caf\\u00e9", "café".encode("utf-8")),
}
WHOLE = {
    "jq .": as_text(lambda document: json.dumps(document, indent=2, ensure_ascii=False) + "\n"),
    "jq --tab -S .": as_text(lambda document: json.dumps(document, indent="\t", sort_keys=True)),
    "jq -c .": as_text(lambda document: json.dumps(document, separators=(",", ":"), ensure_ascii=False)),
    "one line, keys backwards": as_text(lambda document: json.dumps(dict(reversed(document.items())))),
    "one line with a BOM": lambda raw, document: b"\xef\xbb\xbf" + json.dumps(document).encode("ascii"),
    "pretty with CRLF": as_text(lambda document: json.dumps(document, indent=4).replace("\n", "\r\n")),
    "UTF-16, as PowerShell writes it": lambda raw, document: json.dumps(document, indent=2).encode("utf-16"),
    "one element over two lines": lambda raw, document: raw.replace(b', "facts": {', b',\n"facts": {'),
    "the trend in lines": as_text(lambda document: one_line_each(document, document).replace('"trend" : [', '"trend" : [\n')),
}


@pytest.fixture(params=[*IN_LINES, *WHOLE])
def rewritten(request, written, tmp_path):
    """The same report in another layout."""
    raw = written.read_bytes()
    path = tmp_path / "rewritten.json"
    path.write_bytes({**IN_LINES, **WHOLE}[request.param](raw, json.loads(raw)))
    return path


def elements(report):
    """All of a report, as JSON has it."""
    return {**report.head, **{array: [element for _array, _place, element in report.elements(array)] for array in ARRAYS}}


def test_elements_and_places(written, rewritten):
    report, document = Report(str(rewritten)), json.loads(written.read_bytes())
    assert elements(report) == document
    for array in ARRAYS:
        places = [place for _array, place, _element in report.elements(array)]
        assert report.read(reversed(places)) == list(reversed(document[array]))
    assert [(entry["name"], [finding["id"] for finding in findings]) for entry, findings in report.by_host()] == [
        (entry["name"], [finding["id"] for finding in document["findings"] if finding["host"] == entry["name"]])
        for entry in document["hosts"]]


def unpacked(text):
    """A text without its compressed blocks, and what they hold: keys have no order in JSON."""
    block = re.compile(r"(?<=>)[A-Za-z0-9+/=]{20,}(?=</script>)")
    return block.sub("", text), [json.loads(zlib.decompress(base64.b64decode(data))) for data in block.findall(text)]


def test_render(written, rewritten, tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    report = Report(str(rewritten))
    assert count_report(report).summary() == report.head["summary"]
    expected = render_report(Report(str(written)), FORMATS, directory=str(tmp_path / "one"))
    for name, path in render_report(report, FORMATS, directory=str(tmp_path / "other")).items():
        texts = [pathlib.Path(file).read_text(encoding="utf-8") for file in (path, expected[name])]
        assert unpacked(texts[0]) == unpacked(texts[1]), name


def test_compare(written, rewritten):
    before = Report(str(written.parent.parent / "20261123T203000Z" / "report.json"))
    assert compare_reports(Report(str(rewritten)), before) == compare_reports(Report(str(written)), before)
    same = compare_reports(Report(str(rewritten)), Report(str(rewritten)))
    assert same.counts["unchanged"] == len(list(Report(str(written)).elements("findings"))) and not same.counts["new"]


def test_merge(written, rewritten, tmp_path):
    merged = [merge_slices(Slices([str(path)]), str(tmp_path / name), (), {}).path for name, path in (
        ("one", written), ("other", rewritten))]
    one, other = (json.loads(pathlib.Path(path).read_bytes()) for path in merged)
    assert one["hosts"] == json.loads(written.read_bytes())["hosts"]
    one["run"].pop("slices"), other["run"].pop("slices")
    assert one == other


def test_the_next_audit(written, rewritten, tmp_path):
    reports = []
    for name, path in (("one", written), ("other", rewritten)):
        outcome = Audit(str(tmp_path / name), str(path), START + datetime.timedelta(days=2)).write(records(), {**RUN, "previous": "x"})
        assert outcome.has_previous and not outcome.warnings
        reports.append(json.loads(pathlib.Path(outcome.path).read_bytes()))
    assert reports[0] == reports[1]
    assert {"new", "open"} == {finding["state"] for finding in reports[0]["findings"]}


def test_explain(written, rewritten):
    pytest.importorskip("ansible")
    from ansible_collections.podman_fleet.memory.plugins.action.policy_explain import _matching_containers
    container = json.loads(written.read_bytes())["hosts"][0]["facts"]["containers"][0]
    for name in (container["name"], container["id"][:12]):
        assert list(_matching_containers(Report(str(rewritten)), "a", name)) == list(_matching_containers(Report(str(written)), "a", name))
        assert container in [match for _host, _facts, match in _matching_containers(Report(str(rewritten)), None, name)]


@pytest.mark.parametrize("layout", [*IN_LINES, *WHOLE])
def test_only_another_layout_has_to_fit_into_memory(written, tmp_path, monkeypatch, layout):
    """A name with brackets in it does not make another layout of it."""
    monkeypatch.setattr(report_file, "MAX_WHOLE_SIZE", 1 << 10)
    raw = written.read_bytes()
    path = tmp_path / "report.json"
    path.write_bytes({**IN_LINES, **WHOLE}[layout](raw, json.loads(raw)))
    if layout in IN_LINES:
        assert elements(Report(str(path))) == json.loads(raw)
    else:
        with pytest.raises(ReportError, match="report.json cannot be read as a report: it is not laid out in lines .* too large"):
            Report(str(path))


@settings(max_examples=30)
@given(data=st.data())
def test_white_space_between_tokens_means_nothing(data, tmp_path_factory):
    brackets = st.text(st.sampled_from('{}[]",\\\n a'), max_size=8)
    name = data.draw(brackets)
    finding = {"id": "1", "rule": "oom-killed", "severity": "high", "host": name, "user": None, "container": data.draw(brackets),
               "unit": None, "summary": data.draw(brackets), "detail": "", "remedy": "", "state": "new",
               "first_seen": "2026-11-23T20:30:00Z", "waiver": None, "evidence": {"victims": [{"task": data.draw(brackets)}, {}]}}
    document = {
        "schema": "podman_fleet.memory/report/v1", "generated_at": "2026-11-23T20:30:00Z", "run": {**RUN, "previous": None},
        "summary": {"hosts": {"total": 1}, "findings": {"total": 1, "waived": 0}}, "trend": [],
        "hosts": [{"name": name, "status": "checked", "kind": None, "reason": None, "run_as": None, "only": None, "facts": None}],
        "findings": [finding] * data.draw(st.integers(0, 2)), "resolved": [], "carried_over": []}
    text = ""
    for chunk in json.JSONEncoder(separators=(",", ":")).iterencode(document):
        text += chunk + data.draw(st.sampled_from(("", "", "", "", "\n", "\r\n", " ", "\t")))
    path = tmp_path_factory.mktemp("white") / "report.json"
    path.write_text(text, encoding="ascii", newline="")
    assert elements(Report(str(path))) == document


# -- what is not a report


def error_of(path):
    with pytest.raises(ReportError) as caught:
        elements(Report(str(path)))
    message = str(caught.value)
    assert message.startswith("%s cannot be read as a report: " % path)
    return message


@pytest.mark.parametrize("content, message", [
    ("", "Expecting value"), ("{}", "lacks schema"), ("[1]", "not an object"), ("not json", "Expecting value"), ("{\n}", "lacks"),
    ('{\n"schema": "other"\n}', "schema is not podman_fleet.memory/report/v1"), ("[" * 100000, "recursion"),
    ('{"schema": NaN}', "NaN"), ("\x00", "Expecting value"), ('{"schema": -1e400}', "-1e400 is not JSON"),
    ("{\n" + '"trend": ' + "[" * 100000 + "\n}", "recursion"), ('{"schema": %s}' % ("1" * 5000), "integer string conversion"),
    ('{"schema": "a", "schema": "b"}', "it has the key 'schema' twice"), ('{\n"hosts": [\n],\n"hosts": []\n}', "it has the key 'hosts' twice"),
])
def test_other_files(tmp_path, content, message):
    (tmp_path / "odd.json").write_text(content, encoding="ascii")
    assert message in error_of(tmp_path / "odd.json")


def test_no_file(tmp_path):
    assert "No such file" in error_of(tmp_path / "none.json")
    assert "Is a directory" in error_of(tmp_path)
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", "/dev/zero"):
        assert "it is not a regular file" in error_of(path)


def test_a_file_that_ends_early(written, tmp_path):
    raw = written.read_bytes()
    lines = raw.splitlines(keepends=True)
    for kept in range(len(lines)):
        (tmp_path / "report.json").write_bytes(b"".join(lines[:kept]))
        error_of(tmp_path / "report.json")
    for size in range(1, len(raw) - 3, len(raw) // 50):
        (tmp_path / "report.json").write_bytes(raw[:size])
        error_of(tmp_path / "report.json")


@pytest.mark.parametrize("change, message", [
    (lambda document: document.pop("trend"), "it lacks trend"),
    (lambda document: document.pop("carried_over"), "it lacks carried_over"),
    (lambda document: document.update(findings={}), "it.findings is not a list"),
    (lambda document: document["run"].pop("controller"), "it.run lacks controller"),
    (lambda document: document.update(generated_at=3), "it.generated_at is a int"),
    (lambda document: document["hosts"].append("web"), "not an object"),
    (lambda document: document["hosts"][0].update(status="fine"), "hosts[].status is not checked or not_checked or partial"),
    (lambda document: document["hosts"][0]["facts"].update(containers=["web"]), "hosts[].facts.containers[] is not an object"),
    (lambda document: document["hosts"][0]["facts"].update(host="web"), "hosts[].facts.host is not an object"),
    (lambda document: document["findings"][0].pop("evidence"), "findings[] lacks evidence"),
    (lambda document: document["findings"][0]["evidence"].update(count="2"), "findings[].evidence.count is a str"),
    (lambda document: document["findings"][0].update(severity="awful"), "findings[].severity is not critical or"),
    (lambda document: document["findings"][0].update(state=["new"]), "findings[].state is not new or open or waived"),
    (lambda document: document["resolved"][0].update(last_seen=None), "resolved[].last_seen is a NoneType"),
])
@pytest.mark.parametrize("layout", ["lines", "whole"])
def test_another_shape(written, tmp_path, change, message, layout):
    document = json.loads(written.read_bytes())
    change(document)
    path = tmp_path / "report.json"
    in_lines = layout == "lines" and isinstance(document["findings"], list)
    path.write_text(one_line_each(document, document) if in_lines else json.dumps(document), encoding="ascii")
    assert message in error_of(path)


def test_a_file_that_changes_while_it_is_read(written, tmp_path):
    path = tmp_path / "report.json"
    path.write_bytes(written.read_bytes())
    report = Report(str(path))
    places = [place for _array, place, _element in report.elements("findings")]
    reading = report.elements("findings", "carried_over")
    next(reading)
    path.write_bytes(written.read_bytes()[:-200])
    for read in (lambda: list(reading), lambda: list(report.elements("carried_over")), lambda: report.read([places[0] + 1])):
        with pytest.raises(ReportError, match="report.json cannot be read as a report: "):
            read()


def test_another_report_in_its_place(written, tmp_path):
    """The places in the one say nothing of the other."""
    path = tmp_path / "report.json"
    path.write_bytes(written.read_bytes())
    slices = Slices([str(path)])
    (tmp_path / "new").write_bytes(written.read_bytes().replace(b'"a"', b'"A"'))
    os.utime(tmp_path / "new", (1, 1))
    os.replace(tmp_path / "new", path)
    with pytest.raises(ReportError, match="it changed while it was read"):
        merge_slices(slices, str(tmp_path / "merged"), (), {})
    assert not [name for name in os.listdir(tmp_path / "merged") if not name.startswith(".")]


@pytest.mark.parametrize("layout", ["lines", "whole"])
def test_what_may_be_missing_and_what_is_odd(written, tmp_path, layout):
    """Each reader gets along with whatever Report does not refuse."""
    document = json.loads(written.read_bytes())
    document["hosts"][0]["name"] = document["findings"][0]["host"] = "\ud800"
    document["findings"] = document["findings"][:1]
    document["findings"][0].pop("waiver")
    document["findings"][0]["evidence"].update(flag_trust={}, scope=5, cause="ancestor_limit", limit=10**400, last_at={}, confidence=[])
    document["findings"][0].update(rule="oom-killed", first_seen="9999-12-31T23:59:59-23:00")
    document["hosts"][1].pop("facts"), document["hosts"][1].pop("only")
    document["summary"]["findings"].update(total=1, waived=0)
    path = tmp_path / "report.json"
    path.write_text(one_line_each(document, document) if layout == "lines" else json.dumps(document), encoding="ascii")
    report = Report(str(path))
    tally = count_report(report)
    for file in render_report(report, FORMATS, tally, str(tmp_path)).values():
        assert "ud800" in pathlib.Path(file).read_text(encoding="utf-8") or file.endswith((".html", ".prom"))
    context = Context(now=report.head["generated_at"], report="r", has_previous=True, previous_at=None, width=100, everything=True)
    assert "hit the limit of 5" in plain_text(summary_lines(tally, context))
    assert comparison_lines(compare_reports(report, Report(str(written))), None)
    assert merge_slices(Slices([str(path)]), str(tmp_path / "merged"), (), {}).tally.summary()["findings"]["total"] == 1
    outcome = Audit(str(tmp_path / "next"), str(path), START + datetime.timedelta(days=2)).write(records(), {**RUN, "previous": "x"})
    assert outcome.has_previous


def test_the_writer_needs_no_array(tmp_path):
    writer = Writer(str(tmp_path))
    head = {"generated_at": "2026-11-23T20:30:00Z", "run": {**RUN, "previous": None}, "trend": [],
            "summary": {"hosts": {"total": 0}, "findings": {"total": 0, "waived": 0}}}
    report = Report(writer.finish(head))
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert elements(report) == {"schema": report_file.SCHEMA, **head, **{array: [] for array in ARRAYS}}
    assert report.head["run"]["controller"] == "café" and list(report.by_host()) == []
