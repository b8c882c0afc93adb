# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and values in conditions that no container and no host ever has."""

from __future__ import annotations

import jmespath
import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.match import document_schema, parse_condition
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.names import mistakes


def found(expression, *variables):
    return "; ".join(mistakes(jmespath.compile(expression).parsed, document_schema(variables)))


@pytest.mark.parametrize("expression, why", [
    ("host.nmae == 'x'", "there is no field 'nmae' in host (did you mean name?)"),
    ("host.podman.verison == '5.4.2'", "there is no field 'verison' in host.podman (did you mean version?)"),
    ("host.podman.runtime.nam == 'crun'", "in host.podman.runtime (did you mean name?)"),
    ("memory.declared.limti > `1`", "there is no field 'limti' in memory.declared (did you mean limit?)"),
    ("memory.usage.nothing > `1`", "there is no field 'nothing' in memory.usage (known: current, "),
    ("state.exitcode == `1`", "(did you mean exit_code?)"), ("manager.knd", "in manager (did you mean kind?)"),
    ("user == 'a' || (pod && !(host.nmae == 'x'))", "'nmae' in host"), ("host | nmae", "'nmae' in host"),
    ("@.host.nmae", "'nmae' in host"), ("[host][0].nmae", "'nmae' in host"), ("[host, @][0].nmae", "'nmae' in host"),
    ("{a: host}.a.nmae", "'nmae' in host"), ("{a: host}.b", "there is no field 'b' in what comes before it (known: a)"),
    ("{a: host.nmae}", "'nmae' in host"), ("(pod && host).nmae", "'nmae' in host"), ("(pod || host).nmae", "'nmae' in host"),
    ("not_null(pod, host).nmae", "'nmae' in host"), ("merge(host, state).nmae", "'nmae' in host"),
    ("length(host.nmae)", "'nmae' in host"), ("contains(host.contrllers, 'memory')", "(did you mean controllers?)"),
    ("oom.victims[].pdi", "there is no field 'pdi' in oom.victims[] (did you mean pid?)"),
    ("oom.victims[0].pdi", "'pdi' in oom.victims[]"), ("oom.victims[*].pdi", "'pdi'"), ("oom.victims[-1:].pdi", "'pdi'"),
    ("oom.victims[?pdi > `1`]", "'pdi'"), ("oom.victims[?pid > `1`].pdi", "'pdi'"), ("oom.victims[?pid].[pid, rsss]", "'rsss'"),
    ("sort_by(oom.victims, &pdi)", "'pdi'"), ("sort_by(oom.victims, &pid)[0].pdi", "'pdi'"), ("max_by(oom.victims, &pid).pdi", "'pdi'"),
    ("map(&pdi, oom.victims)", "'pdi'"), ("map(&@, oom.victims)[0].pdi", "'pdi'"), ("reverse(oom.victims)[0].pdi", "'pdi'"),
    ("[oom.victims, oom.history][].pdi", "'pdi' in oom.victims[]"), ("to_array(host)[0].nmae", "'nmae'"),
    ("memory.daily[0].dya", "(did you mean day?)"), ("memory.*.limti", "'limti'"), ("values(memory)[0].limti", "'limti'"),
    ("oom.victims.pid", "oom.victims is a list: a field of its elements is oom.victims[].pid"),
    ("name.first", "name is a text, and has no field 'first'"), ("labels.role.name", "labels.* is a text, and has no field 'name'"),
    ("length(name).a", "is a number, and has no field 'a'"), ("(name == 'a').b", "is true or false, and has no field 'b'"),
    ("name[0] == 'a'", "name is a text, not a list"), ("host[0]", "host is an object, not a list"), ("name.*", "name is a text, and has no fields"),
    ("state.status == 'runing'", "state.status is never 'runing' (did you mean running?)"),
    ("'runing' == state.status", "(did you mean running?)"), ("state.status != 'runing'", "(did you mean running?)"),
    ("oom.cause == 'container_limt'", "(did you mean container_limit?)"), ("oom.history[?cause == 'host']", "oom.history[].cause is never 'host'"),
    ("contains(['running', 'pausd'], state.status)", "(did you mean paused?)"), ("manager.kind == 'Quadlet'", "(did you mean quadlet?)"),
    ("host.cgroup_version == '2'", "host.cgroup_version is a number, written in backquotes: `1`; it is never '2'"),
    ("host.cgroup_version == `3`", "is never 3: it is from 1 to 2"), ("is_infra == 'true'", "written in backquotes: `true`"),
    ("labels.tier == `1`", "labels.* is a text, written in single quotes: 'a'; it is never 1"), ("labels == 'a'", "labels is an object"),
    ("pod == 'shop'", "pod is never 'shop': it looks like ^[0-9a-f]{64}$"), ("starts_with(id, 'a') && id == 'abc'", "id is never 'abc'"),
    ("oom.lethal > `1`", "oom.lethal is true or false, which is neither above nor below anything"),
    ("host.vars.tier", "there is no field 'tier' in host.vars (it has none); the policy's host_variables lists"),
    ("host.group == 'a'", "(did you mean groups?)"), ("host.groups == 'a'", "host.groups is a list; it is never 'a'"),
    ("host.groups.db", "host.groups is a list"),
])
def test_mistakes_at_every_depth(expression, why):
    assert why in found(expression)
    with pytest.raises(ValueError) as caught:
        parse_condition(expression)
    assert why in str(caught.value)


@pytest.mark.parametrize("expression", [
    "host.name == 'x'", "labels.anything", 'labels."io.podman.compose.project" == \'shop\'', "labels.* | [0]", "keys(labels)[?@ == 'role']",
    "oom.victims[0].pid == `1`", "oom.victims[?task == 'python'] | [0].pid", "oom.victims[*].pid | [0]", "memory.daily[-7:].peak",
    "[name, user][0] == 'a'", "{a: name, b: host}.b.name == 'x'", "(labels || host).name", "(memory.effective || memory.declared).high",
    "not_null(memory.effective, memory.declared).limit > `1`", "merge(memory.declared, labels).role", "`{\"a\": {\"b\": 1}}`.a.b", "`[]`[0].a",
    "to_number(labels.n) > `1`", "type(pod) == 'null'", "pod == `null`", "name == ''", "user == ''", "state.exit_code == `137.0`",
    "host.podman.runtime.name == 'crun'", "contains(['running', 'paused'], state.status)", "contains(name, 'a')",
    "contains(host.controllers, 'memory')", "oom.victims[].[pid, task][]", "sort_by(oom.victims, &rss)[-1].task", "not_null(`1`, pod)",
    "created_at < '2026-01-01'", "to_array(name)[0] == 'a'", "to_array(oom.victims)[0].pid", "@", "*.limit", "user == name", "map(&pid, oom.victims)[0]",
    "max(memory.daily[].peak || `[0]`) > `1`", "join('-', [name, user]) == 'a-b'",
])
def test_what_there_is(expression):
    assert found(expression) == ""


def test_variables_of_the_inventory_are_of_any_shape():
    assert found("host.vars.tire == 'prod'", "tier") == (
        "there is no field 'tire' in host.vars (did you mean tier?); the policy's host_variables lists the variables of the inventory that may be used")
    for expression in ("host.vars.tier == 'prod'", "host.vars.tier.a[0].b > `1`", "contains(host.groups, 'db') && host.vars.tier"):
        assert found(expression, "tier") == ""


@pytest.mark.parametrize("literal", ["a", 1, True, None, [], {}, [{"a": 1}]])
def test_any_literal_can_be_compared_with_any_other(literal):
    import json
    assert found("`%s` == `1`" % json.dumps(literal)) == ""
