# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which removed containers a kill may have ended that names none: those whose end is close behind, of whom it can be."""

import time

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_oom import Kill, Victim
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.records import PodmanEvent
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.attribution import (
    HostRecords,
    Ownership,
    RecordsByContainer,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.unplaced import find_unplaced, owners_of_unplaced
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import SECOND

ID = "ab" * 32
AT = 1000 * SECOND
MANAGER = "/user.slice/user-1000.slice/user@1000.service"


def kill(path, at=AT, uid=1000):
    return Kill(at=at, boot="b", constraint="CONSTRAINT_NONE", oom_memcg=None, task_memcg=path, victims=[Victim(7, "x", at, 1)],
                group=False, uid=uid)


def event(kind="died", at=AT, uid=0, code=137, ident=ID):
    return PodmanEvent(at=at, ident=ident, kind=kind, name="web", image=None, exit_code=code, command=None, labels={}, uid=uid)


def index(kills, events=()):
    return RecordsByContainer(
        HostRecords(kills=kills, unattributed=[], unit_ooms=[], oomd_kills=[], events=list(events), kernel_since=0, oomd_active=False),
        Ownership({}))


@pytest.mark.parametrize("path, uid, owners", [
    ("/", 1000, [0, 1000, 1001]), ("/", 0, [0]), ("/machine.slice", 1000, [0]), (MANAGER, 1000, [1000]), (MANAGER, 0, []),
    # no container is below these
    ("/system.slice/x.service", 1000, []), (MANAGER + "/app.slice", 1000, []), ("/machine.slice/x.scope", 1000, []),
])
def test_whose_containers_are_below_the_cgroup(path, uid, owners):
    assert owners_of_unplaced(index([kill(path, uid=uid)]), [0, 1000, 1001]) == owners


@pytest.mark.parametrize("seconds, change, found", [
    (0, {}, True), (30, {}, True), (31, {}, False), (-1, {}, True), (-2, {}, False), (0, {"code": 1}, False), (0, {"kind": "kill"}, False),
])
def test_an_end_right_behind_the_kill(seconds, change, found):
    death = event(at=AT + seconds * SECOND, **change)
    kills = index([kill("/", at=AT - 3600 * SECOND), kill("/"), kill("/", at=AT + 3600 * SECOND)], [death])
    assert list(find_unplaced(kills, [death], set())) == [(ID, 0)] * found
    assert not find_unplaced(kills, [death], {(ID, 0)})


def test_one_that_was_stopped_was_not_killed():
    events = [event("init", AT - SECOND), event("kill", AT + SECOND), event(at=AT + SECOND)]
    assert not find_unplaced(index([kill("/")], events), events, set())


def test_thousands_of_deaths_and_of_kills_take_no_longer_than_their_number():
    deaths = [event(at=AT + number * SECOND, ident="%064x" % number) for number in range(5000)]
    kills = index([kill("/", at=AT + number * SECOND) for number in range(5000)])
    began = time.process_time()
    assert len(find_unplaced(kills, deaths, set())) == 5000
    assert time.process_time() - began < 1
