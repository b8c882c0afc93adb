# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prometheus' text format, and the file that node_exporter reads."""

import os
import stat

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._system.prometheus import Family, render_metrics, write_textfile


@pytest.mark.parametrize("value, text", [
    (3, "3"), (True, "1"), (1795464345.25, "1795464345.25"), (0.0, "0.0"), (float("nan"), "NaN"), (float("inf"), "NaN"),
    (2 ** 63 - 1, "9223372036854775807"),
])
def test_numbers(value, text):
    assert render_metrics([Family("x", "gauge", "Help.", [([], value)])]) == "# HELP x Help.\n# TYPE x gauge\nx %s\n" % text


def test_help_is_one_line_and_families_without_samples_are_left_out():
    families = [Family("empty", "gauge", "None.", []), Family("x_total", "counter", "a\\b\nc", [([("l", 'a"b'), ("m", "")], 1)])]
    assert render_metrics(families) == '# HELP x_total a\\\\b\\nc\n# TYPE x_total counter\nx_total{l="a\\"b",m=""} 1\n'


def test_the_file_is_put_in_place_at_once(tmp_path):
    path = str(tmp_path / "x.prom")
    for content in ("one\n", "two\n"):
        write_textfile(path, content)
        assert os.listdir(str(tmp_path)) == ["x.prom"]
        with open(path, encoding="utf-8") as handle:
            assert handle.read() == content
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o644


def test_a_link_in_somebody_elses_directory_is_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "x.prom").symlink_to(victim)
    write_textfile(str(tmp_path / "x.prom"), "metrics\n")
    assert victim.read_text() == "mine" and not os.path.islink(str(tmp_path / "x.prom"))


def test_nothing_is_left_when_it_fails(tmp_path):
    (tmp_path / "x.prom").mkdir()
    with pytest.raises(OSError):
        write_textfile(str(tmp_path / "x.prom"), "metrics\n")
    assert os.listdir(str(tmp_path)) == ["x.prom"]
