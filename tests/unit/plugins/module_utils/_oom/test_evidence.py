# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which record belongs to which container, and to which of its runs."""

import time

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_oom import Kill, Victim
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.records import OomdKill, PodmanEvent, UnitOom
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.attribution import (
    HostRecords,
    Ownership,
    RecordsByContainer,
    attribute_service_kills,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.evidence import (
    LiveState,
    container_evidence,
    expected_cgroup,
    removed_container_evidence,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.verdict import decide
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman import inspect as _inspect
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import SECOND, parse_iso, to_iso

ID, OTHER = "ab" * 32, "cd" * 32
STARTED = parse_iso("2026-11-23T10:00:00Z")
FINISHED = STARTED + 60 * SECOND
ENDED_LIVE = LiveState(77)
ROOT_HAS_ID = Ownership({0: {ID}, 1000: set()})
NEVER = "0001-01-01T00:00:00Z"


def container(status="exited", code=137, created=STARTED - SECOND, finished=FINISHED, unit=None, split=True, user="root", **more):
    raw = {
        "Id": ID, "Name": "web", "Created": to_iso(created), "RestartCount": more.get("restarts", 0),
        "State": {"Status": status, "ExitCode": code, "StartedAt": to_iso(STARTED) if more.get("ran", True) else NEVER,
                  "FinishedAt": to_iso(finished) if finished else NEVER, "OOMKilled": False},
        "HostConfig": {"Memory": 20 << 20, "Cgroups": more.get("cgroups", "default")},
        "Config": {"Labels": {"PODMAN_SYSTEMD_UNIT": unit} if unit else None,
                   "CreateCommand": ["podman", "run"] + (["--cgroups=split"] if unit and split else [])},
    }
    raw["State"]["Health"], raw["Config"]["HealthcheckOnFailureAction"] = more.get("health"), more.get("action")
    if "stopped" in more:
        raw["State"]["StoppedByUser"] = more["stopped"]
    return _inspect.parse_container(raw, user)


def records(**more):
    known = dict(kills=[], unattributed=[], unit_ooms=[], oomd_kills=[], events=[], kernel_since=0, oomd_active=False)
    known.update(more)
    return HostRecords(**known)


def build(inspected, live=ENDED_LIVE, owner=0, **more):
    return container_evidence(inspected, owner, RecordsByContainer(records(**more), Ownership({owner: {ID}})), live, 0)


def kill(path, at=FINISHED, pid=77):
    return Kill(at=at, boot="b", constraint="CONSTRAINT_MEMCG", oom_memcg="/a.slice", task_memcg=path,
                victims=[Victim(pid, "sort", at, 1)], group=False)


def event(kind, at, ident=ID, labels=None, uid=0):
    kind, _colon, command = kind.partition(":")
    return PodmanEvent(at=at, kind=kind, ident=ident, name="web", image="img", exit_code=137 if kind == "died" else None,
                       labels=labels or {}, uid=uid, command=command or None)


# --- runs -------------------------------------------------------------------------------------

@pytest.mark.parametrize("status, state", [
    ("exited", "ended"), ("stopped", "ended"), ("running", "running"), ("paused", "running")])
def test_states(status, state):
    assert build(container(status)).run.state == state


def test_a_container_that_was_only_created():
    assert build(container("created", 0, ran=False, finished=None)).run.state == "never"


@pytest.mark.parametrize("finished", [None, STARTED - 100 * SECOND])
def test_a_run_whose_end_was_not_seen(finished):
    assert build(container("exited", 0, finished=finished)).run.state == "lost"


def test_a_run_begins_with_its_init_event():
    inits = [event("init", STARTED - 90 * SECOND), event("init", STARTED - SECOND // 2)]
    run = build(container(), events=inits).run
    assert run.start == STARTED - SECOND // 2 and run.first is False


def test_without_events_it_begins_a_little_before_podman_says():
    run = build(container()).run
    assert STARTED - 5 * SECOND < run.start < STARTED and run.first is True


def test_a_running_ones_start_lies_behind_the_end_of_the_run_before():
    assert build(container("running", finished=STARTED - SECOND)).run.start == STARTED - SECOND


def test_a_container_created_long_before_its_start_may_have_run_before():
    assert build(container(created=STARTED - 900 * SECOND)).run.first is None
    assert build(container(restarts=1)).run.first is False


# --- who stopped it ---------------------------------------------------------------------------

@pytest.mark.parametrize("kinds, stopped", [
    (["init", "died"], False), (["init", "kill", "died"], True), (["init", "died", "stop"], True),
    ([], None), (["init"], None),
    (["init", "died", "cleanup:cleanup"], False), (["init", "died", "cleanup"], False),
    # Podman 4.3: `podman stop` writes no stop event
    (["init", "died", "cleanup:cleanup", "cleanup:stop"], True), (["init", "died", "cleanup:restart"], True),
    (["init", "died", "cleanup:cleanup", "cleanup"], None), (["init", "died", "cleanup", "cleanup:service"], None),
    (["init", "died", "cleanup:cleanup", "cleanup:run"], False),
])
def test_podmans_events_tell_who_stopped_it(kinds, stopped):
    events = [event(kind, STARTED - SECOND + index) for index, kind in enumerate(kinds)]
    assert build(container(), events=events).stopped_by_user is stopped


def test_a_stop_of_an_earlier_run_does_not_count():
    events = [event("stop", STARTED - 100 * SECOND), event("init", STARTED - SECOND), event("died", FINISHED)]
    assert build(container(), events=events).stopped_by_user is False


def test_inspects_answer_comes_first():
    assert build(container(stopped=True)).stopped_by_user is True


# What Podman 5.4.2 on Debian 13 says of a container with --health-cmd=false --health-on-failure=kill.
UNHEALTHY = {"Status": "unhealthy", "FailingStreak": 1, "Log": [
    {"Start": "2026-11-23T10:00:44.90916487Z", "End": "2026-11-23T10:00:58.189916321Z", "ExitCode": 1, "Output": ""}]}


@pytest.mark.parametrize("action, health, stopped, cause, confidence", [
    ("kill", UNHEALTHY, True, "health_check", "certain"), ("stop", UNHEALTHY, True, "health_check", "certain"),
    ("kill", dict(UNHEALTHY, Log=None), True, "health_check", "likely"),
    ("kill", dict(UNHEALTHY, Status="healthy"), True, "stopped_by_user", "certain"),
    ("none", UNHEALTHY, True, "stopped_by_user", "certain"), (None, None, True, "stopped_by_user", "certain"),
    # somebody else's signal
    ("kill", UNHEALTHY, False, "external_sigkill", "likely"),
])
def test_a_health_check_that_ends_the_container(action, health, stopped, cause, confidence):
    inspected = container(stopped=stopped, health=health, action=action)
    result = decide(ID, build(inspected, oomd_active=False))
    assert (result["killed"], result["cause"], result["confidence"]) == (False, cause, confidence)


# --- kills ------------------------------------------------------------------------------------

def test_kills_are_found_by_the_id_in_the_victims_cgroup():
    evidence = build(container(), kills=[kill("/machine.slice/libpod-%s.scope/container" % ID),
                                         kill("/machine.slice/libpod-%s.scope/container" % OTHER), kill("/system.slice/x.service")])
    assert len(evidence.kills) == 1 and not evidence.unattributed


def test_without_an_own_cgroup_only_the_main_process_can_be_told():
    evidence = build(container(cgroups="disabled"), kills=[kill("/user.slice"), kill("/user.slice", pid=78)])
    assert [kill.victims[0].pid for kill in evidence.kills] == [77]
    assert [kill.victim.pid for kill in evidence.unattributed] == [78]


@pytest.mark.parametrize("owner, user, path", [
    (0, "root", "/"), (0, "root", "/machine.slice"), (1000, "alice", "/"),
    # rootless without delegation of the memory controller
    (1000, "alice", "/user.slice/user-1000.slice/user@1000.service"),
])
def test_without_the_memory_controller_the_kernel_names_the_nearest_cgroup_that_has_it(owner, user, path):
    """Seen on Debian 13 with cgroup_disable=memory: global_oom,task_memcg=/, and the container's main process is the victim."""
    whole = kill(path)._replace(oom_memcg=None, constraint="CONSTRAINT_NONE", uid=1000)
    evidence = build(container(user=user), owner=owner, kills=[whole, whole._replace(victims=[Victim(78, "x", FINISHED, 1)])])
    assert [each.victims[0].pid for each in evidence.kills] == [77] and [each.victim.pid for each in evidence.unattributed] == [78]
    # the same number later is another process
    assert not build(container(user=user), owner=owner, kills=[whole._replace(at=FINISHED + 60 * SECOND)]).kills
    # neither that of another cgroup nor one of root's is in alice's container
    beside = build(container(user=user), owner=owner, kills=[kill("/user.slice/user-1001.slice/user@1001.service"), kill("/a.slice")])
    assert not beside.kills and not beside.unattributed
    assert bool(build(container(user=user), owner=owner, kills=[whole._replace(uid=0)]).kills) is (owner == 0)


def test_a_services_record_belongs_to_the_run_it_falls_into():
    unit = "web.service"
    evidence = build(container("running", unit=unit), unit_ooms=[
        UnitOom(STARTED - 50 * SECOND, unit, 0), UnitOom(STARTED + SECOND, unit, 0), UnitOom(STARTED + SECOND, unit, 1000)])
    assert [record.at for record in evidence.unit_ooms] == [STARTED + SECOND]


def test_a_services_record_gets_the_id_of_the_container_that_died_then():
    labels = {"PODMAN_SYSTEMD_UNIT": "web.service"}
    attributed = attribute_service_kills(records(
        unit_ooms=[UnitOom(FINISHED, "web.service", 1000), UnitOom(FINISHED, "other.service", 1000)],
        events=[event("died", FINISHED + SECOND, OTHER, labels, 1000)]))
    assert [record.unit for record in attributed.unit_ooms] == ["libpod-%s.scope" % OTHER, "other.service"]


def test_records_of_another_user_do_not_count():
    """alice's service manager and Podman speak of alice's containers alone."""
    forged = UnitOom(FINISHED, "libpod-%s.scope" % ID, 1000)
    events = [event("kill", FINISHED, uid=1000), event("died", FINISHED, uid=1000)]
    evidence = build(container(), unit_ooms=[forged], events=events)
    assert not evidence.unit_ooms and evidence.stopped_by_user is None
    index = RecordsByContainer(records(unit_ooms=[forged], kills=[kill("/machine.slice/libpod-%s.scope" % ID)]), ROOT_HAS_ID)
    assert list(index.killed_containers()) == [(ID, 0)]


# --- systemd-oomd -----------------------------------------------------------------------------

@pytest.mark.parametrize("record, hit", [
    (OomdKill(at=FINISHED, cgroup="/machine.slice/libpod-%s.scope/container" % ID, unit=None, uid=0, text=""), True),
    (OomdKill(at=FINISHED, cgroup="/machine.slice/libpod-conmon-%s.scope" % ID, unit=None, uid=0, text=""), False),
    (OomdKill(at=FINISHED, cgroup="/machine.slice", unit=None, uid=0, text=""), True),
    (OomdKill(at=FINISHED - 50 * SECOND, cgroup="/machine.slice", unit=None, uid=0, text=""), False),
    (OomdKill(at=FINISHED, cgroup="/machine", unit=None, uid=0, text=""), False),
    (OomdKill(at=FINISHED, cgroup="/system.slice", unit=None, uid=0, text=""), False),
    (OomdKill(at=FINISHED, cgroup=None, unit="libpod-%s.scope" % ID, uid=0, text=""), True),
    (OomdKill(at=FINISHED, cgroup=None, unit="libpod-%s.scope" % OTHER, uid=0, text=""), False),
])
def test_oomds_kill_of_a_cgroup_hits_what_is_in_it(record, hit):
    assert bool(build(container(), oomd_kills=[record]).oomd_kills) is hit


@pytest.mark.parametrize("owner, unit, parent, path", [
    (0, None, "", "/machine.slice/libpod-ID.scope"),
    (0, None, "a-b.slice", "/a.slice/a-b.slice/libpod-ID.scope"),
    (0, None, "/machine.slice/machine-libpod_pod_1.slice", "/machine.slice/machine-libpod_pod_1.slice/libpod-ID.scope"),
    (0, "web.service", "", "/system.slice/web.service/libpod-payload-ID"),
    (1000, None, "", "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope"),
    (1000, "web.service", "", "/user.slice/user-1000.slice/user@1000.service/app.slice/web.service/libpod-payload-ID"),
])
def test_where_podman_puts_a_container(owner, unit, parent, path):
    assert expected_cgroup("ID", owner, unit, parent) == path


# --- removed containers -----------------------------------------------------------------------

def test_a_removed_container_lives_in_its_records():
    index = RecordsByContainer(records(kills=[kill("/machine.slice/libpod-%s.scope" % OTHER, at=STARTED + SECOND)],
                                       events=[event("init", STARTED, OTHER), event("died", STARTED + 2 * SECOND, OTHER)]), ROOT_HAS_ID)
    assert list(index.killed_containers()) == [(OTHER, 0)]
    run = removed_container_evidence(OTHER, 0, index, 0).run
    assert (run.state, run.start, run.end, run.exit_code) == ("ended", STARTED, STARTED + 2 * SECOND, 137)


@pytest.mark.parametrize("cgroup, unit, uid, owner", [
    ("/machine.slice/libpod-%s.scope" % OTHER, None, 0, 0),
    ("/user.slice/user-1000.slice/user@1000.service/app.slice/a.service/libpod-payload-%s" % OTHER, None, 0, 1000),
    (None, "libpod-%s.scope" % OTHER, 1000, 1000),
])
def test_systemd_oomds_kills_of_removed_containers(cgroup, unit, uid, owner):
    record = OomdKill(at=STARTED + SECOND, cgroup=cgroup, unit=unit, uid=uid, text="memory pressure")
    index = RecordsByContainer(records(oomd_kills=[record]), ROOT_HAS_ID)
    assert list(index.killed_containers()) == [(OTHER, owner)]
    evidence = removed_container_evidence(OTHER, owner, index, 0)
    assert evidence.oomd_kills == [record] and evidence.run.start == STARTED + SECOND
    assert RecordsByContainer(records(oomd_kills=[record._replace(cgroup="/a.slice", unit=None)]), ROOT_HAS_ID).killed_containers() == {}


def test_a_removed_container_without_events_has_one_run():
    index = RecordsByContainer(records(kills=[kill("/machine.slice/libpod-%s.scope" % OTHER)]), ROOT_HAS_ID)
    run = removed_container_evidence(OTHER, 0, index, 0).run
    assert (run.start, run.end, run.exit_code) == (FINISHED, None, None)


def test_what_the_history_dropped_of_one_user_makes_nobody_else_unknown():
    alice, bob = container(user="alice"), container(user="bob")
    assert build(alice, owner=1000, dropped={1000: 5}).kernel_since == 5
    assert build(bob, owner=1001, dropped={1000: 5}).kernel_since == 0
    assert build(alice, owner=1000, dropped={1000: 5}, kernel_since=None).kernel_since is None


def test_who_has_many_containers_and_many_kills_takes_little_time():
    """Up to 5,000 and 13,000 of one user: what is the same for all containers is done once."""
    path = "/user.slice/user-1000.slice/user@1000.service/x.scope"
    index = RecordsByContainer(records(kills=[kill(path, at=FINISHED - number, pid=number) for number in range(1, 10001)]), Ownership({1000: set()}))
    without, began = container(user="alice")._replace(own_cgroup=False, running=True), time.process_time()
    for _container in range(300):
        evidence = container_evidence(without, 1000, index, LiveState(5), STARTED)
    assert time.process_time() - began < 3
    assert len(evidence.kills) == 1 and len(evidence.unattributed) == 9999
