# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""memory-limit-missing, oom-group-mismatch: what is a finding and what isn't."""

from __future__ import annotations

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.policy import BUILT_IN
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.evaluate import evaluate_facts

MIB = 1024 * 1024
IDENT = "c" * 64


def rules(facts, run_as="root"):
    return {finding["rule"]: finding for finding in evaluate_facts("h", facts, run_as, BUILT_IN)}


def test_nothing_to_say_of_a_protected_container(container, facts):
    assert not rules(facts(container()))


@pytest.mark.parametrize("changes, severity", [
    ({"memory__declared__limit": None, "memory__effective__limit": None}, "high"),
    ({"state__status": "exited", "memory__declared__limit": None, "memory__effective": None}, "low"),
])
def test_limit_missing(container, facts, changes, severity):
    assert rules(facts(container(**changes)))["memory-limit-missing"]["severity"] == severity


@pytest.mark.parametrize("host, user, words", [
    ({"cgroup_version": 1, "controllers": ["cpu", "memory"]}, "alice", "On cgroup v1 nothing limits a rootless container"),
    ({"cgroup_version": 2, "controllers": ["cpu", "pids"]}, "root", "The kernel has no memory controller"),
    ({"cgroup_version": 1, "controllers": ["cpu", "memory"]}, "root", None),
    ({"cgroup_version": 2, "controllers": ["cpu", "memory"]}, "alice", None),
])
def test_where_nothing_can_limit_it_the_remedy_is_to_prepare_the_host(container, facts, host, user, words):
    """Seen on Debian 12 with cgroup v1: podman update of a rootless container ends with Permission denied."""
    bare = container(user=user, memory__declared__limit=None, memory__effective__limit=None)
    finding = rules(facts(bare, host=host))["memory-limit-missing"]
    if words:
        assert words in finding["detail"] and "podman_fleet.memory.prepare" in finding["remedy"] and "podman update" not in finding["remedy"]
    else:
        assert "podman update" in finding["remedy"]


@pytest.mark.parametrize("changes", [
    {"is_infra": True, "pod": None, "memory__usage": {"working_set": MIB}},
    {"is_infra": True, "pod": "p", "memory__usage": {"working_set": 100 * MIB}},
    {"is_infra": True, "pod": "p", "memory__usage": {"working_set": None}},
    {"is_infra": True, "pod": "p", "memory__usage": None},
    {"is_infra": True, "manager": {"kind": "kube", "unit": None}, "memory__usage": {"working_set": 100 * MIB}},
])
def test_infra_by_the_owner_s_word_alone_is_asked_for_a_limit(container, facts, changes):
    bare = {"memory__declared__limit": None, "memory__effective__limit": None}
    assert "memory-limit-missing" in rules(facts(container(user="alice", **bare, **changes)))


@pytest.mark.parametrize("changes", [
    {"is_infra": True, "pod": "p", "memory__usage": {"working_set": MIB // 5}, "memory__declared__limit": None, "memory__effective__limit": None,
     "memory__effective__oom_group": False},
    # the service container of kube play, as on Debian 13
    {"is_infra": True, "manager": {"kind": "kube", "unit": "k.service"}, "memory__usage": {"working_set": 212992},
     "memory__declared__limit": None, "memory__effective__limit": None, "memory__effective__oom_group": False},
    # a pod's or slice's limit protects it
    {"memory__declared__limit": None, "memory__effective__source": "/machine.slice/pod.slice"},
    {"state__status": "exited", "memory__effective": None},
])
def test_no_limit_asked_for(container, facts, changes):
    assert not rules(facts(container(**changes)))


@pytest.mark.parametrize("changes, severity", [
    ({"memory__effective__oom_group": False}, "medium"),
    ({"state__status": "exited", "memory__effective": None, "memory__declared__oom_group": None}, "low"),
])
def test_group_mismatch(container, facts, changes, severity):
    assert rules(facts(container(**changes)))["oom-group-mismatch"]["severity"] == severity


def test_cgroup_v1_is_said_once_and_not_of_each_container(container, facts):
    findings = rules(facts(container(memory__effective__oom_group=None), host={"cgroup_version": 1}))
    assert set(findings) == {"cgroup-v1"}


@pytest.mark.parametrize("changes", [{"memory__effective": None}, {"memory__effective__oom_group": None}])
def test_unknown_limits_are_missing_evidence(container, facts, changes):
    findings = rules(facts(container(**changes)))
    assert set(findings) == {"evidence-missing"}
    assert findings["evidence-missing"]["evidence"]["kind"] == "limits"


@pytest.mark.parametrize("changes, expected", [
    ({}, "podman update --memory=512m --memory-swap=512m -- web"),
    ({"user": "alice"}, "sudo -iu alice -- podman update --memory=512m --memory-swap=512m -- web"),
    ({"memory__usage": {"peak": 1000 * MIB}}, "podman update --memory=1536m --memory-swap=1536m -- web"),
    ({"manager": {"kind": "quadlet", "unit": "web.service"}}, "PodmanArgs=--memory=512m --memory-swap=512m"),
    ({"manager": {"kind": "quadlet", "unit": "web.service"}, "user": "alice"}, "systemctl --user daemon-reload"),
    ({"manager": {"kind": "compose", "unit": None}}, "compose file"),
    ({"name": "a b\x1b"}, "podman update --memory=512m --memory-swap=512m -- " + "c" * 64),
])
def test_remedy_can_be_pasted(container, facts, changes, expected):
    bare = {"memory__declared__limit": None, "memory__effective__limit": None}
    remedy = rules(facts(container(**bare, **changes)))["memory-limit-missing"]["remedy"]
    assert expected in remedy
    assert "\x1b" not in remedy


@pytest.mark.parametrize("manager, expected", [
    ({"kind": "none", "unit": None}, "memory.container_memory -a '{\"name\": \"web\", \"user\": \"root\", \"oom_group\": true}'"),
    ({"kind": "compose", "unit": None}, "compose file"),
    ({"kind": "systemd", "unit": "web.service"}, "put --cgroup-conf=memory.oom.group=1 into the podman run of web.service"),
])
def test_the_remedy_for_the_group_is_the_module(container, facts, manager, expected):
    remedy = rules(facts(container(manager=manager, memory__effective__oom_group=False)))["oom-group-mismatch"]["remedy"]
    assert expected in remedy and "\nansible -b -m podman_fleet" in remedy and remedy.splitlines()[1].endswith(" -- h")
