# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several users asked at once."""

import os
import resource
import time

import pytest
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


@as_root
def test_why_a_process_has_ended_is_the_answer_from_then_on():
    with UserGroup([NOBODY], time.sleep) as users:
        first = users.ask_one(NOBODY.uid, 600, 0.3)
        assert "did not answer in time" in first.error
        assert users.ask_one(NOBODY.uid, 0, 20) == first
    with UserGroup([NOBODY], lambda number: 6 // number) as users:
        assert "ZeroDivisionError" in users.ask_one(NOBODY.uid, 0, 20).error
        assert users.ask_one(NOBODY.uid, 2, 20) == Reply(3, None)


@pytest.fixture
def descriptors(monkeypatch):
    """Give this process a soft limit of descriptors, and a hard one that it only believes in: many may not raise it again."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    def limit(soft, believed):
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        monkeypatch.setattr(group.resource, "getrlimit", lambda _which: (soft, believed))

    yield limit
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def people(number):
    """Users with the rights of nobody, beside the caller."""
    return [NOBODY._replace(uid=70000 + each) for each in range(number)]


@as_root
def test_more_users_than_the_soft_limit_of_descriptors_allows(descriptors):
    """600 with the usual 1024 were tried too, and take half a minute."""
    descriptors(200, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    users = people(100)
    with UserGroup([ME, *users], lambda number: number + 1) as group_of_all:
        replies = group_of_all.ask({identity.uid: 1 for identity in [ME, *users]}, 60, in_slice=False)
    assert len(replies) == 101 and set(replies.values()) == {Reply(2, None)}


@as_root
def test_those_for_whom_there_are_no_descriptors_are_told_and_the_module_goes_on(descriptors):
    descriptors(200, 200)
    users = people(100)
    with UserGroup([*users, ME], lambda number: number + 1) as group_of_all:
        with open("/proc/self/stat", "rb") as one, open("/proc/self/stat", "rb") as another:
            assert one.read() and another.read()
        replies = group_of_all.ask({identity.uid: 1 for identity in [*users, ME]}, 60, in_slice=False)
    refused = [uid for uid, reply in replies.items() if reply.error]
    assert refused == [identity.uid for identity in users[36:]]
    assert "may open files for 36 users only" in replies[refused[0]].error
    assert {reply for uid, reply in replies.items() if uid not in refused} == {Reply(2, None)}
