# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions: what matches, JMESPath's own truth, and mistakes that would only ever be false."""

from __future__ import annotations

import json
import pathlib

import pytest
from hypothesis import given, strategies as st

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.match import (
    SAMPLE_CONTAINER,
    UNKNOWN_CONTAINER,
    match_document,
    parse_condition,
)

HOST = {"name": "web1", "hostname": "ip-10-0-0-1", "memory_total": 1 << 30, "controllers": ["cpu", "memory"],
        "podman": {"version": "4.3.1"}}

SCHEMA = json.loads((pathlib.Path(__file__).parents[5] / "docs" / "report-v1.schema.json").read_text(encoding="utf-8"))


def published(schema, path=()):
    """Yield (path, schema) of everything that the schema of a container has a name for."""
    schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    yield path, schema
    for one in [schema, *schema.get("anyOf", [])]:
        for name, part in one.get("properties", {}).items():
            yield from published(part, (*path, name))
        if "items" in one:
            yield from published(one["items"], (*path, 0))


PUBLISHED = {path: schema for path, schema in published(SCHEMA["$defs"]["container"]) if path}


def value_at(container, path):
    for key in path:
        container = container[key]
    return container


def may_be_null(schema):
    return "null" in schema.get("type", ()) or any(one.get("type") == "null" for one in schema.get("anyOf", ()))


def holds(expression, container, host=None):
    return parse_condition(expression).holds(match_document(host or HOST, container))


@pytest.mark.parametrize("expression", [
    "true", " true ", True, "name == 'web'", "labels.role == 'database'", 'labels."io.podman.role" == \'a\'',
    "host.name == 'web1'", "starts_with(host.name, 'web')", "contains(host.controllers, 'memory')",
    "memory.declared.limit > `1000`", "!pod", "labels.role && starts_with(labels.role, 'data')", "manager.kind == 'none'",
    "`true`", "state.status != 'exited' && (user == 'root' || user == 'alice')", "contains(['web', 'db'], name)",
    "labels | role", "memory.usage.current < memory.declared.limit", "@.name == 'web'", "length(name) == `3`",
    "host.podman.version == '4.3.1'", "not_null(pod, name) == 'web'", "keys(labels)[?@ == 'role']", "`0`",
])
def test_matches(container, expression):
    assert holds(expression, container(labels={"role": "database", "io.podman.role": "a"}))


@pytest.mark.parametrize("expression", [
    "false", False, "name == 'db'", "labels.nothing", "pod", "`null`", "`\"\"`", "`[]`", "`{}`", "`false`", "oom.victims",
    "host.name == 'web2'", "name == ''",
])
def test_does_not_match(container, expression):
    assert not holds(expression, container(labels={"role": "database"}))


@pytest.mark.parametrize("expression, why", [
    (None, "None is no JMESPath expression"), ("", "'' is no JMESPath expression"), (7, "7 is no JMESPath expression"),
    ("a ==", "it ends too early, at character 5"), ("name == 'x", "Unclosed ' delimiter, at character 9"),
    ("name = 'x'", "Unknown token '=', at character 6"), ("name 'x'", "'x' is not expected there, at character 6"),
    ("lables.role == 'x'", "there is no field 'lables' (did you mean labels?)"),
    ("name == web", "there is no field 'web'"), ('name == "web"', "a text is written in single quotes: 'web'"),
    ("inventory_hostname == 'x'", "known: id, name, user"),
    ("name == 'x' && true", "the value is written in backquotes: `true`"),
    ("is_infra == false", "the value is written in backquotes: `false`"),
    ("[name, nam] | [0]", "there is no field 'nam'"),
    ("contians(name, 'x')", "there is no function 'contians' (did you mean contains?)"),
    # where `and` would hide it from the first container
    ("name == 'x' && no_such(name)", "there is no function 'no_such'"),
    ("contains(name)", "contains() takes 2 arguments, not 1"), ("length(name, name)", "length() takes 1 arguments, not 2"),
    ("starts_with(pod, 'a')", "fails where a value is null"), ("starts_with(labels.role, 'a')", "Ask for the value first"),
    ("memory.declared.limit > '512m'", "Sizes are numbers of bytes"),
    ("state.exit_code && starts_with(state.exit_code, '1')", "fails where the values are known"),
    ("abs(memory.usage.current) > `1`", "fails where a value is null"),
])
def test_mistakes(expression, why):
    with pytest.raises(ValueError) as caught:
        parse_condition(expression)
    assert why in str(caught.value)


@pytest.mark.parametrize("expression", ["not_null(pod)", "merge(labels, labels)", "sort_by(oom.victims, &at)[0].pid == `1`"])
def test_functions_with_any_number_of_arguments_and_expressions(expression):
    parse_condition(expression)


def test_nothing_known_of_the_container():
    document = match_document({"name": "gone"}, None)
    assert parse_condition("host.name == 'gone'").holds(document)
    assert not parse_condition("starts_with(name, 'a')").holds(document)
    nameless = match_document({"name": "h"}, {"id": "1", "name": None, "user": "root"})
    assert not parse_condition("starts_with(name, 'a')").holds(nameless)


@pytest.mark.parametrize("label", ["1e999", "-1e999", "nan", "9" * 400, "9" * 5000])
@pytest.mark.parametrize("expression", [
    "labels.n && floor(to_number(labels.n)) > `1`", "labels.n && ceil(to_number(labels.n)) > `1`", "labels.n && avg([to_number(labels.n)]) > `1`"])
def test_numbers_that_a_user_makes_up_are_true_false_or_cannot_be_evaluated(container, expression, label):
    try:
        assert holds(expression, container(labels={"n": label})) in (True, False)
    except ValueError:
        pass


def test_without_jmespath(without_jmespath):
    assert parse_condition("true").holds({})
    with pytest.raises(ImportError, match="pip install jmespath"):
        parse_condition("name == 'x'")


@given(st.text(), st.text())
def test_names_and_labels_are_data_whatever_they_hold(name, label):
    document = match_document({"name": name}, {"name": name, "labels": {label: name}})
    assert parse_condition("name == host.name").holds(document)
    assert parse_condition("length(keys(labels)) == `1`").holds(document)
    assert not parse_condition("name != values(labels)[0]").holds(document)


@given(st.text())
def test_any_text_is_a_condition_or_a_clear_no(text):
    try:
        parse_condition(text).holds(match_document(HOST, None))
    except ValueError as exc:
        assert str(exc)


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: ".".join(map(str, path)))
def test_the_probes_have_what_the_schema_has(path):
    assert value_at(SAMPLE_CONTAINER, path) is not None
    parents = [path[:length] for length in range(1, len(path))]
    # below a null there is nothing to look at
    if not any(may_be_null(PUBLISHED[parent]) or parent == ("memory", "declared") for parent in parents) and 0 not in path:
        assert (value_at(UNKNOWN_CONTAINER, path) is None) is may_be_null(PUBLISHED[path])


@pytest.mark.parametrize("probe", [UNKNOWN_CONTAINER, SAMPLE_CONTAINER])
def test_the_probes_are_containers_of_the_schema(probe):
    jsonschema = pytest.importorskip("jsonschema")
    # where nothing is known, an enum's value and the declared settings are not there either
    probe = {**probe, "memory": {**probe["memory"], "declared": SAMPLE_CONTAINER["memory"]["declared"]}}
    jsonschema.Draft202012Validator({**SCHEMA, **SCHEMA["$defs"]["container"]}).validate(probe)


def test_the_probes_have_what_was_recorded(recorded):
    for name in ("debian13-root", "debian13-alice", "debian12-root"):
        for container in recorded(name)["containers"]:
            for key, value in container.items():
                assert key in SAMPLE_CONTAINER
                if key in ("manager", "state", "memory", "oom"):
                    assert set(value) <= set(SAMPLE_CONTAINER[key])
