# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of users."""

from ansible_collections.podman_fleet.memory.plugins.module_utils._system.users import user_name


def test_the_name_of_a_uid():
    assert user_name(0) == "root"
    assert user_name(4294967294) == "4294967294"
