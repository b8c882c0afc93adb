# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recorder's metrics as Prometheus' own tools take them, and the alerts and the dashboard that ask for them.

The fixtures were written by the recorder on real hosts (tests/metrics/fixtures, by Debian and Podman version).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
RULES = REPO / "extensions" / "prometheus" / "podman_memory_rules.yml"
DASHBOARD = REPO / "extensions" / "grafana" / "podman_memory.json"
FIXTURES = sorted((HERE / "fixtures").glob("*.prom"))
METRIC = re.compile(r"\bpodman_oom_[a-z_]+")
# Metrics that are there only where a user is over a limit, as on no host of the fixtures: they have the label `user`.
OF_USERS = re.compile(r'Family\(_RECORDER \+ "(\w+)".*\n\s+labelled\.by_user\(')
SOURCE = REPO / "plugins" / "module_utils" / "_recorder" / "metrics.py"


def tool(name):
    """The path of a tool; tests/tools/metrics puts it on PATH."""
    path = shutil.which(name)
    assert path, f"{name} is not on PATH: use tests/tools/metrics"
    return path


def run(*line, **more):
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=120, **more)


def samples(text):
    """{series as it is written: value} of our metrics, labels in the order of their names."""
    values = {}
    for line in text.splitlines():
        match = re.match(r"(podman_oom_\w+)(?:\{(.*)\})? (\S+)$", line)
        if match:
            labels = tuple(sorted(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match.group(2) or "")))
            values[(match.group(1), labels)] = float(match.group(3))
    return values


@pytest.fixture(scope="module", params=FIXTURES, ids=lambda path: path.stem)
def recorded(request):
    return request.param.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def served(recorded, tmp_path_factory):
    """What a real node_exporter makes of the textfile."""
    folder = tmp_path_factory.mktemp("textfiles")
    (folder / "podman_oom_recorder.prom").write_text(recorded, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % free.getsockname()[1]
    log = open(folder / "log", "w", encoding="utf-8")  # pylint: disable=consider-using-with
    process = subprocess.Popen(
        [tool("prometheus-node-exporter"), "--collector.disable-defaults", "--collector.textfile",
         f"--collector.textfile.directory={folder}", f"--web.listen-address={address}"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        for _attempt in range(100):
            try:
                with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
                    yield answer.read().decode("utf-8")
                break
            except OSError:
                assert process.poll() is None, (folder / "log").read_text(encoding="utf-8")
                time.sleep(0.1)
        else:
            pytest.fail("node_exporter does not answer")
    finally:
        process.terminate()
        process.wait()
        log.close()


def test_there_are_recordings():
    assert len(FIXTURES) >= 1


def test_promtool_accepts_the_textfile(recorded):
    done = run(tool("promtool"), "check", "metrics", input=recorded)
    assert (done.returncode, done.stdout.strip(), done.stderr.strip()) == (0, "", "")


def test_node_exporter_serves_every_sample(recorded, served):
    assert "node_textfile_scrape_error 0" in served
    assert 'node_textfile_mtime_seconds{file="' in served
    assert samples(served) == samples(recorded)
    assert len(samples(served)) > 20


def test_promtool_accepts_what_is_served(served):
    done = run(tool("promtool"), "check", "metrics", input=served)
    assert done.returncode == 0 and "podman_oom" not in done.stdout + done.stderr, done.stderr


def test_promtool_accepts_the_rules():
    done = run(tool("promtool"), "check", "rules", str(RULES))
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtools_tests_of_the_rules():
    done = run(tool("promtool"), "test", "rules", str(HERE / "rules_test.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_test():
    alerts = set(re.findall(r"- alert: (\w+)", RULES.read_text(encoding="utf-8")))
    assert alerts == set(re.findall(r"alertname: (\w+)", (HERE / "rules_test.yml").read_text(encoding="utf-8")))


def queries():
    """(where, PromQL) of rules and dashboard."""
    pairs = [("rule", line.split("expr:", 1)[1]) for line in RULES.read_text(encoding="utf-8").splitlines() if "expr:" in line]
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        pairs += [(panel["title"], target["expr"]) for target in panel["targets"]]
    pairs += [(variable["name"], variable["definition"]) for variable in dashboard["templating"]["list"]
              if variable["type"] == "query"]
    return pairs


@pytest.mark.parametrize("where, query", queries())
def test_every_query_asks_for_metrics_and_labels_that_there_are(where, query):
    known = {"podman_oom_recorder_" + name: {"user"} for name in OF_USERS.findall(SOURCE.read_text(encoding="utf-8"))}
    assert len(known) == 4
    for path in FIXTURES:
        for name, labels in samples(path.read_text(encoding="utf-8")):
            known.setdefault(name, set()).update(label for label, _value in labels)
    names = METRIC.findall(query)
    assert names, (where, query)
    for name in names:
        assert name in known, (where, name)
        for selector in re.findall(re.escape(name) + r"\{([^}]*)\}", query):
            assert set(re.findall(r"(\w+)\s*=~?", selector)) <= known[name] | {"instance"}, (where, selector)


@pytest.mark.parametrize("where, query", [pair for pair in queries() if "label_values" not in pair[1]])
def test_promtool_understands_every_query(where, query, tmp_path):
    """As a rule, with Grafana's variables filled in."""
    for name, value in (("$__range", "1d"), ("$__rate_interval", "5m"), ("$instance", ".*"), ("$user", ".*")):
        query = query.replace(name, value)
    rules = {"groups": [{"name": "x", "rules": [{"record": "x:y", "expr": query.strip()}]}]}
    (tmp_path / "rules.json").write_text(json.dumps(rules), encoding="utf-8")
    done = run(tool("promtool"), "check", "rules", str(tmp_path / "rules.json"))
    assert done.returncode == 0, (where, done.stdout + done.stderr)


def test_the_dashboard_is_whole():
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    idents = [panel["id"] for panel in dashboard["panels"]]
    assert len(idents) == len(set(idents)) >= 8
    cells = [(x, y) for panel in dashboard["panels"] for place in [panel["gridPos"]]
             for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])]
    assert len(cells) == len(set(cells)) and max(x for x, _y in cells) < 24
    assert os.path.getsize(DASHBOARD) < 100_000
