# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The disk that a path is on, and what is left of it."""

import os
import re
from types import SimpleNamespace

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._system import disks
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.disks import describe_disk, with_disk


def test_a_real_one(tmp_path):
    assert re.fullmatch(r"the disk mounted on /\S* has [0-9]+ KiB free", describe_disk(str(tmp_path)))
    assert describe_disk("/proc").startswith("the disk mounted on /proc has 0 KiB free")
    assert describe_disk(str(tmp_path / "gone")) == ""
    assert with_disk("no", "/proc").startswith("no (the disk mounted on /proc has ")
    assert with_disk("no", str(tmp_path / "gone")) == "no"


@pytest.mark.parametrize("changed, expected", [
    ({}, "the disk mounted on /var/lib/podman-memory has 8 KiB free"),
    ({"f_bfree": 0}, "the disk mounted on /var/lib/podman-memory has 0 KiB free"),
    ({"f_ffree": 0}, "the disk mounted on /var/lib/podman-memory has 8 KiB free and no file left"),
    ({"f_files": 0, "f_ffree": 0}, "the disk mounted on /var/lib/podman-memory has 8 KiB free"),  # btrfs
    ({"f_flag": os.ST_RDONLY}, "the disk mounted on /var/lib/podman-memory is read only"),
])
def test_in_words(monkeypatch, changed, expected):
    status = dict({"f_flag": 0, "f_bfree": 2, "f_frsize": 4096, "f_files": 10, "f_ffree": 5}, **changed)
    monkeypatch.setattr(disks.os, "statvfs", lambda _path: SimpleNamespace(**status))
    monkeypatch.setattr(disks.os.path, "ismount", lambda path: path == "/var/lib/podman-memory")
    assert describe_disk("/var/lib/podman-memory/x") == expected
