# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a session of the integration tests works on: its hosts, and the cells of the matrix.

Not in conftest.py, of which a test that imports it would get a copy of its own.
"""

from __future__ import annotations

import pytest

CELLS = pytest.StashKey()


def host_names(config):
    """The hosts of this session."""
    return tuple(config.getoption("--fleet-hosts").split(","))


def main_host(config, wanted="debian13"):
    """The host for tests that need only one."""
    names = host_names(config)
    return wanted if wanted in names else names[0]
