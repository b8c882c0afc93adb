# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which record belongs to which container, and to which of its runs."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_oom import Kill, Victim
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.records import OomdKill, PodmanEvent, UnitOom
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.evidence import (
    HostRecords,
    LiveState,
    RecordsByContainer,
    attribute_service_kills,
    container_evidence,
    expected_cgroup,
    removed_container_evidence,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman import inspect as _inspect
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import SECOND, parse_iso, to_iso

ID, OTHER = "ab" * 32, "cd" * 32
STARTED = parse_iso("2026-11-23T10:00:00Z")
FINISHED = STARTED + 60 * SECOND
ENDED_LIVE = LiveState(77, None, None, None)
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
    if "stopped" in more:
        raw["State"]["StoppedByUser"] = more["stopped"]
    return _inspect.parse_container(raw, user)


def records(**more):
    known = dict(kills=[], unattributed=[], unit_ooms=[], oomd=[], events=[], kernel_since=0, oomd_active=False)
    known.update(more)
    return HostRecords(**known)


def build(one, live=ENDED_LIVE, owner=0, **more):
    return container_evidence(one, owner, RecordsByContainer(records(**more), {ID}), live, 0)


def kill(path, at=FINISHED, pid=77):
    return Kill(at, "b", "CONSTRAINT_MEMCG", "/a.slice", path, [Victim(pid, "sort", at, 1)], False)


def event(kind, at, ident=ID, labels=None, uid=0):
    kind, _colon, command = kind.partition(":")
    return PodmanEvent(at, kind, ident, "web", "img", 137 if kind == "died" else None, labels or {}, uid, command or None)


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


def test_what_inspect_says_comes_first():
    assert build(container(stopped=True)).stopped_by_user is True


# --- kills ------------------------------------------------------------------------------------

def test_kills_are_found_by_the_id_in_the_victims_cgroup():
    found = build(container(), kills=[kill("/machine.slice/libpod-%s.scope/container" % ID),
                                      kill("/machine.slice/libpod-%s.scope/container" % OTHER), kill("/system.slice/x.service")])
    assert len(found.kills) == 1 and not found.unattributed


def test_without_an_own_cgroup_only_the_main_process_can_be_told():
    found = build(container(cgroups="disabled"), kills=[kill("/user.slice"), kill("/user.slice", pid=78)])
    assert [each.victims[0].pid for each in found.kills] == [77]
    assert [each.victim.pid for each in found.unattributed] == [78]


def test_a_services_record_belongs_to_the_run_it_falls_into():
    unit = "web.service"
    found = build(container("running", unit=unit), unit_ooms=[
        UnitOom(STARTED - 50 * SECOND, unit, 0), UnitOom(STARTED + SECOND, unit, 0), UnitOom(STARTED + SECOND, unit, 1000)])
    assert [each.at for each in found.unit_ooms] == [STARTED + SECOND]


def test_a_services_record_gets_the_id_of_the_container_that_died_then():
    labels = {"PODMAN_SYSTEMD_UNIT": "web.service"}
    found = attribute_service_kills(records(
        unit_ooms=[UnitOom(FINISHED, "web.service", 1000), UnitOom(FINISHED, "other.service", 1000)],
        events=[event("died", FINISHED + SECOND, OTHER, labels, 1000)]))
    assert [each.unit for each in found.unit_ooms] == ["libpod-%s.scope" % OTHER, "other.service"]


def test_records_of_somebody_else_do_not_count():
    """alice's service manager and Podman speak of alice's containers alone."""
    forged = UnitOom(FINISHED, "libpod-%s.scope" % ID, 1000)
    found = build(container(), unit_ooms=[forged], events=[event("kill", FINISHED, uid=1000), event("died", FINISHED, uid=1000)])
    assert not found.unit_ooms and found.stopped_by_user is None
    assert RecordsByContainer(records(unit_ooms=[forged], kills=[kill("/machine.slice/libpod-%s.scope" % ID)]), {ID}).killed() == {ID: 0}


# --- systemd-oomd -----------------------------------------------------------------------------

@pytest.mark.parametrize("record, hit", [
    (OomdKill(FINISHED, "/machine.slice/libpod-%s.scope/container" % ID, None, 0, ""), True),
    (OomdKill(FINISHED, "/machine.slice/libpod-conmon-%s.scope" % ID, None, 0, ""), False),
    (OomdKill(FINISHED, "/machine.slice", None, 0, ""), True),
    (OomdKill(FINISHED - 50 * SECOND, "/machine.slice", None, 0, ""), False),
    (OomdKill(FINISHED, "/machine", None, 0, ""), False),
    (OomdKill(FINISHED, "/system.slice", None, 0, ""), False),
    (OomdKill(FINISHED, None, "libpod-%s.scope" % ID, 0, ""), True),
    (OomdKill(FINISHED, None, "libpod-%s.scope" % OTHER, 0, ""), False),
])
def test_oomds_kill_of_a_cgroup_hits_what_is_in_it(record, hit):
    assert bool(build(container(), oomd=[record]).oomd) is hit


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
                          events=[event("init", STARTED, OTHER), event("died", STARTED + 2 * SECOND, OTHER)]), {ID})
    assert index.killed() == {OTHER: 0}
    run = removed_container_evidence(OTHER, 0, index, 0).run
    assert (run.state, run.start, run.end, run.exit_code) == ("ended", STARTED, STARTED + 2 * SECOND, 137)


@pytest.mark.parametrize("cgroup, unit, uid, owner", [
    ("/machine.slice/libpod-%s.scope" % OTHER, None, 0, 0),
    ("/user.slice/user-1000.slice/user@1000.service/app.slice/a.service/libpod-payload-%s" % OTHER, None, 0, 1000),
    (None, "libpod-%s.scope" % OTHER, 1000, 1000),
])
def test_systemd_oomd_tells_of_removed_containers_too(cgroup, unit, uid, owner):
    record = OomdKill(STARTED + SECOND, cgroup, unit, uid, "memory pressure")
    index = RecordsByContainer(records(oomd=[record]), {ID})
    assert index.killed() == {OTHER: owner}
    found = removed_container_evidence(OTHER, owner, index, 0)
    assert found.oomd == [record] and found.run.start == STARTED + SECOND
    assert RecordsByContainer(records(oomd=[record._replace(cgroup="/a.slice", unit=None)]), {ID}).killed() == {}


def test_a_removed_container_without_events_has_one_run():
    index = RecordsByContainer(records(kills=[kill("/machine.slice/libpod-%s.scope" % OTHER)]), {ID})
    run = removed_container_evidence(OTHER, 0, index, 0).run
    assert (run.start, run.end, run.exit_code) == (FINISHED, None, None)
