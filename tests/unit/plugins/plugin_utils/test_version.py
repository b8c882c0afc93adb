# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's version, from whichever file is there."""

from __future__ import annotations

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._version import collection_version


def test_of_this_collection():
    assert collection_version()[0].isdigit()


@pytest.mark.parametrize("files, expected", [
    ({}, "unknown"),
    ({"galaxy.yml": "name: x\nversion: 1.2.3  # now\n"}, "1.2.3"),
    ({"galaxy.yml": "version: \"1.2.3\"\n"}, "1.2.3"),
    ({"MANIFEST.json": '{"collection_info": {"version": "2.0.0"}}', "galaxy.yml": "version: 1.0.0\n"}, "2.0.0"),
    ({"MANIFEST.json": "broken", "galaxy.yml": "version: 1.0.0\n"}, "1.0.0"),
    ({"galaxy.yml": "name: x\n"}, "unknown"),
])
def test_files(tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="ascii")
    assert collection_version(str(tmp_path)) == expected
