# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions as Podman, runc, kernels and distributions write them."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._system.versions import parse_version


@pytest.mark.parametrize("text, version", [
    ("5.4.2", (5, 4, 2)), ("5.4.2-dev", (5, 4, 2)), ("4.9.4-rhel", (4, 9, 4)), ("6.0", (6, 0, 0)), ("10.11.12", (10, 11, 12)),
    ("5.0.0-rc1", (5, 0, 0)),
    ("1.0.0-rc93", (1, 0, 0)), ("1.0.0~rc93+ds1", (1, 0, 0)), ("4.18.0-553.el8", (4, 18, 0)), ("6.1.0-37-cloud-amd64", (6, 1, 0)),
    ("5.10.103-v7l+", (5, 10, 103)), ("6.12-rc3", (6, 12, 0)), ("5.4.2.1", (5, 4, 2)),
])
def test_the_leading_numbers(text, version):
    assert parse_version(text) == version


@pytest.mark.parametrize("text", [None, "", "unknown", "v", "v5.4.2", "5", "5.x", ".5.4", " 5.4.2", "\u0665.4.2"])
def test_what_is_no_version_is_older_than_any(text):
    assert parse_version(text) == ()
    assert parse_version(text) < (0, 0)
