# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recorder's metrics mean, and their labels in the text format."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.metrics import Run, RunningContainer, metric_families
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.sampler import Sample
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.prometheus import escape_label, render_metrics

RUN = Run(version="1.2.3", succeeded_at=1795464345.25, duration=0.071, errors=0, complete_since=1795460000.0, history_bytes=61440)
USAGE = {"current": 30, "working_set": 20, "anon": 10, "peak": 40, "swap": 0, "pressure_full_avg300": 0.0}
LIMITS = {"limit": 64 << 20, "swap_limit": None, "high": None, "oom_group": True, "source": "/x"}


def running(name="web", limits=None, usage=None, events=None, unit=""):
    sample = Sample(ident="ab" * 32, uid=1000, unit=None, limits=dict(LIMITS, **(limits or {})),
                    usage=dict(USAGE, **(usage or {})), events=events)
    return RunningContainer(name=name, user="alice", unit=unit, image="localhost/bb:latest", sample=sample)


def text(containers=(), counts=None):
    return render_metrics(metric_families(list(containers), counts or {}, RUN))


@pytest.mark.parametrize("value, escaped", [
    ("plain", "plain"),
    ('a"b', 'a\\"b'),
    ("a\\b", "a\\\\b"),
    ("a\nb", "a\\nb"),
    ('\\"\n', '\\\\\\"\\n'),
])
def test_label_values_are_escaped(value, escaped):
    assert escape_label(value) == escaped
    assert 'name="%s"' % escaped in text([running(value)])


def test_each_family_has_its_help_and_type_once_and_above_it():
    lines = text([running(), running("db")], {("alice", "web", "", "host"): (2, 1795464000500000)}).splitlines()
    names = [line.split()[2] for line in lines if line.startswith("# HELP ")]
    assert len(names) == len(set(names)) > 15
    current = None
    for line in lines:
        if line.startswith("# HELP "):
            current = line.split()[2]
        elif line.startswith("# TYPE "):
            assert line.split()[2] == current and line.split()[3] in ("gauge", "counter")
            assert line.endswith(" counter") == current.endswith("_total")
        else:
            assert line.split("{")[0].split(" ")[0] == current


def test_no_limit_has_no_limit_metric():
    written = text([running(limits={"limit": None})])
    assert "memory_limit_bytes" not in written
    assert 'podman_oom_container_memory_limited{id="abababababab",name="web",user="alice"} 0\n' in written


def test_what_the_kernel_does_not_tell_is_left_out():
    written = text([running(usage={"peak": None, "swap": None}, limits={"oom_group": None}, events=None)])
    assert "memory_peak" not in written and "memory_swap" not in written and "oom_group_enabled" not in written and "events" not in written


def test_a_running_container_counts_from_zero():
    written = text([running(unit="web.service")])
    for scope in ("container", "ancestor", "host", "oomd"):
        assert 'oom_kills_total{name="web",user="alice",unit="web.service",scope="%s"} 0\n' % scope in written
    assert "last_oom" not in written


def test_kills_of_what_is_gone_are_still_counted():
    written = text([], {("root", "job", "", "container"): (3, 1795464000500000), ("root", "job", "", "host"): (1, 1795464100000000)})
    assert 'oom_kills_total{name="job",user="root",unit="",scope="container"} 3\n' in written
    assert 'last_oom_timestamp_seconds{name="job",user="root",unit=""} 1795464100.0\n' in written


def test_no_series_is_there_twice():
    written = text([running(), running("db")], {("alice", "web", "", "container"): (2, 1)})
    series = [line.rpartition(" ")[0] for line in written.splitlines() if not line.startswith("#")]
    assert len(series) == len(set(series))


def test_the_run_itself():
    written = text()
    assert "podman_oom_recorder_last_success_timestamp_seconds 1795464345.25\n" in written
    assert "podman_oom_recorder_containers 0\n" in written
    assert written.endswith("\n")
