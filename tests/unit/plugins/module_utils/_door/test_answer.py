# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user's answer at the door: what is recorded passes, what does not costs its own container and is about nobody else."""

import copy
import json

import pytest
from fake_podman import HOSTS, recorded

from ansible_collections.podman_fleet.memory.plugins.module_utils._door.answer import clean_answer
from ansible_collections.podman_fleet.memory.plugins.module_utils._door.document import DoorError
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman.inspect import Container, parse_container
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import parse_iso

NOW = parse_iso("2026-11-29T12:00:00Z")
OTHER = "ab" * 32


def said(host=HOSTS[0], user="alice"):
    containers = [dict(parse_container(raw, user)._asdict(), create_command=[]) for raw in recorded("inspect_" + user, host)]
    return json.loads(json.dumps({
        "podman": {"listed": [{"ident": each["ident"], "name": each["facts"]["name"]} for each in containers],
                   "containers": containers, "unmatched": [], "complete": True,
                   "sources": [{"name": "podman", "user": user, "status": "ok", "covers_since": None, "detail": None}], "errors": []},
        "info": {"version": "5.4.2", "conmon": None, "runtime": {"name": "crun", "version": None}, "cgroup_manager": "systemd"},
        "next_starts": {containers[0]["ident"]: {
            "settings": {"limit": 5, "swap_limit": None, "reservation": None, "oom_group": True}, "problem": None,
            "file": "/etc/containers/systemd/web.container", "pod_unit": "web-pod.service"}},
        "main_pids": {containers[0]["ident"]: 17}}))


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("user", ["root", "alice"])
def test_recorded_answers_pass_as_they_are(host, user):
    answer = clean_answer(said(host, user), user, NOW)
    assert answer == said(host, user)
    assert [Container(**each) for each in answer["podman"]["containers"]]


@pytest.mark.parametrize("key, value", [
    ("pid", "../home/alice"), ("pid", 2 ** 40), ("pid", -1), ("started", 10 ** 400), ("stopped_by_user", "yes")])
def test_a_value_that_can_be_unknown_costs_itself(key, value):
    changed = said()
    changed["podman"]["containers"][2][key] = value
    answer = clean_answer(changed, "alice", NOW)
    assert answer["podman"]["containers"][2][key] is None
    error, = answer["podman"]["errors"]
    assert (error["user"], error["container_id"]) == ("alice", changed["podman"]["containers"][2]["ident"])
    assert error["message"].endswith("; that is left out") and answer["podman"]["sources"][0]["status"] == "ok"


@pytest.mark.parametrize("path, value", [
    (("ident",), OTHER), (("ident",), "x"), (("facts", "user"), "root"), (("facts", "id"), OTHER), (("facts",), None),
    (("running",), 1), (("facts", "declared", "limit"), -1), (("facts", "declared"), 5), (("facts", "state"), "running")])
def test_a_value_without_which_nothing_is_known_costs_its_container(path, value):
    changed = said()
    others = copy.deepcopy(changed["podman"]["containers"])
    del others[2]
    where = changed["podman"]["containers"][2]
    for key in path[:-1]:
        where = where[key]
    where[path[-1]] = value
    answer = clean_answer(changed, "alice", NOW)
    assert answer["podman"]["containers"] == others
    error, = answer["podman"]["errors"]
    assert error["user"] == "alice" and error["container"] and error["message"].endswith("; it is left out")
    assert answer["podman"]["sources"][0]["status"] == "partial"


def test_a_next_start_that_is_not_valid_costs_its_container():
    """Without it, what Podman has declared would count, which it does not."""
    changed = said()
    ident = changed["podman"]["containers"][0]["ident"]
    changed["next_starts"][ident]["settings"]["limit"] = "much"
    answer = clean_answer(changed, "alice", NOW)
    assert answer["next_starts"] == {} and ident not in [each["ident"] for each in answer["podman"]["containers"]]
    assert [error["container_id"] for error in answer["podman"]["errors"]] == [ident]


def test_each_container_is_told():
    changed = said()
    idents = [each["ident"] for each in changed["podman"]["containers"]]
    for number, each in enumerate(changed["podman"]["containers"]):
        if number % 2:
            each["running"] = "x"
    changed["next_starts"] = dict.fromkeys(idents[::2], {})
    answer = clean_answer(changed, "alice", NOW)
    assert len(idents) > 10 and answer["podman"]["containers"] == [] and answer["next_starts"] == {}
    assert {error["container_id"] for error in answer["podman"]["errors"]} == set(idents)


def test_it_is_about_nobody_else():
    changed = said()
    changed["podman"]["sources"][0].update(name="kernel_log", user="root")
    changed["podman"]["errors"] = [{"source": "kernel_log", "user": "root", "message": "m"}]
    podman = clean_answer(changed, "alice", NOW)["podman"]
    assert [(each["name"], each["user"]) for each in podman["sources"]] == [("podman", "alice")]
    assert [(each["source"], each["user"]) for each in podman["errors"]] == [("podman", "alice")]


def test_a_list_that_is_not_whole_is_not_complete():
    changed = said()
    changed["podman"]["listed"][1] = {"ident": "x", "name": "y"}
    podman = clean_answer(changed, "alice", NOW)["podman"]
    assert podman["complete"] is False and podman["sources"][0]["status"] == "partial" and podman["errors"]


@pytest.mark.parametrize("part, value", [
    ("podman", None), ("podman", {}), ("next_starts", []), ("main_pids", None)])
def test_what_is_no_answer_at_all(part, value):
    with pytest.raises(DoorError, match="^is not what was asked for: "):
        clean_answer(dict(said(), **{part: value}), "alice", NOW)
    for other in (None, [], "x", 5, {}):
        with pytest.raises(DoorError):
            clean_answer(other, "alice", NOW)


def test_without_a_source_it_is_none():
    changed = said()
    changed["podman"]["sources"] = []
    with pytest.raises(DoorError, match="it has no source"):
        clean_answer(changed, "alice", NOW)
