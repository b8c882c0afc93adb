# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on a host as a whole: cgroup-v1 where it matters, host-overcommitted."""

from __future__ import annotations

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.parse import parse_policy
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.host import host_findings

MIB = 1024 ** 2


def summaries(facts, **host):
    return {finding["rule"]: finding["summary"] for finding in host_findings("h", facts, parse_policy({"host": host}, "test"))}


@pytest.fixture
def fleet(container, facts):
    """Return a function that makes a host of 100 MiB with containers (limit in MiB or None, changes)."""
    def make(*parts, total=100 * MIB):
        made = []
        for number, (limit, changes) in enumerate(parts):
            limit = limit and limit * MIB
            one = container(memory__effective__limit=limit, memory__declared__limit=limit)
            one.update(id="%064x" % number)
            one["memory"]["effective"]["source"] = "/machine.slice/libpod-%064x.scope" % number
            one["state"]["status"] = changes.get("status", "running")
            if "source" in changes:
                one["memory"]["effective"]["source"] = changes["source"]
            if changes.get("unknown"):
                one["memory"]["effective"] = None
            made.append(one)
        return facts(*made, host={"cgroup_version": 2, "memory_total": total})
    return make


def test_overcommitted(fleet):
    findings = summaries(fleet((60, {}), (40, {})), max_committed_share=0.9)
    assert findings == {"host-overcommitted": "limits of 2 running containers together are 100 MiB, 100 % of the host's "
                        "100 MiB (at most 90 %)"}


@pytest.mark.parametrize("parts, committed", [
    ([(60, {}), (30, {})], 90), ([(60, {}), (80, {"status": "exited"})], 60), ([(60, {}), (None, {})], 60),
    # a limit of a pod is one for all of it
    ([(60, {"source": "/pod.slice"}), (60, {"source": "/pod.slice"})], 60),
    # declared at least
    ([(60, {"unknown": True})], 60),
])
def test_what_counts(fleet, parts, committed):
    facts = fleet(*parts)
    assert not summaries(facts, max_committed_share=committed / 100)
    assert summaries(facts, max_committed_share=committed / 100 - 0.01)


def test_what_a_user_declares_and_nothing_enforces_is_no_limit(fleet):
    facts = fleet((60, {}), (2 ** 40, {"unknown": True}))
    facts["containers"][1]["user"] = "alice"
    assert not summaries(facts, max_committed_share=0.6)


def test_those_without_a_limit_are_told(fleet):
    findings = host_findings("h", fleet((95, {}), (None, {})), parse_policy({"host": {"max_committed_share": 0.9}}, "test"))
    assert findings[0]["evidence"]["without_limit"] == 1 and "1 container more without a known limit" in findings[0]["detail"]


@pytest.mark.parametrize("total", [None, 0])
def test_a_host_of_unknown_size(fleet, total):
    assert not summaries(fleet((95, {}), total=total), max_committed_share=0.1)


def test_not_asked_for(fleet):
    assert not summaries(fleet((95, {}), (95, {})))


@pytest.mark.parametrize("required, expected", [(True, {"cgroup-v1"}), (False, set())])
def test_cgroup_v1(facts, required, expected):
    assert set(summaries(facts(host={"cgroup_version": 1}), require_cgroup_v2=required)) == expected


def test_the_remedy_for_cgroup_v1_edits_no_file_by_itself(facts):
    """A pasted sed broke GRUB_CMDLINE_LINUX_DEFAULT='quiet splash systemd.unified_cgroup_hierarchy=0'."""
    finding, = host_findings("web1", facts(host={"cgroup_version": 1}), parse_policy(None, "test"))
    commands = [line for line in finding["remedy"].splitlines() if not line.startswith("#")]
    assert commands == ["ansible-playbook podman_fleet.memory.prepare --check --diff --limit=web1"]
