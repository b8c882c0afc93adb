# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose container a record is about: what alice (uid 1000) names like root's or bob's (1001) is not theirs."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_oom import (
    KernelMessage,
    Kill,
    UnattributedKill,
    Victim,
    parse_kernel_log,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.records import OomdKill, PodmanEvent, UnitOom
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.attribution import (
    HostRecords,
    Ownership,
    RecordsByContainer,
    UidOwners,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.evidence import Run, removed_container_evidence
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.limits import newest_of_each, parts
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.verdict import decide

ROOTS, BOBS, ALICES, GONE = "aa" * 32, "bb" * 32, "cc" * 32, "dd" * 32
LISTED = {0: {ROOTS}, 1000: {ALICES}, 1001: {BOBS}}
ALICE = "/user.slice/user-1000.slice/user@1000.service"
MACHINE = "/machine.slice/libpod-%s.scope/container"


def kill(path, uid=None, at=5):
    return Kill(at=at, boot="b", constraint="CONSTRAINT_MEMCG", oom_memcg=path, task_memcg=path,
                victims=[Victim(77, "sort", at, 1)], group=False, uid=uid)


def index(listed=None, services=None, **more):
    known = dict(kills=[], unattributed=[], unit_ooms=[], oomd_kills=[], events=[], kernel_since=0, oomd_active=False)
    known.update(more)
    return RecordsByContainer(HostRecords(**known), Ownership(LISTED if listed is None else listed, services or {}))


@pytest.mark.parametrize("path, key", [
    (MACHINE % ROOTS, (ROOTS, 0)), (MACHINE % GONE, (GONE, 0)), ("/libpod_parent/libpod-%s" % GONE, (GONE, 0)),
    ("/system.slice/web.service/libpod-payload-%s" % GONE, (GONE, 0)),
    (ALICE + "/user.slice/libpod-%s.scope/container" % ALICES, (ALICES, 1000)),
    (ALICE + "/app.slice/x.service/libpod-payload-%s" % GONE, (GONE, 1000)),
    # rootless with the cgroupfs manager
    ("/user.slice/user-1000.slice/session-2.scope/" + ALICES, (ALICES, 1000)),
    # root, in the session of alice who has become root
    ("/user.slice/user-1000.slice/session-3.scope/libpod-payload-%s" % ROOTS, (ROOTS, 0)),
    ("/user.slice/user-0.slice/session-1.scope/libpod-payload-%s" % ROOTS, (ROOTS, 0)),
    # a name of a slice that is somebody's choice is no owner
    ("/machine.slice/libpod-%s.scope/container/user.slice/user-1001.slice" % ROOTS, (ROOTS, 0)),
    (ALICE + "/user.slice/user-1001.slice/user@1001.service/libpod-%s.scope" % GONE, (GONE, 1000)),
    # the outermost container is one of this host's
    ("/machine.slice/libpod-%s.scope/container/libpod_parent/libpod-%s" % (ROOTS, GONE), (ROOTS, 0)),
    ("/machine.slice/libpod-%s.scope/container/machine.slice/libpod-%s.scope/container" % (ROOTS, GONE), (ROOTS, 0)),
    ("/system.slice/a.service/libpod-payload-%s/system.slice/b.service/libpod-payload-%s" % (GONE, BOBS), (GONE, 0)),
    (ALICE + "/user.slice/libpod-%s.scope/container/libpod_parent/libpod-%s" % (ALICES, GONE), (ALICES, 1000)),
    (ALICE + "/libpod-%s.scope/libpod-%s.scope" % (ALICES, ROOTS), (ALICES, 1000)),
])
def test_the_owner_is_what_the_beginning_of_the_path_says(path, key):
    kills = index(kills=[kill(path)])
    assert list(kills.killed_containers()) == [key] and kills.kills(*key) and not kills.doubtful


@pytest.mark.parametrize("path", [
    ALICE + "/libpod-%s.scope" % ROOTS, ALICE + "/user.slice/libpod-%s.scope/container" % ROOTS,
    ALICE + "/x,task_memcg=/machine.slice/libpod-%s.scope" % ROOTS, ALICE + "/machine.slice/libpod-%s.scope" % ROOTS,
])
def test_a_cgroup_of_alices_with_the_name_of_roots_container(path):
    kills = index(kills=[kill(path)])
    assert not kills.killed_containers() and not kills.kills(ROOTS, 0) and not kills.unattributed(0)
    assert [(record.kind, record.place) for record in kills.doubtful] == [("foreign id", path)]


def test_a_cgroup_of_alices_with_the_name_of_bobs_container():
    """Either alice forges, or bob lists what is alice's: the kill is below alice, bob's container has none, and it is told."""
    kills = index(kills=[kill(ALICE + "/libpod-%s.scope" % BOBS)])
    assert list(kills.killed_containers()) == [(BOBS, 1000)] and not kills.kills(BOBS, 1001)
    assert [(record.kind, record.place) for record in kills.doubtful] == [("same id", None)]


def test_a_list_of_bobs_takes_nothing_from_alice_or_root():
    listed = {0: set(), 1000: {ALICES}, 1001: {ALICES, GONE}}
    kills = index(listed, kills=[kill(ALICE + "/libpod-%s.scope" % ALICES), kill(MACHINE % GONE)])
    assert sorted(kills.killed_containers()) == [(ALICES, 1000), (GONE, 0)]
    assert not kills.kills(ALICES, 1001) and not kills.kills(GONE, 1001) and not kills.claimed_kills(GONE, 1001)
    assert not kills.doubtful


def test_a_rootless_container_in_a_service_of_the_systems():
    """With User=, the path does not tell the owner: the unit's setting does."""
    path = "/system.slice/test.service/libpod-payload-%s" % GONE
    assert index(kills=[kill(path)]).unknown_services() == {"test.service": {GONE}}
    known = index(kills=[kill(path)], services={"test.service": 1001})
    assert list(known.killed_containers()) == [(GONE, 1001)] and known.unknown_services() == {}
    assert list(index(kills=[kill(path)], services={"test.service": 0}).killed_containers()) == [(GONE, 0)]


def test_a_service_of_alices_with_the_name_of_roots_container():
    """With Delegate= she creates cgroups in it."""
    path = "/system.slice/test.service/libpod-payload-%s" % ROOTS
    forged = index(kills=[kill(path)], services={"test.service": 1000})
    assert not forged.killed_containers() and [record.kind for record in forged.doubtful] == ["foreign id"]
    for services in ({"test.service": 0}, {}):
        assert list(index(kills=[kill(path)], services=services).killed_containers()) == [(ROOTS, 0)]


@pytest.mark.parametrize("parent", [
    "/lxc.payload.x", "/machine.slice/systemd-nspawn@x.service/payload/machine.slice", "/docker/" + GONE, "/kubepods.slice/x",
    "/system.slice/docker-%s.scope" % GONE, "/lxc/x/machine.slice", "/system.slice/nerdctl-%s.scope" % GONE,
    "/system.slice/crio-%s.scope/machine.slice" % GONE, "/buildkit/x/libpod_parent", "/machine.slice/apptainer-%s.scope" % GONE,
    "/system.slice/x.service/machine.slice", "/machine.slice/some.scope/payload",
])
def test_who_is_root_in_a_container_of_another_engine_proves_nothing(parent):
    kills = index(kills=[kill("%s/libpod-%s.scope" % (parent, ROOTS))])
    assert not kills.killed_containers() and not kills.kills(ROOTS, 0)
    # neither is it nothing: this host may be a container itself
    assert kills.claimed_kills(ROOTS, 0)


def with_writers(path, ident, listed=None, services=None, **more):
    """The index where alice wrote Podman's events of a container in test.service."""
    known = {"kills": [kill(path, **more)], "unattributed": [], "unit_ooms": [], "oomd_kills": [], "events": [], "kernel_since": 0,
             "oomd_active": False}
    return RecordsByContainer(HostRecords(**known), Ownership(
        LISTED if listed is None else listed, services or {}, {("test.service", ident): 1000}))


def test_who_wrote_podmans_events_in_a_service_that_is_gone_is_its_user():
    path = "/system.slice/test.service/libpod-payload-%s"
    assert list(with_writers(path % GONE, GONE).killed_containers()) == [(GONE, 1000)]
    # of other containers and other services it says nothing, and while the service is there its User= counts
    assert list(with_writers(path % GONE, "ef" * 32).killed_containers()) == [(GONE, 0)]
    assert list(with_writers((path % GONE).replace("test", "other"), GONE).killed_containers()) == [(GONE, 0)]
    assert list(with_writers(path % GONE, GONE, services={"test.service": 0}).killed_containers()) == [(GONE, 0)]
    # root is believed
    stolen = with_writers(path % ROOTS, ROOTS)
    assert list(stolen.killed_containers()) == [(ROOTS, 0)] and not stolen.doubtful


def test_writers_are_not_asked_for_where_a_process_of_roots_was_killed():
    path = "/system.slice/test.service/libpod-payload-%s" % GONE
    assert index(kills=[kill(path, uid=0)]).unknown_services() == {}
    assert index(kills=[kill(path, uid=100999)]).unknown_services() == {"test.service": {GONE}}


def test_where_that_service_is_gone_both_may_have_it():
    listed = {0: {ROOTS}, 1001: {GONE}}
    path = "/system.slice/test.service/libpod-payload-%s" % GONE
    kills = index(listed, kills=[kill(path)])
    assert kills.kills(GONE, 0) and kills.claimed_kills(GONE, 1001) and not kills.kills(GONE, 1001)
    assert not index(listed, kills=[kill(path)], services={"test.service": 0}).claimed_kills(GONE, 1001)


def test_a_process_of_roots_in_a_rootless_container_proves_no_kill_of_it():
    path = ALICE + "/user.slice/libpod-%s.scope/container" % ALICES
    kills = index(kills=[kill(path, uid=0)])
    assert not kills.killed_containers() and [record.kind for record in kills.doubtful] == ["foreign uid"]
    assert kills.unattributed(1000) and not kills.unattributed(0) and not kills.unattributed(1001)
    for uid in (1000, 100000, 165535, None):
        assert index(kills=[kill(path, uid=uid)]).kills(ALICES, 1000)


@pytest.mark.parametrize("place, owners", [
    (None, [0, 1000, 1001]), (ALICE + "/x", [1000]), (ALICE, [1000]), ("/user.slice/user-100", [0, 1000, 1001]),
    ("/machine.slice/libpod-", [0]), ("/system.slice/x.service", [0, 1000, 1001]), ("/machine.slicex", [0, 1000, 1001]),
])
def test_a_kill_whose_place_is_known_in_part_is_one_of_those_who_can_be_there(place, owners):
    records = index(unattributed=[UnattributedKill(at=5, boot="b", victim=Victim(7, "x", 5, None), memcg=True, place=place)])
    assert [uid for uid in (0, 1000, 1001) if records.unattributed(uid)] == owners


def test_units_and_systemd_oomds_kills_count_for_their_own_manager_alone():
    scope = "libpod-%s.scope" % ROOTS
    records = index(unit_ooms=[UnitOom(5, scope, 0), UnitOom(6, scope, 1000)],
                    oomd_kills=[OomdKill(at=7, cgroup=None, unit=scope, uid=1000, text=""),
                                OomdKill(at=8, cgroup=ALICE + "/" + scope, unit=None, uid=0, text="")])
    assert records.killed_containers() == {(ROOTS, 0): 5} and not records.oomd_kills(ROOTS, 0)
    assert [record.kind for record in records.doubtful] == ["foreign id"] * 3
    assert all(record.place.startswith(ALICE + "/") for record in records.doubtful)


def test_events_are_those_of_the_owner():
    event = PodmanEvent(at=5, kind="died", ident=ROOTS, name="x", image="y", exit_code=0, labels={}, uid=1000, command=None)
    assert not index(events=[event]).events(ROOTS, 0) and index(events=[event]).events(ROOTS, 1000)


def test_of_each_user_only_the_newest_are_looked_at():
    killed = {("%04d" % number, 1000): number for number in range(600)}
    killed[(ROOTS, 0)] = 1
    kept, left_out = newest_of_each(killed)
    assert left_out == {1000: 100} and (ROOTS, 0) in kept and len(kept) == 501
    assert ("0099", 1000) not in kept and ("0100", 1000) in kept
    assert list(parts([1, 2, 3], 2)) == [[1, 2], [3]]


def lost(uid, place=None, group=False):
    """A kill whose summary the kernel's rate limit suppressed."""
    return UnattributedKill(at=5, boot="b", victim=Victim(7, "x", 5, None, uid), memcg=True, place=place, group=group)


@pytest.mark.parametrize("uid, suspects", [
    (1000, [0, 1000]), (100000, [0, 1000]), (165535, [0, 1000]), (165536, [0, 1001]),
    # an account that has no containers; root; a uid that a directory service may have given to anybody
    (33, [0]), (0, [0]), (4000000, [0, 1000, 1001]), (None, [0, 1000, 1001]),
])
def test_who_may_have_been_killed_by_the_uid_in_the_kernels_line(uid, suspects):
    """A rootless container's processes run as its user or one of the user's subordinate uids, root's as anybody."""
    uids = UidOwners([(100000, 65536, 1000), (165536, 65536, 1001)], {33, 1000, 1001})
    records = HostRecords(kills=[], unattributed=[lost(uid)], unit_ooms=[], oomd_kills=[], events=[], kernel_since=0, oomd_active=False)
    kills = RecordsByContainer(records, Ownership(LISTED, uids=uids))
    assert [owner for owner in (0, 1000, 1001) if kills.unattributed(owner)] == suspects


def test_the_line_about_the_group_names_the_container():
    """No rate limit suppresses it: neither the user's other containers nor anybody else's are suspected (W15)."""
    path = ALICE + "/user.slice/libpod-%s.scope" % ALICES
    kills = index(unattributed=[lost(1000, path, group=True)])
    assert kills.group_kills(ALICES, 1000) and list(kills.killed_containers()) == [(ALICES, 1000)]
    assert not any(kills.unattributed(owner) for owner in (0, 1000, 1001))
    # a cgroup above, or the beginning of a path, can be anybody's below it
    for place, group in ((ALICE, True), (path, False)):
        kills = index(unattributed=[lost(1000, place, group)])
        assert kills.unattributed(1000) and not kills.group_kills(ALICES, 1000)
    # the name of root's container in her own part of the tree
    forged = index(unattributed=[lost(1000, ALICE + "/libpod-%s.scope" % ROOTS, group=True)])
    assert not forged.killed_containers() and [record.kind for record in forged.doubtful] == ["foreign id"]


def test_twenty_containers_are_killed_at_once_and_the_calm_one_beside_them_is_not():
    """W15: memory.oom.group in each; the kernel's rate limit leaves ten summaries."""
    lines, killed = [], ["%064x" % (number + 1) for number in range(20)]
    sizes = "total-vm:22436kB, anon-rss:20224kB, file-rss:1412kB, shmem-rss:0kB, UID:0 pgtables:84kB oom_score_adj:0"
    for number, ident in enumerate(killed):
        own = MACHINE % ident
        both = ["Memory cgroup out of memory: Killed process %d (x) %s" % (pid + number, sizes) for pid in (1000, 2000)]
        lines += ["oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=container,mems_allowed=0,oom_memcg=%s,task_memcg=%s,"
                  "task=x,pid=%d,uid=0" % (own[:-len("/container")], own, 1000 + number)][number // 10:]
        lines += [both[0], "Tasks in %s are going to be killed due to memory.oom.group set" % own, both[1], both[0]]
    log = parse_kernel_log([KernelMessage(10 + number, "b", number, line) for number, line in enumerate(lines)])
    kills = index(listed={0: {*killed, ROOTS}}, kills=log.kills, unattributed=log.unattributed)
    assert set(kills.killed_containers()) == {(ident, 0) for ident in killed} and not kills.unattributed(0)
    for number, ident in enumerate(killed):
        oom = decide(ident, removed_container_evidence(ident, 0, kills, 0))
        assert (oom["killed"], oom["group"], oom["confidence"]) == (True, True, "certain" if number < 10 else "likely")
        assert sorted(each["pid"] for each in oom["victims"]) == [1000 + number, 2000 + number]
    run = Run(state="ended", start=1, end=2 * 10 ** 9, exit_code=137)
    calm = removed_container_evidence(ROOTS, 0, kills, 0)._replace(run=run, stopped_by_user=True)
    assert (decide(ROOTS, calm)["killed"], decide(ROOTS, calm)["confidence"]) == (False, "certain")
