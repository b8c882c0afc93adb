# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of oom_recorder: what they mean, and what is refused with which words."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.install import InstallError
from ansible_collections.podman_fleet.memory.plugins.modules.oom_recorder import _parse_options

USUAL = {"state": "present", "state_dir": "/var/lib/podman-memory", "textfile_dir": "/var/lib/prometheus/node-exporter",
         "retention_days": 30, "retention_size": "64MiB"}


def test_the_defaults():
    assert _parse_options(USUAL)._asdict() == {
        "state_dir": "/var/lib/podman-memory", "textfile_dir": "/var/lib/prometheus/node-exporter",
        "retention_days": 30, "retention_bytes": 64 << 20, "version": "1.0.0"}


def test_paths_are_made_plain_and_no_metrics_are_possible():
    options = _parse_options(dict(USUAL, state_dir="/srv//history/", textfile_dir=""))
    assert (options.state_dir, options.textfile_dir) == ("/srv/history", "")


@pytest.mark.parametrize("option, value, words", [
    ("retention_size", "1MiB", "4MiB or more"),
    ("retention_size", "unlimited", "4MiB or more"),
    ("retention_size", "much", "'much' is not a size"),
    ("retention_days", 0, "0 is not a number of days"),
    ("retention_days", -3, "-3 is not a number of days"),
    ("state_dir", "history", "absolute path"),
    ("state_dir", "/", "absolute path"),
    ("state_dir", "/var/lib", "absolute path"),
    ("state_dir", "/var/lib/../lib", "absolute path"),
    ("state_dir", "/srv/my history", "without spaces"),
    ("textfile_dir", "metrics", "absolute path"),
    ("textfile_dir", "/srv/100%", "without spaces"),
    ("textfile_dir", "/srv/x\nUser=nobody", "without spaces"),
])
def test_what_is_refused(option, value, words):
    with pytest.raises(InstallError) as error:
        _parse_options(dict(USUAL, **{option: value}))
    assert option in str(error.value) and words in str(error.value)
