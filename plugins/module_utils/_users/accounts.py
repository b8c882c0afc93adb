# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which uids are users of their own: a user with subordinate uids can appear as 65,536 others."""

import os
import pwd
from typing import Dict

# Where subordinate uids are (login.defs(5), SUB_UID_MIN: 100000; systemd's containers: 524288), and users of directory services.
# Each uid there may be a question to such a service, so only so many are looked up.
_SUBORDINATE = 65536
_MAX_LOOKED_UP = 1000


class Accounts:
    """The users of this host, each looked up once.

    :param user_slice: directory of the cgroup user.slice, in which systemd makes that of each user.
    """

    def __init__(self, user_slice: str) -> None:
        self._user_slice = user_slice
        self._known: Dict[int, bool] = {}
        self._left = _MAX_LOOKED_UP

    def is_user(self, uid: int) -> bool:
        """Whether a uid has a slice now, or a name. Subordinate uids have neither."""
        if uid not in self._known:
            self._known[uid] = os.path.isdir(os.path.join(self._user_slice, "user-%d.slice" % uid)) or self._has_name(uid)
        return self._known[uid]

    def _has_name(self, uid: int) -> bool:
        self._left -= uid >= _SUBORDINATE
        if self._left < 0 and uid >= _SUBORDINATE:
            return False
        try:
            pwd.getpwuid(uid)
        except KeyError:
            return False
        return True
