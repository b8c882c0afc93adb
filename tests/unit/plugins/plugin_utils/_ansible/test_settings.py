# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which facts would change settings, and which variables the roles and playbooks read."""

from __future__ import annotations

import pathlib
import re

import pytest

pytest.importorskip("ansible")
yaml = pytest.importorskip("yaml")

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._ansible.settings import (  # noqa: E402
    Intrusion,
    find_intrusions,
    intrusions,
    is_setting,
    names_read,
    refusal,
)

ROOT = pathlib.Path(__file__).parents[5]
ROLES = sorted(path for path in (ROOT / "roles").iterdir())


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_all_variables_of_a_role_are_settings(role):
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    assert all(is_setting(name) for spec in specs.values() for name in spec["options"])
    used = set(re.findall(r"\b__\w+", "".join(path.read_text(encoding="utf-8") for path in role.rglob("*.yml"))))
    assert all(is_setting(name) for name in used)


def test_each_role_and_each_playbook_begins_with_the_check():
    for path in [role / "tasks" / "main.yml" for role in ROLES] + [ROOT / "roles" / "oom_audit" / "tasks" / "merge.yml"]:
        first = yaml.safe_load(path.read_text(encoding="utf-8"))[0]
        assert "podman_fleet.memory.settings_check" in (first["block"][0] if path.parts[-3] == "cgroup_v2" else first), path
    for path in (ROOT / "playbooks").glob("*.yml"):
        play = yaml.safe_load(path.read_text(encoding="utf-8"))[0]
        first = (play.get("pre_tasks") or play["tasks"])[0]
        # two import the role without its own validation; prepare looks before that whether it is to go on (tests/playbooks/test_prepare.py)
        assert "podman_fleet.memory.settings_check" in first or path.stem in ("audit", "enforce", "prepare"), path


@pytest.mark.parametrize("name", ["podman_oom", "podman_cgroup", "ansible_distribution", "oom_audi", "my_oom_audit_since", "awx"])
def test_other_facts_are_none(name):
    assert not is_setting(name) and not intrusions([name], {})


VARIABLES = {
    "oom_audit_webhook_url": "https://{{ chat.host }}/{{ lookup('ansible.builtin.env', 'HOOK') }}",
    "chat": {"host": "{{ 'a' if site == 'b' else lookup('vars', 'chat_b') }}"},
    "podman_memory_policy": {"rules": [{"memory": {"max": "{% if big %}{{ most }}{% endif %}"}}]},
    "oom_audit_reports": "{{ ansible_facts.hostname }}", "ansible_facts": {"x": "{{ never }}"},
    "unrelated": "{{ other }}", "most": "{{ evil }}", "oom_audit_since": "{{ broken",
}


def test_what_settings_read():
    read = names_read(VARIABLES, {"most": "{{ evil }}"})
    assert {"chat", "site", "chat_b", "big", "most"} <= set(read)
    assert not {"other", "never", "evil"} & set(read)
    assert (read["site"], read["most"]) == ("oom_audit_webhook_url", "podman_memory_policy")


def test_facts_that_settings_read():
    read = names_read(VARIABLES, {})
    assert intrusions(["site", "role", "ansible_facts", "hostname", "__awx_about"], read) == [
        Intrusion("__awx_about", None), Intrusion("site", "oom_audit_webhook_url")]


class HostVars:
    """Ansible's variables of hosts, with their facts."""

    def __init__(self, facts, variables):
        self._fact_cache, self._variables = facts, variables
        self._variable_manager = self

    def raw_get(self, host):
        return {**self._variables, **self._fact_cache.get(host, {})}


def found(facts, variables, hosts=("a", "b", "c")):
    hostvars = HostVars(facts, variables)
    return {host: [each.fact for each in bad] for host, bad in find_intrusions(
        {**hostvars.raw_get("a"), "inventory_hostname": "a", "hostvars": hostvars}, list(hosts)).items()}


def test_what_one_host_hides_is_seen_in_the_next_one():
    variables = {"oom_audit_webhook_url": "{{ chat }}", "chat": "{{ site }}"}
    assert found({"b": {"site": 1}}, variables) == {"b": ["site"]}
    assert found({"a": {"oom_audit_webhook_url": 1}, "b": {"site": 1}}, variables) == {"a": ["oom_audit_webhook_url"], "b": ["site"]}
    assert found({"a": {"oom_audit_webhook_url": 1}, "b": {"chat": 1}, "c": {"site": 1}}, variables) == {
        "a": ["oom_audit_webhook_url"], "b": ["chat"], "c": ["site"]}
    assert found({"a": {"role": "db"}}, variables) == {}


def test_the_message_is_bounded_and_harmless():
    bad = [Intrusion("oom_audit_%d\x1b[2J" % number, None) for number in range(1000)]
    text = refusal({"h%03d\n" % number: bad for number in range(500)})
    assert len(text) < 4000 and "\x1b" not in text and "and 995 more" in text and "and 490 hosts" not in text
    assert "and 490 more hosts" in text
