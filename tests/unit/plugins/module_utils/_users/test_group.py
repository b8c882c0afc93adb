# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several users asked at once."""

import os
import time

from as_nobody import NOBODY, as_root

from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import current_identity
from ansible_collections.podman_fleet.memory.plugins.module_utils._users import group
from ansible_collections.podman_fleet.memory.plugins.module_utils._users.group import Reply, UserGroup
from ansible_collections.podman_fleet.memory.plugins.module_utils._users.process import UserProcessError

ME = current_identity()


@as_root
def test_each_answers_as_the_user():
    with UserGroup([ME, NOBODY], lambda number: [number, os.getuid()]) as users:
        assert users.ask({0: 1, NOBODY.uid: 2}, 20) == {0: Reply([1, 0], None), NOBODY.uid: Reply([2, NOBODY.uid], None)}
        assert list(users.ask({NOBODY.uid: 3}, 20)) == [NOBODY.uid]


@as_root
def test_one_who_hangs_or_fails_is_an_error_of_that_one():
    for handler, message in ((lambda _request: time.sleep(600), "did not answer in time"), (lambda _request: 1 // 0, "ZeroDiv")):
        with UserGroup([ME, NOBODY], lambda request: handler(request) if os.getuid() else "root") as users:
            replies = users.ask({0: None, NOBODY.uid: None}, 1)
        assert replies[0] == Reply("root", None)
        assert replies[NOBODY.uid].answer is None and message in replies[NOBODY.uid].error


@as_root
def test_one_whose_process_does_not_start(monkeypatch):
    def start(self):
        if self._identity.uid:
            raise UserProcessError("no process of nobody can be started")
        return self

    monkeypatch.setattr(group.UserProcess, "__enter__", start)
    with UserGroup([ME, NOBODY], lambda _request: 1) as users:
        assert users.ask({0: None, NOBODY.uid: None}, 1) == {0: Reply(1, None), NOBODY.uid: Reply(
            None, "no process of nobody can be started")}
