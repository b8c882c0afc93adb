# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time of all users is shared out among them."""

from ansible_collections.podman_fleet.memory.plugins.module_utils._users.deadline import Deadline


def test_everybody_has_a_share():
    deadline = Deadline(100, 8, 4)
    assert 49 < deadline.share() <= 50
    deadline.waiting = 2
    assert 99 < deadline.share() <= 100
