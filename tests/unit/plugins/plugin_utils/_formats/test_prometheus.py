# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report's metrics beside the recorder's: node_exporter serves both from one directory."""

from __future__ import annotations

import io
import re

from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.metrics import (
    METRICS_FILE,
    LeftOut,
    Run,
    metric_families,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.prometheus import render_metrics
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.prometheus import Prometheus
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.render import FORMATS
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.tally import Tally

HEAD = {"schema": "podman_fleet.memory/report/v1", "generated_at": "2026-11-23T20:31:00Z",
        "run": {"collection_version": "1.0.0", "started_at": "2026-11-23T20:29:00Z", "finished_at": "2026-11-23T20:30:30Z"}}


def rendered(hosts=()):
    stream = io.StringIO()
    renderer = Prometheus(stream, HEAD, Tally())
    for entry, findings in hosts:
        renderer.add_host(entry, findings)
    renderer.finish()
    return stream.getvalue()


def names(text):
    return set(re.findall(r"^# TYPE (\S+) ", text, re.M))


def test_no_file_and_no_metric_is_shared_with_the_recorder():
    run = Run(version="1.0.0", succeeded_at=1, duration=1, errors=0, complete_since=1, history_bytes=1)
    recorder = names(render_metrics(metric_families([], {(0, "web", "", "host"): (1, 1)}, run, LeftOut({1000: 3}, {1000: 1}, {1000}), str)))
    report = names(rendered())
    assert recorder and report and not recorder & report
    assert {name for name in report if not name.startswith("podman_memory_audit_")} == set()
    assert {name for name in recorder if not name.startswith("podman_oom_")} == set()
    assert FORMATS["prometheus"][0] == "podman_memory_audit.prom" != METRICS_FILE


def test_values_are_exact():
    findings = [{"rule": "oom-killed", "state": "new"}, {"rule": "x", "state": "waived"}]
    text = rendered([({"name": 'a"b', "status": "checked"}, findings)])
    assert "podman_memory_audit_last_success_timestamp_seconds 1795465860\n" in text
    assert "podman_memory_audit_duration_seconds 90.0\n" in text
    for metric in ("host_checked", "host_findings", "host_oom_killed_containers"):
        assert 'podman_memory_audit_%s{host="a\\"b"} 1\n' % metric in text
