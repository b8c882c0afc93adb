# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of enforcement: what is changed and to what, what is left alone and why, and that it mends the audit's findings."""

from __future__ import annotations

import copy
import datetime

import pytest
from hypothesis import given, strategies as st
from sample_container import make_container

from ansible_collections.podman_fleet.memory.plugins.module_utils._door.facts import FACTS_SCHEMA
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._enforce import plan as enforce_plan
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._enforce.host_plan import HostPlan, without_gone
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._enforce.obstacles import next_start_obstacle, podman_version
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._enforce.plan import Options, plan_host
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._model.rules import RULES
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.parse import parse_policy
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.policy import decide, named_host
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.evaluate import evaluate_facts, settings_findings

MIB, GIB = 1024 ** 2, 1024 ** 3
TODAY = datetime.date(2026, 11, 24)
IDENT = "c" * 64
OWN = "/machine.slice/libpod-%s.scope" % IDENT
BARE = {"memory__declared__limit": None, "memory__declared__swap_limit": None, "memory__effective__limit": None,
        "memory__effective__swap_limit": None, "memory__effective__source": None}
STOPPED = {"state__status": "exited", "memory__effective": None, "memory__usage": None}
OFF = {"memory__declared__oom_group": None, "memory__effective__oom_group": False}
DEFAULT = {"required": True, "default": "256m"}


def host(version="5.4.2", **changes):
    return {"cgroup_version": 2, "swap_total": GIB, "memory_total": 4 * GIB, "controllers": ["cpu", "memory"],
            "podman": {"version": version}, **changes}


def policy(*rules, waivers=(), **keys):
    return parse_policy({"rules": list(rules) or [{"name": "a", "match": "true", **keys}], "waivers": list(waivers)}, "test")


def waiver(rule, expires="2027-01-01"):
    return {"match": "name == 'web'", "rule": rule, "reason": "known", "expires": expires}


def plan(facts, wanted, about=None, **options):
    facts["host"] = about or host()
    return plan_host("h", facts, "root", wanted, TODAY, Options(**options))


@pytest.fixture
def only(container, facts):
    """Return a function that gives the one Change of the plan for one container, as options of container_memory."""
    def make(changes, wanted, about=None, **options):
        host_plan = plan(facts(container(**changes)), wanted, about, **options)
        assert len(host_plan.changes) == 1 and not host_plan.skipped, host_plan
        given_options = host_plan.changes[0].module_options()
        assert (given_options.pop("name"), given_options.pop("user")) == (IDENT, "root")
        return given_options
    return make


@pytest.fixture
def skips(container, facts):
    """Return a function that gives {rule: kind} of what is left alone of one container, which is not changed."""
    def make(changes, wanted, about=None, **options):
        host_plan = plan(facts(container(**changes)), wanted, about, **options)
        assert not host_plan.changes, host_plan.changes
        return {skipped.rule: skipped.kind for skipped in host_plan.skipped}
    return make


@pytest.mark.parametrize("changes, keys, expected", [
    # missing: the default, and no swap beside it
    (BARE, {"memory": DEFAULT}, {"memory": "256m", "memory_swap": "256m"}),
    ({**BARE, **OFF}, {"memory": DEFAULT, "oom_group": True}, {"memory": "256m", "memory_swap": "256m", "oom_group": True}),
    ({**BARE, **STOPPED}, {"memory": DEFAULT}, {"memory": "256m", "memory_swap": "256m"}),
    # out of bounds: the bound, and what it may swap stays
    ({}, {"memory": {"max": "32m"}}, {"memory": "32m", "memory_swap": "96m"}),
    ({}, {"memory": {"min": "128m"}}, {"memory": "128m", "memory_swap": "192m"}),
    ({"memory__declared__swap_limit": None, "memory__effective__swap_limit": None}, {"memory": {"min": "128m"}},
     {"memory": "128m", "memory_swap": "unlimited"}),
    (STOPPED, {"memory": {"max": "32m"}}, {"memory": "32m", "memory_swap": "96m"}),
    # a slice has a limit that is larger than one container may have: it gets one of its own
    ({**BARE, "memory__effective__limit": 64 * MIB, "memory__effective__source": "/machine.slice/a.slice"},
     {"memory": {"max": "32m"}}, {"memory": "32m", "memory_swap": "32m"}),
    # drift: as declared
    ({"memory__effective__limit": 96 * MIB}, {}, {"memory": "64m", "memory_swap": "128m"}),
    ({"memory__effective__limit": None, "memory__effective__source": None}, {}, {"memory": "64m", "memory_swap": "128m"}),
    ({"memory__effective__swap_limit": None}, {}, {"memory": "64m", "memory_swap": "128m"}),
    # … but not out of bounds
    ({"memory__effective__limit": 96 * MIB}, {"memory": {"max": "32m"}}, {"memory": "32m", "memory_swap": "96m"}),
    # not kept: what is enforced, to be kept
    ({"memory__declared__limit": None, "memory__declared__swap_limit": None}, {}, {"memory": "64m", "memory_swap": "128m"}),
    ({"memory__declared__oom_group": None}, {"oom_group": True}, {"oom_group": True}),
    ({"memory__declared__oom_group": None}, {}, {"oom_group": True}),
    ({"memory__declared__limit": 256 * MIB}, {"memory": {"max": "64m"}}, {"memory": "64m", "memory_swap": "64m"}),
    # memory.oom.group, both ways
    (OFF, {"oom_group": True}, {"oom_group": True}),
    ({}, {"oom_group": False}, {"oom_group": False}),
    ({**OFF, **STOPPED, "memory__declared__oom_group": None}, {"oom_group": True}, {"oom_group": True}),
])
def test_what_is_changed(only, changes, keys, expected):
    assert only(changes, policy(**keys)) == expected


# Debian 13: killed within a second of its start, every three seconds
LOOPING = {"memory__effective": None, "memory__usage": None, "memory__declared__limit": 20 * MIB,
           "memory__declared__swap_limit": 40 * MIB, "state__ended_meanwhile": True}


def test_a_crash_loop_gets_the_higher_limit(only):
    """E4: what is declared is enough to judge; the next start has the limit, and the loop ends."""
    assert only(LOOPING, policy(memory={"min": "200m"})) == {"memory": "200m", "memory_swap": "220m"}
    assert only({**LOOPING, "memory__declared__limit": None}, policy(memory=DEFAULT)) == {"memory": "256m", "memory_swap": "256m"}


def test_what_is_not_known_to_have_ended_is_left_alone(skips):
    assert skips({**LOOPING, "state__ended_meanwhile": False}, policy(memory={"min": "200m"})) == {None: "unknown"}


@pytest.mark.parametrize("state", [{}, STOPPED])
def test_a_variable_in_one_unit_costs_that_container(container, facts, state):
    """W05: PodmanArgs=--memory=${MEM}."""
    odd = {"name": "odd", "id": "d" * 64, "memory__next_start_problem": "'${MEM}' is not a size",
           "manager": {"kind": "quadlet", "unit": "odd.service", "file": "/etc/containers/systemd/odd.container"}}
    host_plan = plan(facts(container(), container(**odd, **state)), policy(memory={"min": "128m"}))
    assert [change.name for change in host_plan.changes] == ["web"]
    assert [(skipped.name, skipped.kind) for skipped in host_plan.skipped][:1] == [("odd", "unknown")]
    assert "MEM" in " ".join(skipped.reason for skipped in host_plan.skipped) or state


def test_the_container_of_a_unit_is_named(container, facts):
    """Its next start has another id."""
    manager = {"kind": "quadlet", "unit": "web.service", "file": "/etc/containers/systemd/web.container"}
    (change,) = plan(facts(container(manager=manager)), policy(memory={"min": "128m"})).changes
    assert change.module_options()["name"] == "web"
    assert change.is_of("root", "web", "e" * 64) and not change.is_of("alice", "web", IDENT) and not change.is_of("root", "db", "e" * 64)


def test_what_is_gone_is_skipped(container, facts):
    db = container(name="db", id="d" * 64, memory__effective__source="/machine.slice/libpod-%s.scope" % ("d" * 64))
    host_plan = plan(facts(container(), db), policy(memory={"min": "128m"}))
    left = without_gone(host_plan, [{"user": "root", "name": IDENT, "id": IDENT, "failed": True, "gone": True},
                                    {"user": "root", "name": "db", "id": "d" * 64, "failed": False}])
    assert [change.name for change in left.changes] == ["db"]
    assert [(skipped.name, skipped.kind) for skipped in left.skipped] == [("web", "gone")]


@pytest.mark.parametrize("changes, keys", [
    ({}, {"memory": {"required": True, "min": "64m", "max": "64m"}, "oom_group": True}),
    ({"memory__effective__oom_group": None}, {}),
    (STOPPED, {"memory": DEFAULT, "oom_group": True}),
    (BARE, {"memory": {"min": "64m"}}),
])
def test_what_is_right_is_not_touched(container, facts, changes, keys):
    host_plan = plan(facts(container(**changes)), policy(**keys))
    assert (host_plan.changes, host_plan.skipped) == ((), ())


def test_what_is_exempt_is_counted_apart(container, facts):
    rules = [{"name": "a", "match": "true", "memory": DEFAULT, "oom_group": True},
             {"name": "b", "match": "name == 'web'", "memory": None, "oom_group": None}]
    host_plan = plan(facts(container(**BARE), container(name="db", id="d" * 64, memory__effective__source=OWN.replace("c", "d"))),
                     policy(*rules))
    assert host_plan == HostPlan(containers=2, exempt=1, compliant=1, changes=(), skipped=())


@pytest.mark.parametrize("changes, keys, about, expected", [
    (BARE, {"memory": {"required": True}}, None, {"memory-limit-missing": "no_default"}),
    ({"memory__effective__limit": 32 * MIB, "memory__effective__source": "/machine.slice"}, {"memory": {"min": "64m"}}, None,
     {"memory-limit-out-of-bounds": "ancestor"}),
    ({"memory__usage": {"working_set": 40 * MIB}}, {"memory": {"max": "32m"}}, None,
     {"memory-limit-out-of-bounds": "below_usage"}),
    # 5 % of headroom
    ({"memory__usage": {"working_set": 31 * MIB}}, {"memory": {"max": "32m"}}, None,
     {"memory-limit-out-of-bounds": "below_usage"}),
    ({**BARE, "memory__usage": {"working_set": GIB}}, {"memory": DEFAULT}, None, {"memory-limit-missing": "below_usage"}),
    ({"memory__usage": {"working_set": None}}, {"memory": {"max": "32m"}}, None, {"memory-limit-out-of-bounds": "unknown"}),
    ({"memory__declared__reservation": 48 * MIB}, {"memory": {"max": "32m"}}, None,
     {"memory-limit-out-of-bounds": "reservation"}),
    ({"is_infra": True, "pod": "p", "memory__usage": {"working_set": MIB // 5}, "memory__effective__limit": 96 * MIB}, {}, None,
     {"limit-drift": "infra"}),
    ({"memory__effective__limit": None, "memory__effective__source": None, "memory__effective__oom_group": None,
      "memory__usage": None}, {}, None, {"limit-drift": "no_cgroup"}),
    ({"memory__effective": None}, {"memory": DEFAULT, "oom_group": True}, None, {None: "unknown"}),
    ({"memory__effective__oom_group": None}, {"oom_group": True}, None, {None: "unknown"}),
    (BARE, {"memory": DEFAULT}, host(controllers=["cpu"]), {"memory-limit-missing": "no_controller"}),
    ({**BARE, "user": "alice"}, {"memory": DEFAULT}, host(cgroup_version=1), {"memory-limit-missing": "cgroup_v1"}),
    # before Podman 5.1
    ({**BARE, **STOPPED}, {"memory": DEFAULT}, host("4.3.1"), {"memory-limit-missing": "stopped"}),
    ({"memory__declared__limit": None}, {}, host("4.9.3"), {"limit-not-persistent": "not_kept"}),
    ({"memory__declared__limit": None}, {}, host(None), {"limit-not-persistent": "not_kept"}),
    # what recreates it has to be changed
    ({"memory__declared__limit": None, "manager": {"kind": "systemd", "unit": "web.service"}}, {}, None,
     {"limit-not-persistent": "not_kept"}),
    ({"memory__declared__limit": None, "manager": {"kind": "quadlet", "unit": "web.service"}}, {}, host("4.9.3"),
     {"limit-not-persistent": "not_kept"}),
    ({"memory__declared__limit": None, "manager": {"kind": "quadlet", "unit": "web@1.service"}}, {}, None,
     {"limit-not-persistent": "not_kept"}),
])
def test_what_is_left_alone(skips, changes, keys, about, expected):
    assert skips(changes, policy(**keys), about) == expected


def test_infra_by_the_owner_s_word_alone_is_changed(container, facts):
    assert plan(facts(container(is_infra=True, memory__effective__limit=96 * MIB)), policy()).changes


def test_a_quadlet_is_changed_from_podman_5_on(only):
    unit = {"limit": 64 * MIB, "swap_limit": 128 * MIB, "reservation": None, "oom_group": None}
    changes = {"memory__next_start": unit, "manager": {"kind": "quadlet", "unit": "web.service"}}
    assert only(changes, policy(), host("5.0.0")) == {"oom_group": True}


def test_reasons_say_what_to_do(container, facts):
    tight = container(memory__usage={"working_set": 40 * MIB})
    host_plan = plan(facts(tight), policy(memory={"max": "32m"}))
    assert host_plan.skipped[0].reason == "it uses 40 MiB now: a limit of 32 MiB would kill it"
    stopped = plan(facts(container(**BARE, **STOPPED)), policy(memory=DEFAULT), host("4.3.1"))
    assert stopped.skipped[0].reason == (
        "it is not running; Podman 4.3.1 forgets it at the next start: it has to be recreated with it")


def test_usage_can_be_overruled_and_only_counts_for_less(only):
    tight = {"memory__usage": {"working_set": 63 * MIB}}
    assert only(tight, policy(memory={"max": "32m"}), allow_below_usage=True)["memory"] == "32m"
    assert only(tight, policy(memory={"min": "65m"}))["memory"] == "65m"
    assert only({**tight, "memory__declared__limit": None}, policy())["memory"] == "64m"


def test_a_memory_limit_left_alone_does_not_keep_the_group_from_it(container, facts):
    tight = container(**OFF, memory__usage={"working_set": 40 * MIB})
    host_plan = plan(facts(tight), policy(memory={"max": "32m"}, oom_group=True))
    assert [change.module_options() for change in host_plan.changes] == [{"name": IDENT, "user": "root", "oom_group": True}]
    assert [(skipped.rule, skipped.kind) for skipped in host_plan.skipped] == [("memory-limit-out-of-bounds", "below_usage")]


@pytest.mark.parametrize("settings, expected", [
    (("memory", "oom_group"), {"memory": "256m", "memory_swap": "256m", "oom_group": True}),
    (("memory",), {"memory": "256m", "memory_swap": "256m"}), (("oom_group",), {"oom_group": True})])
def test_parts(only, settings, expected):
    assert only({**BARE, **OFF}, policy(memory=DEFAULT, oom_group=True), settings=settings) == expected


def test_a_setting_named_twice_counts_once(container, facts):
    host_plan = plan(facts(container(**BARE)), policy(memory=DEFAULT), settings=("memory", "memory"))
    assert [step.rules for change in host_plan.changes for step in change.steps] == [("memory-limit-missing",)]


@pytest.mark.parametrize("settings, expected", [
    (("memory",), {"memory": "64m", "memory_swap": "64m"}), (("oom_group",), {"oom_group": True})])
def test_parts_of_what_is_not_kept(only, settings, expected):
    lost = {"memory__declared__limit": None, "memory__declared__swap_limit": None, "memory__declared__oom_group": None,
            "memory__effective__swap_limit": 64 * MIB}
    assert only(lost, policy(oom_group=True), settings=settings) == expected


def test_without_persist_what_holds_now_is_enough(skips, only):
    assert skips({"memory__declared__limit": None}, policy(), persist=False) == {"limit-not-persistent": "not_persisted"}
    assert only(OFF, policy(oom_group=True), persist=False) == {"oom_group": True}


def test_waived(container, facts, skips):
    keys = {"memory": DEFAULT, "oom_group": True}
    rule = {"name": "a", "match": "true", **keys}
    assert skips({**BARE, **OFF}, policy(rule, waivers=[waiver("memory-limit-missing"), waiver("oom-group-mismatch")])) == {
        "memory-limit-missing": "waived", "oom-group-mismatch": "waived"}
    host_plan = plan(facts(container(**BARE, **OFF)), policy(rule, waivers=[waiver("memory-limit-missing")]))
    assert [change.module_options() for change in host_plan.changes] == [{"name": IDENT, "user": "root", "oom_group": True}]
    assert host_plan.skipped[0].reason == "waived until 2027-01-01: known"


def test_an_expired_waiver_waives_nothing(only):
    rule = {"name": "a", "match": "true", "oom_group": True}
    assert only(OFF, policy(rule, waivers=[waiver("oom-group-mismatch", "2026-11-23")])) == {"oom_group": True}


def test_a_waived_bound_is_not_moved_into_when_drift_is_mended(only, container, facts):
    rule = {"name": "a", "match": "true", "memory": {"max": "32m"}}
    host_plan = plan(facts(container(memory__effective__limit=96 * MIB)),
                     policy(rule, waivers=[waiver("memory-limit-out-of-bounds")]))
    assert [change.module_options()["memory"] for change in host_plan.changes] == ["64m"]
    assert [skipped.kind for skipped in host_plan.skipped] == ["waived"]


def test_a_rule_that_cannot_be_asked_leaves_the_container_alone(container, facts):
    host_plan = plan(facts(container(**OFF, labels="text")), policy(
        {"name": "a", "match": "true", "oom_group": True},
        {"name": "b", "match": "contains(keys(labels), 'x')", "oom_group": None}))
    assert not host_plan.changes and host_plan.skipped[0].reason.startswith("the policy could not be evaluated: rule 2 'b'")


def test_a_label_that_fails_a_rule_leaves_the_containers_of_others_alone(container, facts):
    wanted = policy({"name": "big", "match": "labels.n && floor(to_number(labels.n)) > `1`", "memory": {"default": "1g"}},
                    {"name": "all", "match": "true", "memory": DEFAULT},
                    waivers=[{**waiver("memory-limit-missing"), "match": "labels.n && floor(to_number(labels.n)) > `1`"}])
    hers = container(**BARE, name="hers", user="alice", id="a" * 64, labels={"n": "1e999"})
    made = plan(facts(hers, container(**BARE)), wanted)
    assert [change.user for change in made.changes] == ["root"]
    assert [(skipped.user, skipped.kind) for skipped in made.skipped] == [("alice", "unknown")]


def test_why_and_by_whom(container, facts):
    host_plan = plan(facts(container(**BARE, **OFF)), policy(
        {"name": "a", "match": "true", "memory": DEFAULT, "oom_group": False}, {"name": "b", "match": "true", "oom_group": True}))
    assert [(step.setting, step.before, step.after, step.rules, step.decided_by) for step in host_plan.changes[0].steps] == [
        ("memory", None, 256 * MIB, ("memory-limit-missing",), "rule 1 'a'"),
        ("oom_group", False, True, ("oom-group-mismatch",), "rule 2 'b'")]


def test_containers_that_could_not_be_looked_at_are_said(facts):
    gone = facts(sources=[
        {"name": "podman", "user": "bob", "status": "unavailable", "detail": "no session", "covers_since": None},
        {"name": "kernel_log", "user": None, "status": "unavailable", "detail": "x", "covers_since": None}])
    host_plan = plan(gone, policy(oom_group=True))
    assert [(skipped.name, skipped.user, skipped.kind, skipped.reason) for skipped in host_plan.skipped] == [
        (None, "bob", "unknown", "podman could not be read: no session")]


@pytest.mark.parametrize("version, expected", [
    ("5.4.2", (5, 4)), ("4.3.1", (4, 3)), ("6.0.0-rc1", (6, 0)), (None, ()), ("x", ())])
def test_versions(version, expected):
    assert podman_version(host(version)) == expected


# -- for any facts and policies: what the plan has done is no finding any more

SIZES = st.one_of(st.none(), st.sampled_from([32, 48, 64, 100, 128, 512]).map(lambda count: count * MIB))
GROUPS = st.sampled_from([None, False, True])
KINDS = st.sampled_from(["none", "quadlet", "systemd", "compose"])


@st.composite
def containers(draw):
    """Return changes of a container such as the kernel and Podman can have it."""
    declared, limit = draw(SIZES), draw(SIZES)
    extra = draw(st.sampled_from([None, 0, 64 * MIB]))
    above = draw(SIZES)
    held = min((size for size in (limit, above) if size is not None), default=None)
    kind = draw(KINDS)
    is_running, known = draw(st.booleans()), draw(st.integers(0, 9)) > 0
    unit = {"limit": draw(SIZES), "swap_limit": None, "reservation": None, "oom_group": draw(GROUPS)}
    source = None if held is None else OWN if held == limit else "/machine.slice"
    changes = {
        "state__status": "running" if is_running else "exited", "manager": {"kind": kind, "unit": "web.service"},
        "is_infra": draw(st.integers(0, 9)) == 0, "pod": draw(st.sampled_from([None, "p"])),
        "memory__declared": {"limit": declared, "swap_limit": None if declared is None or extra is None else declared + extra,
                             "reservation": draw(st.sampled_from([None, None, 80 * MIB])), "oom_group": draw(GROUPS)},
        "memory__effective": {"limit": held, "swap_limit": None if held is None or extra is None else held + extra, "high": None,
                              "oom_group": draw(st.booleans()), "source": source} if is_running and known else None,
        "memory__usage": {"current": MIB, "working_set": draw(st.sampled_from([1, 60, 600])) * MIB} if is_running else None,
        "memory__next_start": unit if kind in ("quadlet", "systemd") and draw(st.booleans()) else None,
    }
    return changes, above


POLICY_RULES = st.fixed_dictionaries({}, optional={
    "memory": st.one_of(st.none(), st.fixed_dictionaries({}, optional={
        "required": st.booleans(), "default": st.just("96m"), "min": st.sampled_from(["40m", "64m"]),
        "max": st.sampled_from(["100m", "256m"]), "max_share_of_host": st.just(0.02)})),
    "oom_group": GROUPS})


def applied(facts, host_plan, above):
    """The facts after container_memory did what the plan says, as this Podman can."""
    after = copy.deepcopy(facts)
    for change in host_plan.changes:
        container = [one for one in after["containers"] if one["id"] == change.container_id][0]
        memory = container["memory"]
        is_kept = not next_start_obstacle(after["host"], container)
        records = [memory["declared"]] if podman_version(after["host"]) >= (5, 1) else []
        if memory.get("next_start"):
            records += [memory["next_start"]] if is_kept else []
        for step in change.steps:
            if step.setting == "oom_group":
                values = {"oom_group": step.after}
            else:
                values = {"limit": step.after, "swap_limit": step.swap}
            for record in records:
                record.update(values)
            if memory["effective"]:
                memory["effective"].update(values)
                if step.setting == "memory":
                    memory["effective"]["source"] = OWN
                    if above is not None and above < step.after:
                        memory["effective"].update(limit=above, source="/machine.slice")
    return after


@given(containers(), st.lists(POLICY_RULES, min_size=1, max_size=3), st.sampled_from(["4.3.1", "5.0.3", "5.4.2"]), st.booleans())
def test_what_was_done_is_no_finding_any_more(container_of, rules, version, allow):
    changes, above = container_of
    wanted = policy(*({"name": str(number), "match": "true", **keys} for number, keys in enumerate(rules)))
    facts = {"schema": FACTS_SCHEMA, "sources": [], "removed": [], "errors": [], "containers": [make_container(**changes)]}
    first = plan(facts, wanted, host(version), allow_below_usage=allow)
    after = applied(facts, first, above)
    second = plan(after, wanted, host(version), allow_below_usage=allow)
    assert second.changes == (), (first, second)
    open_rules = {finding["rule"] for finding in evaluate_facts("h", after, "root", wanted) if RULES[finding["rule"]].settings}
    # what is still open is skipped, with a reason
    assert open_rules == {skipped.rule for skipped in second.skipped if skipped.rule}
    assert len(first.changes) <= 1 and first.containers == 1


@given(containers(), st.lists(POLICY_RULES, min_size=1, max_size=3))
def test_no_change_leaves_the_bounds_or_kills(container_of, rules):
    changes, _above = container_of
    wanted = policy(*({"name": str(number), "match": "true", **keys} for number, keys in enumerate(rules)))
    one = make_container(**changes)
    facts = {"sources": [], "containers": [one]}
    decided = decide(wanted, named_host("h", {"host": host()}), one)
    for change in plan(facts, wanted).changes:
        assert change.steps and len({step.setting for step in change.steps}) == len(change.steps)
        for step in change.steps:
            if step.setting == "memory":
                assert decided.min is None or step.after >= decided.min
                assert decided.max is None or step.after <= decided.max
                assert step.swap is None or step.swap >= step.after
                used = (one["memory"]["usage"] or {}).get("working_set") or 0
                assert step.after >= min(used, step.before or used)
            else:
                assert isinstance(step.after, bool)


def test_a_container_that_can_not_be_evaluated_costs_itself(container, facts, monkeypatch):
    def refuse(host_name, host_facts, each, key, decision):
        if each["name"] == "odd":
            raise TypeError("a real number is required")
        return settings_findings(host_name, host_facts, each, key, decision)

    monkeypatch.setattr(enforce_plan, "settings_findings", refuse)
    odd = container(**BARE, name="odd", id="d" * 64, user="alice")
    host_plan = plan(facts(odd, container(**BARE)), policy(memory=DEFAULT))
    assert [change.container_id for change in host_plan.changes] == [IDENT]
    skipped, = host_plan.skipped
    assert (skipped.name, skipped.user, skipped.kind) == ("odd", "alice", "unknown") and "TypeError" in skipped.reason


def test_a_swap_limit_without_a_limit_is_no_drift(container, facts):
    given_facts = facts(container(memory__next_start={"limit": None, "swap_limit": 64 * MIB, "reservation": None, "oom_group": None},
                                  memory__effective__limit=None, memory__effective__swap_limit=128 * MIB, memory__effective__source=OWN))
    given_facts["host"] = host()
    assert not [finding for finding in evaluate_facts("h", given_facts, "root", policy()) if finding["rule"] == "limit-drift"
                or finding["evidence"].get("kind") == "error"]
