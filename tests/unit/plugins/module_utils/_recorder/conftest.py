# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder import database


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Let a reader try again at once."""
    monkeypatch.setattr(database.time, "sleep", lambda seconds: None)
