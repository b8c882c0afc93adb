# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts at the door: recorded ones pass as they are; what does not pass costs its own container, and is told."""

import copy
import io
import json
import os
import time

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._door.document import DoorError
from ansible_collections.podman_fleet.memory.plugins.module_utils._door.door import clean_facts, parse_facts
from ansible_collections.podman_fleet.memory.plugins.module_utils._door.facts import DOCUMENT, MAX_CONTAINERS, MAX_ERRORS
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import parse_iso

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), *[".."] * 5)
FIXTURES = os.path.join(ROOT, "tests", "unit", "fixtures", "oom_audit")
NOW = parse_iso("2026-11-29T12:00:00Z")


def read(path):
    with io.open(path, encoding="utf-8") as stream:
        return stream.read()


def recorded(name="debian13-root"):
    return json.loads(read(os.path.join(FIXTURES, name + ".json")))


def source_of(facts, user):
    return next(source for source in facts["sources"] if (source["name"], source["user"]) == ("podman", user))


@pytest.mark.parametrize("name", ["debian13-root", "debian13-alice"])
def test_recorded_facts_pass_as_they_are(name):
    assert clean_facts(recorded(name), NOW) == recorded(name)
    assert parse_facts(json.dumps(recorded(name)), NOW) == recorded(name)


def test_the_schema_is_published():
    """Written by tests/tools/facts_schema."""
    assert json.loads(read(os.path.join(ROOT, "docs", "facts-v1.schema.json"))) == json.loads(json.dumps(DOCUMENT))


def test_it_is_a_json_schema_that_recorded_facts_conform_to():
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(DOCUMENT)
    jsonschema.validate(recorded(), DOCUMENT)


@pytest.mark.parametrize("part, value, message", [
    ("schema", "other", ": schema is not one of podman_fleet.memory/facts/v1$"),
    ("host", [], "^is not podman_fleet.memory/facts/v1: host is not an object$"),
    ("containers", {}, "^is not podman_fleet.memory/facts/v1: containers is not a list$"),
    ("errors", None, "^is not podman_fleet.memory/facts/v1: errors is not a list$"),
])
def test_what_is_no_facts_at_all(part, value, message):
    with pytest.raises(DoorError, match=message):
        clean_facts(dict(recorded(), **{part: value}), NOW)
    for other in (None, [], "x", 5, {}):
        with pytest.raises(DoorError):
            clean_facts(other, NOW)


HUGE = 10 ** 400


@pytest.mark.parametrize("path, value, left, problem", [
    # null is "unknown" there
    pytest.param(("memory", "usage", "peak"), HUGE, None, "memory.usage.peak is not an integer from 0 to 9223372036854775807",
                 id="huge"),
    (("created_at",), "yesterday", None, "created_at is no time between 1970 and a day from now"),
    (("name",), "{{ lookup('pipe', 'id') }}", None, "name is not a text of at most 512 characters like "),
    (("manager", "unit"), "--host=evil", None, "manager.unit is not a text of at most 255 characters like "),
    (("image",), ["x"], None, "image is not a text"),
    (("is_infra",), "yes", False, "is_infra is not true or false"),
    (("labels",), [], {}, "labels is not an object"),
    (("oom", "cause"), ["x"], "unknown", "oom.cause is not one of container_limit, "),
    (("state", "status"), 7, "unknown", "state.status is not one of unknown, "),
])
def test_a_value_that_can_be_unknown_costs_itself(path, value, left, problem):
    facts = recorded()
    container = next(each for each in facts["containers"] if each["memory"]["usage"])
    where = container
    for key in path[:-1]:
        where = where[key]
    where[path[-1]] = value
    others = [each for each in copy.deepcopy(facts["containers"]) if each["id"] != container["id"]]
    cleaned = clean_facts(facts, NOW)
    found = next(each for each in cleaned["containers"] if each["id"] == container["id"])
    for key in path:
        found = found[key]
    assert found == left
    assert [each for each in cleaned["containers"] if each["id"] != container["id"]] == others
    error, = cleaned["errors"]
    assert (error["user"], error["container_id"]) == ("root", container["id"])
    assert problem in error["message"] and error["message"].endswith("; that is left out")
    assert source_of(cleaned, "root")["status"] == "ok"


@pytest.mark.parametrize("path, value", [
    pytest.param(("memory", "declared", "limit"), HUGE, id="huge"),  # null would say that it has no limit
    (("memory", "declared"), None), (("memory",), "x"), (("state",), []), (("user",), "a:b"), (("id",), "../../etc"),
])
def test_a_value_without_which_nothing_is_known_costs_its_container(path, value):
    facts = recorded()
    container = facts["containers"][3]
    name = container["name"]
    where = container
    for key in path[:-1]:
        where = where[key]
    where[path[-1]] = value
    others = recorded()["containers"]
    del others[3]
    cleaned = clean_facts(facts, NOW)
    assert cleaned["containers"] == others
    error, = cleaned["errors"]
    assert error["container"] == name and error["message"].startswith("container %s: " % name)
    assert error["message"].endswith("; it is left out")
    # nothing of it counts as resolved
    assert source_of(cleaned, "root")["status"] == "partial"


@pytest.mark.parametrize("value", ["x", -1, True, None, []])
def test_a_verdict_that_says_nothing_of_kills_is_unknown(value):
    facts = recorded()
    facts["containers"][0]["oom"]["count"] = value
    cleaned = clean_facts(facts, NOW)
    assert cleaned["containers"][0]["oom"]["killed"] is None
    assert [error["container"] for error in cleaned["errors"]] == [facts["containers"][0]["name"]]


@pytest.mark.parametrize("element", [None, "x", [], {}, {"id": "x", "user": "\ud800"}])
def test_a_container_without_a_name_is_told_as_well(element):
    facts = recorded()
    facts["containers"].insert(1, element)
    cleaned = clean_facts(facts, NOW)
    assert cleaned["containers"] == recorded()["containers"]
    error, = cleaned["errors"]
    assert (error["user"], error["container"], error["container_id"]) == (None, "number 2", None)
    assert {source["status"] for source in cleaned["sources"] if source["name"] == "podman"} == {"partial"}


def test_more_than_a_host_can_have_is_told():
    facts = recorded()
    facts["containers"] = [dict(facts["containers"][0], id="%064x" % number) for number in range(MAX_CONTAINERS + 1)]
    cleaned = clean_facts(facts, NOW)
    assert len(cleaned["containers"]) == MAX_CONTAINERS
    assert [error["message"] for error in cleaned["errors"]] == ["containers has 5001 elements, of which the first 5000 are kept"]
    assert source_of(cleaned, "root")["status"] == "partial"


def test_errors_are_bounded_and_those_of_containers_come_first():
    facts = recorded()
    facts["errors"] = [{"source": "podman", "user": None, "message": "m"}] * (MAX_ERRORS + 5)
    facts["containers"] = [None] * MAX_CONTAINERS
    cleaned = clean_facts(facts, NOW)
    assert len(cleaned["errors"]) == MAX_ERRORS
    assert cleaned["errors"][0]["container"] == "number 1"
    assert cleaned["errors"][-1]["message"].endswith(" more errors, which are left out")
    # and it passes once more as it is
    assert clean_facts(cleaned, NOW) == cleaned


@pytest.mark.parametrize("key", ["\x1b[31m", "\ud800", "k" * 100000, "a b"])
def test_messages_do_nothing_to_a_terminal(key):
    facts = recorded()
    facts["containers"][0]["labels"] = {key: 5}
    message = clean_facts(facts, NOW)["errors"][0]["message"]
    assert message.isprintable() and len(message) < 500


def test_it_costs_little():
    """50 containers: about 1 ms, on a busy machine more."""
    facts = recorded()
    facts["containers"] = (facts["containers"] * 3)[:50]
    times = []
    for _turn in range(10):
        began = time.perf_counter()
        clean_facts(facts, NOW)
        times.append(time.perf_counter() - began)
    assert min(times) < 0.02
