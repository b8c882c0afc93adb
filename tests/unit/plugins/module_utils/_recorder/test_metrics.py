# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recorder's metrics mean, and their labels in the text format."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder import quota
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.metrics import (
    LeftOut,
    Run,
    RunningContainer,
    metric_families,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.quota import NOBODY
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.record import printable
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.sampler import Sample
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.prometheus import escape_label, render_metrics

RUN = Run(version="1.2.3", succeeded_at=1795464345.25, duration=0.071, errors=0, complete_since=1795460000.0, history_bytes=61440)
USAGE = {"current": 30, "working_set": 20, "anon": 10, "peak": 40, "swap": 0, "pressure_full_avg300": 0.0}
LIMITS = {"limit": 64 << 20, "swap_limit": None, "high": None, "oom_group": True, "source": "/x"}


def running(name="web", limits=None, usage=None, events=None, unit=""):
    sample = Sample(ident="ab" * 32, uid=1000, unit=None, limits=dict(LIMITS, **(limits or {})),
                    usage=dict(USAGE, **(usage or {})), events=events)
    return RunningContainer(name=name, unit=unit, image="localhost/bb:latest", sample=sample)


def text(containers=(), counts=None, left_out=LeftOut({}, {}, ())):
    return render_metrics(metric_families(list(containers), counts or {}, RUN, left_out, {0: "root", 1000: "alice"}.get))


@pytest.mark.parametrize("value, escaped", [
    ("plain", "plain"),
    ('a"b', 'a\\"b'),
    ("a\\b", "a\\\\b"),
    ("a\nb", "a\\nb"),
    ('\\"\n', '\\\\\\"\\n'),
])
def test_label_values_are_escaped(value, escaped):
    assert escape_label(value) == escaped
    assert 'name="%s"' % escape_label(printable(value)) in text([running(value)])


def test_each_family_has_its_help_and_type_once_and_above_it():
    lines = text([running(), running("db")], {(1000, "web", "", "host"): (2, 1795464000500000)}).splitlines()
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
    written = text([], {(0, "job", "", "container"): (3, 1795464000500000), (0, "job", "", "host"): (1, 1795464100000000)})
    assert 'oom_kills_total{name="job",user="root",unit="",scope="container"} 3\n' in written
    assert 'last_oom_timestamp_seconds{name="job",user="root",unit=""} 1795464100.0\n' in written


def test_no_series_is_there_twice():
    written = text([running(), running("db")], {(1000, "web", "", "container"): (2, 1)})
    series = [line.rpartition(" ")[0] for line in written.splitlines() if not line.startswith("#")]
    assert len(series) == len(set(series))


def test_the_run_itself():
    written = text()
    assert "podman_oom_recorder_last_success_timestamp_seconds 1795464345.25\n" in written
    assert "podman_oom_recorder_containers 0\n" in written
    assert written.endswith("\n")


def series(written):
    return [line.rpartition(" ")[0] for line in written.splitlines() if not line.startswith("#")]


def test_what_users_call_containers_makes_no_series_twice():
    """node_exporter refuses a whole file for one of them."""
    long = "a" * 200
    containers = [running("x\x00"), running("x\x01"), running(long + "1"), running(long + "2"), running(long + "3", unit="u.service")]
    kills = {(1000, "x\x00", "", "host"): (2, 5), (1000, "x\x01", "", "host"): (3, 7), (1000, long, "", "host"): (1, 1)}
    written = series(text(containers, kills))
    assert len(written) == len(set(written))
    assert 'oom_kills_total{name="x?",user="alice",unit="",scope="host"} 5\n' in text(containers, kills)


def test_label_values_are_bounded_and_printable():
    written = text([running("\x1b[31m" + "\u202e\u061c\u200e\u2067" * 10000, unit="\r" * 10000)])
    assert max(len(line) for line in written.splitlines()) < 600
    assert all(char.isprintable() or char == "\n" for char in written)


def test_names_with_kills_are_bounded_for_each_user_and_what_is_left_out_is_said(monkeypatch):
    monkeypatch.setattr(quota, "MAX_PER_USER", 5)
    kills = {(1000, "evil%d" % number, "", "host"): (1, number) for number in range(100)}
    kills.update({(0, "web%d" % number, "", "container"): (1, 1) for number in range(50)})
    written = text([running("mine")], kills)
    assert written.count('user="alice",unit="",scope="host"') == 5 and 'name="mine",user="alice",unit="",scope="host"} 0' in written
    assert written.count('name="web') == 2 * 50
    assert 'name="evil99"' in written and 'name="evil0"' not in written
    assert 'podman_oom_recorder_left_out_kill_series{user="alice"} 96\n' in written


def test_what_is_left_out_is_a_metric():
    written = text(left_out=LeftOut({1000: 7}, {0: 3, NOBODY: 4}, {1000}))
    assert 'podman_oom_recorder_left_out_cgroups{user="alice"} 7\n' in written
    assert 'podman_oom_recorder_dropped_rows_total{user="root"} 3\n' in written
    assert 'podman_oom_recorder_dropped_rows_total{user=""} 4\n' in written
