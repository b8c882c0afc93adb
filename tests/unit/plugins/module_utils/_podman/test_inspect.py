# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read of `podman container inspect`, as recorded on Podman 4.3.1 and 5.4.2."""

import copy
import json

import pytest
from fake_podman import HOSTS, recorded
from hypothesis import given, strategies as st

from ansible_collections.podman_fleet.memory.plugins.module_utils._door.facts import LABEL_LENGTH
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman.inspect import (
    InspectError,
    parse_container,
    parse_inspect,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import SECOND

MIB = 1 << 20
ID = "0123456789abcdef" * 4
RAW = {(host, user, raw["Name"]): raw for host in HOSTS for user in ("root", "alice")
       for raw in recorded("inspect_" + user, host)}


def read(name, host=HOSTS[-1], user="root"):
    return parse_container(RAW[host, user, name], user)


@pytest.mark.parametrize("output", [b"", b"Error", b"\xff", b"{}", b"null", b"[1]", b'[{"Name": "a"}]', b'[{"Id": ""}]'])
def test_what_is_no_answer(output):
    with pytest.raises(InspectError, match="^its answer is not "):
        parse_inspect(output)


def test_an_answer():
    assert parse_inspect(b"[]\n") == []
    assert parse_inspect(json.dumps([RAW[HOSTS[0], "root", "exit-0"]]).encode()) == [RAW[HOSTS[0], "root", "exit-0"]]


@pytest.mark.parametrize("host", HOSTS)
def test_a_container_that_was_killed(host):
    container = read("pid1-kill", host)
    facts = container.facts
    assert (container.ident, facts["name"], facts["user"], facts["image"]) == (
        facts["id"], "pid1-kill", "root", "localhost/bb:latest")
    assert (container.ran, container.running, container.pid) == (True, False, None)
    assert container.oom_killed_flag is facts["state"]["oom_killed_flag"]
    assert (facts["state"]["status"], facts["state"]["exit_code"]) == ("exited", 137)
    assert facts["declared"] == {"limit": 20 * MIB, "swap_limit": 40 * MIB, "reservation": None, "oom_group": None}
    assert container.created < container.started < container.finished < container.created + 3600 * SECOND
    assert None not in (facts["created_at"], facts["state"]["started_at"], facts["state"]["finished_at"])
    assert (facts["manager"], facts["pod"], facts["is_infra"]) == ({"kind": "none", "unit": None}, None, False)
    assert container.create_command[0].endswith("podman") and container.create_command[-2:] == ["sort", "/dev/zero"]
    assert (container.own_cgroup, container.auto_remove) == (True, False)


@pytest.mark.parametrize("host", HOSTS)
def test_a_container_that_runs_again_has_no_end(host):
    container = read("restart-after-kill", host)
    state = container.facts["state"]
    assert (container.running, state["status"], state["exit_code"], state["finished_at"]) == (True, "running", None, None)
    assert container.pid > 1 and state["started_at"] and container.started


@pytest.mark.parametrize("host", HOSTS)
def test_a_container_that_never_ran(host):
    container = read("never-started", host)
    state = container.facts["state"]
    assert (container.ran, container.running, container.pid, container.started) == (False, False, None, None)
    assert (state["exit_code"], state["started_at"], state["finished_at"]) == (None, None, None)


@pytest.mark.parametrize("host, expected", [("debian12-podman4.3.1", None), ("debian13-podman5.4.2", False)])
def test_who_stopped_it_is_not_known_before_podman_4_7(host, expected):
    """Podman 4.7 and newer leave it out when it is false."""
    assert read("exit-1", host).stopped_by_user is expected
    assert RAW["debian13-podman5.4.2", "root", "stop-term"]["State"]["StoppedByUser"] is True
    assert read("stop-term", "debian13-podman5.4.2").stopped_by_user is True


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("user", ["root", "alice"])
def test_cgroups(host, user):
    assert read("cgroups-disabled", host, user).own_cgroup is False
    assert read("running-clean", host, user).own_cgroup is True
    assert "libpod_pod_" in read("pod-limit", host, user).cgroup_parent
    assert read("pod-limit-infra", host, user).facts["is_infra"] is True
    assert read("pod-limit-infra", host, user).facts["pod"] == read("pod-limit", host, user).facts["pod"]
    assert read("pod-limit", host, user).facts["pod"] is not None
    assert read("group-kill", host, user).facts["declared"]["oom_group"] is True


@pytest.mark.parametrize("user, manager, own", [
    ("root", "cgroupfs", True), ("alice", "cgroupfs", False), ("alice", "systemd", True)])
def test_a_rootless_container_of_the_cgroupfs_manager_may_have_none(user, manager, own):
    raw = copy.deepcopy(RAW[HOSTS[0], user, "exit-0"])
    raw["HostConfig"]["CgroupManager"] = manager
    assert parse_container(raw, user).own_cgroup is own


def test_a_quadlet():
    assert read("quadlet-restart").facts["manager"] == {"kind": "quadlet", "unit": "quadlet-restart-job.service"}
    assert "--cgroups=split" in read("quadlet-restart").create_command


COMPOSED = {"io.podman.compose.project": "shop", "PODMAN_SYSTEMD_UNIT": "podman-compose@shop.service", "com.docker.compose.project": "shop"}


@pytest.mark.parametrize("config, more, manager", [
    ({"Labels": {"PODMAN_SYSTEMD_UNIT": "a.service"}}, {}, {"kind": "systemd", "unit": "a.service"}),
    ({"Labels": {"PODMAN_SYSTEMD_UNIT": "a.service"}, "CreateCommand": ["podman", "run", "--cgroups=split"]}, {},
     {"kind": "quadlet", "unit": "a.service"}),
    ({"Labels": {"com.docker.compose.project": "shop"}}, {}, {"kind": "compose", "unit": None}),
    ({"Labels": {"io.podman.compose.project": "shop"}}, {}, {"kind": "compose", "unit": None}),
    # podman-compose (podman_compose.py 1.0.3, 1.0.6) names a unit that is mostly not there; a unit that podman-generate-systemd
    # made of such a container, or podlet, has its labels
    ({"Labels": COMPOSED, "CreateCommand": ["podman", "run", "--name=shop_web_1"]}, {}, {"kind": "compose", "unit": "podman-compose@shop.service"}),
    ({"Labels": dict(COMPOSED, PODMAN_SYSTEMD_UNIT="container-web.service")}, {}, {"kind": "systemd", "unit": "container-web.service"}),
    ({"Labels": COMPOSED, "CreateCommand": ["podman", "run", "--cgroups=split"]}, {}, {"kind": "quadlet", "unit": "podman-compose@shop.service"}),
    ({"Annotations": {"io.podman.annotations.kube.health.probe": "x"}}, {}, {"kind": "kube", "unit": None}),
    ({}, {"IsService": True}, {"kind": "kube", "unit": None}),
    ({"sdNotifyMode": "ignore"}, {"Pod": ID}, {"kind": "kube", "unit": None}),
    ({"sdNotifyMode": "ignore", "Labels": {"PODMAN_SYSTEMD_UNIT": "k.service"}}, {"Pod": ID}, {"kind": "kube", "unit": "k.service"}),
    # with --sdnotify=ignore; of the API
    ({"sdNotifyMode": "ignore", "CreateCommand": ["podman", "run"]}, {"Pod": ID}, {"kind": "none", "unit": None}),
    ({"sdNotifyMode": "container"}, {"Pod": ID}, {"kind": "none", "unit": None}),
    ({"Annotations": {"io.podman.annotations.autoremove": "FALSE"}}, {}, {"kind": "none", "unit": None}),
])
def test_who_recreates_it(config, more, manager):
    raw = dict({"Id": ID, "Name": "a", "State": {"Status": "running"}, "Config": config}, **more)
    assert parse_container(raw, "root").facts["manager"] == manager


@pytest.mark.parametrize("name, is_infra, limit", [
    ("0c4903ac4802-service", True, None), ("1fa84c936887-infra", True, None), ("k-c", False, 64 * MIB)])
@pytest.mark.parametrize("annotations", [True, False])
def test_kube_play(name, is_infra, limit, annotations):
    """Without annotations too: kube.go of Podman 4 does not set the one for checks that 5.4 gives each container."""
    raw = copy.deepcopy({each["Name"]: each for each in recorded("inspect_kube", "debian13-podman5.4.2")}[name])
    if not annotations:
        raw["Config"]["Annotations"] = {}
    facts = parse_container(raw, "root").facts
    assert facts["manager"] == {"kind": "kube", "unit": "k.service"}
    assert (facts["is_infra"], facts["declared"]["limit"]) == (is_infra, limit)


@pytest.mark.parametrize("limit", [0, -1, None])
def test_no_limit(limit):
    raw = {"Id": ID, "Name": "a", "State": {"Status": "created"}, "HostConfig": {"Memory": limit, "MemorySwap": limit}}
    assert parse_container(raw, "root").facts["declared"] == {
        "limit": None, "swap_limit": None, "reservation": None, "oom_group": None}


@pytest.mark.parametrize("change", [{"State": None}, {"State": {}}, {"State": []}, {"Config": [1]}, {"HostConfig": "x"},
                                    {"Created": "yesterday"}, {"Name": 5},
                                    {"Name": "$(reboot)"}, {"Pod": "../x"}, {"PidFile": "a\0"}, {"RestartCount": 10 ** 400},
                                    {"Created": "2026-11-23" + " " * (1 << 20) + "x"}, {"IsInfra": "true"}])
def test_a_part_of_another_type_is_named(change):
    with pytest.raises(InspectError, match="^container %s: " % RAW[HOSTS[0], "root", "exit-0"]["Id"][:12]):
        parse_container(dict(RAW[HOSTS[0], "root", "exit-0"], **change), "root")


@given(st.sampled_from(sorted(RAW)), st.sampled_from(["State", "Config", "HostConfig", "Created", "Name", "Pod", "PidFile"]),
       st.one_of(st.none(), st.integers(), st.text(), st.lists(st.integers()), st.dictionaries(st.text(), st.integers())))
def test_it_is_a_container_or_an_error_whatever_podman_prints(key, part, value):
    try:
        parse_container(dict(RAW[key], **{part: value}), "root")
    except InspectError:
        pass


@pytest.mark.parametrize("change", [{"Pid": "../home/alice"}, {"Pid": 2 ** 22 + 1}, {"Pid": True}, {"ExitCode": 2 ** 31},
                                    {"OOMKilled": 1}, {"StoppedByUser": "no"}, {"Status": ["running"]}, {"StartedAt": 5}])
def test_a_part_of_its_state_as_well(change):
    raw = copy.deepcopy(RAW[HOSTS[0], "root", "exit-0"])
    raw["State"].update(change)
    with pytest.raises(InspectError, match="^container %s: State.%s " % (raw["Id"][:12], list(change)[0])) as caught:
        parse_container(raw, "root")
    assert caught.value.ident == raw["Id"]


@pytest.mark.parametrize("ident", ["x", "../..", None, 5, ["a"], "A" * 64])
def test_without_a_valid_id_it_is_nothing(ident):
    with pytest.raises(InspectError, match="^a container without a valid id$"):
        parse_container(dict(RAW[HOSTS[0], "root", "exit-0"], Id=ident), "root")


@pytest.mark.parametrize("unit", ["*", "--host=evil", "-H.service", "a b.service", "", "web"])
def test_a_label_of_an_image_is_no_unit(unit):
    raw = copy.deepcopy(RAW[HOSTS[0], "root", "exit-0"])
    raw["Config"]["Labels"] = {"PODMAN_SYSTEMD_UNIT": unit}
    assert parse_container(raw, "root").facts["manager"] == {"kind": "none", "unit": None}


def test_long_labels_are_cut():
    raw = copy.deepcopy(RAW[HOSTS[0], "root", "exit-0"])
    raw["Config"]["Labels"] = {"bom": "x" * (1 << 20)}
    assert len(parse_container(raw, "root").facts["labels"]["bom"]) == LABEL_LENGTH


@pytest.mark.parametrize("text, message", [
    (b'[{"Id": "a", "Id": "b"}]', "is not a list of containers"), (b"[" * 100000, "is nested too deeply")])
def test_json_that_each_reader_takes_differently(text, message):
    with pytest.raises(InspectError, match=message):
        parse_inspect(text)


def test_a_number_of_any_length_costs_its_container():
    raw = json.dumps(RAW[HOSTS[0], "root", "exit-0"]).replace('"RestartCount": 0', '"RestartCount": ' + "9" * 5000)
    good, bad = parse_inspect(("[%s, %s]" % (json.dumps(RAW[HOSTS[0], "root", "exit-1"]), raw)).encode())
    assert parse_container(good, "root").facts["name"] == "exit-1"
    with pytest.raises(InspectError, match="RestartCount is not an integer"):
        parse_container(bad, "root")
