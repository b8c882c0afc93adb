# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings in the facts of a host: of a fact cache, and of a module in the same run.

The playbooks refuse them before anything else; audit and enforce refuse the host, and go on with the others.
"""

from __future__ import annotations

import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import threading

import pytest

pytest.importorskip("ansible")

ROOT = pathlib.Path(__file__).parents[2]
# Any module's result may have facts: the host writes it.
MODULE = '''#!/usr/bin/python
DOCUMENTATION = """
module: says
short_description: stand-in
description: Stand-in.
options: {facts: {type: dict, description: what a host says}}
"""
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule(argument_spec={"facts": {"type": "dict"}})
module.exit_json(ansible_facts=module.params["facts"])
'''
PLAYBOOKS = ("merge", "schedule", "report", "awx")  # that end; the others go on without the host (prepare: test_prepare.py)
SAYS = """
- hosts: "{{ who }}"
  gather_facts: false
  tasks:
    - says: {facts: "{{ facts }}"}
"""
SAME_RUN = SAYS + """
- hosts: first,second
  gather_facts: false
  roles: [podman_fleet.memory.oom_audit]
"""


class Fleet:
    """Three hosts and localhost, all on this machine, with a fact cache between runs."""

    def __init__(self, path):
        self.path, self.reports = path, path / "reports"
        tree = path / "tree" / "ansible_collections" / "podman_fleet"
        tree.mkdir(parents=True)
        (tree / "memory").symlink_to(ROOT)
        (path / "library").mkdir()
        (path / "library" / "says.py").write_text(MODULE, encoding="ascii")
        (path / "says.yml").write_text(SAYS, encoding="ascii")
        (path / "same_run.yml").write_text(SAME_RUN, encoding="ascii")
        self.settle()

    def settle(self, everywhere=None, **hosts):
        """Write the inventory: variables of all hosts, and of single ones."""
        variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "podman_memory_become": False,
                     "oom_audit_since": "1m", "oom_audit_formats": [], **(everywhere or {})}
        (self.path / "inventory.json").write_text(json.dumps({"all": {
            "vars": variables, "hosts": {name: hosts.get(name, {}) for name in ("localhost", "first", "second", "third")}}}), encoding="ascii")

    def run(self, playbook, *arguments, **variables):
        """Return (exit code, standard output)."""
        env = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        env.update(ANSIBLE_COLLECTIONS_PATH=str(self.path / "tree"), ANSIBLE_HOME=str(self.path / "home"), ANSIBLE_LIBRARY=str(self.path / "library"),
                   ANSIBLE_CACHE_PLUGIN="jsonfile", ANSIBLE_CACHE_PLUGIN_CONNECTION=str(self.path / "facts"), COLUMNS="120",
                   PYTHONDONTWRITEBYTECODE="1")
        done = subprocess.run(
            [sys.executable, "-m", "ansible", "playbook", "-i", "inventory.json", playbook, "-e", json.dumps(variables), *arguments],
            cwd=str(self.path), env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=180, check=False)
        return done.returncode, done.stdout.decode()

    def cache(self, who, **facts):
        """Let a host say something in an earlier run."""
        code, output = self.run("says.yml", who=who, facts=facts)
        assert code == 0, output


@pytest.fixture
def fleet(tmp_path):
    return Fleet(tmp_path)


@pytest.fixture
def thief():
    """A web server of the host that isn't ours any more: (its address, what was sent to it)."""
    taken = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):  # pylint: disable=invalid-name
            taken.append(self.headers["Authorization"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments):  # pylint: disable=arguments-differ
            pass
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield "127.0.0.1:%d" % server.server_port, taken
    server.shutdown()
    server.server_close()


def assert_refused(code, output, *expected):
    told = " ".join(output.split())
    assert code == 2, output
    assert "Facts of a host must not set what the fleet's owner sets" in told, output
    for text in expected:
        assert text in told, output


def assert_left_out(code, output, reports, host, expected, checked):
    """A host is failed and in the report as not asked; the others are checked."""
    told = " ".join(output.split())
    assert code == 2 and "fatal: [%s]" % host in output, output
    assert "Facts of a host must not set what the fleet's owner sets" in told and "host %s: %s" % (host, expected) in told, output
    report = json.loads((reports / "latest" / "report.json").read_text(encoding="ascii"))
    assert {each["name"]: each["status"] != "not_checked" for each in report["hosts"]} == {**dict.fromkeys(checked, True), host: False}
    entry = [each for each in report["hosts"] if each["name"] == host][0]
    assert (entry["kind"], entry["reason"]) == (
        "bad_facts", "not asked: its facts must not set what the fleet's owner sets: " + expected)


TOKEN = {"oom_audit_webhook_headers": {"Authorization": "Bearer s3cret"}}


def test_cached_facts_get_neither_the_token_nor_a_report(fleet, thief):
    address, taken = thief
    fleet.settle({**TOKEN, "oom_audit_webhook_url": "http://127.0.0.1:1/"})
    fleet.cache("first", oom_audit_webhook_url="http://" + address, oom_audit_reports=str(fleet.path / "elsewhere"))
    code, output = fleet.run("podman_fleet.memory.audit", "--limit", "first,second")
    assert not taken and "s3cret" not in output and not (fleet.path / "elsewhere").exists()
    assert_left_out(code, output, fleet.reports, "first", "oom_audit_reports, oom_audit_webhook_url", ["second"])
    assert re.search(r"^second +: ok=\d+ .*failed=[01] ", output, re.M), output
    # what the message proposes
    assert fleet.run("podman_fleet.memory.audit", "--limit", "second", oom_audit_webhook_url="")[0] == 0
    assert fleet.run("podman_fleet.memory.audit", "--limit", "first", "--flush-cache", oom_audit_webhook_url="")[0] == 0


def test_facts_of_the_same_run_do_not_either(fleet, thief):
    address, taken = thief
    fleet.settle({**TOKEN, "oom_audit_webhook_url": "http://127.0.0.1:1/"})
    code, output = fleet.run("same_run.yml", who="first", facts={"oom_audit_webhook_url": "http://" + address, "hostvars": {}, "vars": {}})
    assert not taken
    assert_left_out(code, output, fleet.reports, "first", "oom_audit_webhook_url", ["second"])


def test_nor_does_a_fact_that_a_setting_reads(fleet, thief):
    address, taken = thief
    fleet.settle({**TOKEN, "oom_audit_webhook_url": "{{ chat }}/hook", "chat": "http://{{ lookup('vars', 'chat_host') }}", "chat_host": "127.0.0.1:1"})
    fleet.cache("first", chat_host=address)
    code, output = fleet.run("podman_fleet.memory.audit", "--limit", "first,second")
    assert not taken
    assert_left_out(code, output, fleet.reports, "first", "chat_host (read by oom_audit_webhook_url)", ["second"])


def test_nor_with_the_help_of_another_host_that_hides_the_setting(fleet, thief):
    """The template that reads the fact is not to be seen among the first host's variables."""
    address, taken = thief
    fleet.settle({**TOKEN, "oom_audit_webhook_url": "http://{{ chat_host }}/hook", "chat_host": "127.0.0.1:1"})
    fleet.cache("first", oom_audit_webhook_url="http://127.0.0.1:1/", chat_host="x")
    fleet.cache("second", chat_host=address)
    code, output = fleet.run("podman_fleet.memory.audit", "--limit", "first,second,third")
    assert code == 2 and not taken, output
    report = json.loads((fleet.reports / "latest" / "report.json").read_text(encoding="ascii"))
    assert {each["name"] for each in report["hosts"] if each["status"] == "not_checked"} == {"first", "second"}


def test_where_all_hosts_do_it_nothing_is_done(fleet):
    fleet.cache("first:second", oom_audit_users=["root"])
    code, output = fleet.run("podman_fleet.memory.audit", "--limit", "first,second")
    assert_refused(code, output, "host first: oom_audit_users", "host second: oom_audit_users")
    assert "Validate the settings" not in output and not fleet.reports.exists()


def test_a_fact_makes_no_report_one_of_a_part_of_the_fleet(fleet):
    fleet.cache("first", ansible_limit="second")
    code, output = fleet.run("podman_fleet.memory.audit", podman_memory_hosts="first,second")
    assert code == 0, output
    report = json.loads((fleet.reports / "latest" / "report.json").read_text(encoding="ascii"))
    assert report["run"]["limit"] is None and report["trend"][0]["limit"] is None
    assert fleet.run("podman_fleet.memory.audit", "--limit", "second")[0] == 0
    assert json.loads((fleet.reports / "latest" / "report.json").read_text(encoding="ascii"))["run"]["limit"] == "second"


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_each_playbook_refuses_them_first(fleet, playbook):
    fleet.cache("localhost:second", podman_memory_anything=1, __cgroup_v2_disturbed=True)
    code, output = fleet.run("podman_fleet.memory." + playbook, podman_memory_merge_slices="nowhere", oom_audit_webhook_url="no address")
    assert_refused(code, output, ": __cgroup_v2_disturbed, podman_memory_anything")
    assert output.count("TASK [") == 1 and "ok: [" not in output, output


def test_the_recorder_comes_to_the_other_hosts(fleet):
    fleet.cache("second", oom_recorder_state="absent")
    code, output = fleet.run("podman_fleet.memory.schedule", "--tags", "recorder", "--check", "--limit", "first,second,third")
    assert_refused(code, output, "host second: oom_recorder_state")
    recorder = output.partition("TASK [podman_fleet.memory.oom_recorder : Ensure that the recorder is present or absent]")[2]
    assert "[first]" in recorder and "[third]" in recorder and not re.search(r": \[second\]", recorder), output


def test_a_host_by_itself_or_those_of_a_report(fleet):
    (fleet.path / "both.yml").write_text(SAME_RUN.partition("- hosts: first")[0] + """
- hosts: first
  gather_facts: false
  tasks: [{podman_fleet.memory.settings_check: {scope: host, leave_out: audit}}]
""", encoding="ascii")
    code, output = fleet.run("both.yml", who="first", facts={})
    assert code == 2 and "leave_out: goes with scope=play only" in output, output


@pytest.mark.parametrize("name", ["lookup", "query"])
def test_a_fact_does_not_take_the_place_of_a_function(fleet, name):
    fleet.cache("first", **{name: "x"})
    assert_refused(*fleet.run("podman_fleet.memory.audit", "--limit", "first"), "host first: %s (read by every lookup)" % name)


@pytest.mark.parametrize("liar, others", [("first", ["second", "third"]), ("third", ["first", "second"])])
def test_enforcement_goes_on_one_at_a_time(fleet, liar, others):
    fleet.cache(liar, memory_policy_settings="nothing")
    code, output = fleet.run("podman_fleet.memory.enforce", "--limit", "first,second,third", "--check", podman_memory_serial=1)
    assert code == 2 and "host %s: memory_policy_settings" % liar in " ".join(output.split()), output  # 2.16 wraps warnings
    assert "%s: bad facts: not asked: its facts must not set what the fleet's owner sets: memory_policy_settings" % liar in output, output
    assert "Podman memory policy  3 hosts" in output
    assert "ok: [%s]\n" % liar not in output.split("PLAY [Mark")[0], output
    for host in others:
        assert re.search(r"^%s +: ok=\d+ .*failed=0 " % host, output, re.M), output
    assert re.search(r"^%s +: ok=\d+ .*failed=1 " % liar, output, re.M), output


def test_enforcement_goes_on_with_all_at_once(fleet):
    fleet.cache("first", memory_policy_settings="nothing")
    code, output = fleet.run("podman_fleet.memory.enforce", "--limit", "first,second,third", "--check")
    assert code == 2 and "Podman memory policy  3 hosts" in output and "first: bad facts: not asked: its facts must" in output, output
    assert len(re.findall(r"^(?:second|third) +: ok=\d+ .*failed=0 ", output, re.M)) == 2, output


SERIAL = """
- hosts: first,second,third
  gather_facts: false
  serial: 1
  roles: [podman_fleet.memory.oom_audit]
"""


def test_an_audit_in_batches_has_a_report_where_ansible_ends_the_play(fleet):
    (fleet.path / "serial.yml").write_text(SERIAL, encoding="ascii")
    fleet.cache("second", oom_audit_users=["root"])
    code, output = fleet.run("serial.yml")
    assert code == 2, output
    report = json.loads((fleet.reports / "latest" / "report.json").read_text(encoding="ascii"))
    assert {each["name"]: each.get("kind") for each in report["hosts"]} == {"first": None, "second": "bad_facts", "third": "waiting"}


OWNERS = """
- hosts: first,second
  gather_facts: false
  vars: {oom_audit_formats: [csv]}
  tasks:
    - set_fact: {oom_audit_keep: 7}
    - import_role: {name: podman_fleet.memory.oom_audit}
"""


def test_what_the_owner_says_is_taken(fleet):
    """Variables of the inventory, of single hosts and of a play, set_fact, --extra-vars; and facts that are no settings."""
    fleet.settle({"oom_audit_executable": "{{ ansible_facts['podman'] | default('podman') }}"}, first={"oom_audit_users": ["root"]})
    fleet.cache("first:second", ansible_role="db", role="db", podman_oom={"containers": []})
    (fleet.path / "owners.yml").write_text(OWNERS, encoding="ascii")
    code, output = fleet.run("owners.yml", oom_audit_reports="mine")
    assert code == 0, output
    assert (fleet.path / "mine" / "latest" / "report.csv").exists()


# what the hosts say: by the cache of an earlier run, as a result in this one, and as set_fact
OF_INVENTORY = """
- hosts: first,second
  gather_facts: false
  tasks:
    - says: {facts: {tier: prod, size: 9}}
    - set_fact: {tier: prod, cacheable: false}
    - set_fact: {zone: "{{ 'x' }}"}
    - debug: {msg: prod}
      register: kept
    - podman_fleet.memory.policy_check:
      run_once: true
    - podman_fleet.memory.policy_explain: {report: report.json, container: web}
      run_once: true
      register: explained
    - copy: {content: "{{ explained.explained | to_json }}", dest: explained.json}
      run_once: true
"""
OF_POLICY = {"host_variables": ["tier", "size", "zone", "kept", "template", "day"], "rules": [
    {"name": "tier", "match": "host.vars.tier == 'test'", "memory": {"default": "10%"}},
    {"name": "size", "match": "host.vars.size > `4`", "memory": {"min": "5%"}},
    {"name": "zone", "match": "host.vars.zone || host.vars.kept", "severity": "low"},
    {"name": "template", "match": "host.vars.template == 'test-1'", "memory": {"required": True}},
    {"name": "db", "match": "contains(host.groups, 'db') && !contains(host.groups, 'all')", "oom_group": True}]}


def lay_inventory(fleet, **variables):
    """Two hosts in groups, with variables of the group and next to the inventory."""
    fleet.settle(first={"size": 2})
    inventory = json.loads((fleet.path / "inventory.json").read_text(encoding="ascii"))
    inventory["all"]["children"] = {"db": {"hosts": {"first": {}}, "vars": {"tier": "test", "template": "{{ tier }}-1", **variables}}, "web": {
        "hosts": {"second": {}}, "vars": {"tier": "edge", "size": 8}}}
    (fleet.path / "inventory.json").write_text(json.dumps(inventory), encoding="ascii")
    (fleet.path / "of_inventory.yml").write_text(OF_INVENTORY, encoding="ascii")
    report = json.loads((ROOT / "tests" / "unit" / "fixtures" / "report" / "debian13-podman5.4.2.json").read_text(encoding="ascii"))
    web = {"id": "c" * 64, "name": "web", "user": "root", "labels": {}}
    report.update(findings=[], hosts=[{**report["hosts"][0], "name": name, "facts": {"host": {
        "memory_total": 1 << 30, "groups": ["db"], "vars": {"tier": "test"}}, "containers": [web]}} for name in ("first", "second", "gone")])
    (fleet.path / "report.json").write_text(json.dumps(report), encoding="ascii")


def test_a_policy_knows_the_inventory_and_not_what_hosts_say(fleet):
    lay_inventory(fleet)
    fleet.cache("first:second", tier="prod", size=9, zone="a")
    code, output = fleet.run("of_inventory.yml", podman_memory_policy=OF_POLICY)
    assert code == 0, output
    told = {each["host"]: {key: value["value"] for key, value in each["decision"].items() if value["value"] is not None}
            for each in json.loads((fleet.path / "explained.json").read_text(encoding="ascii"))}
    assert told == {"first": {"default": 107374182, "required": True, "oom_group": True}, "second": {"min": 53687091}, "gone": {}}
    assert "no host of this play has the variable day in the inventory" in " ".join(output.split())


def test_a_variable_that_needs_facts_is_an_error_before_any_host_is_asked(fleet):
    lay_inventory(fleet, tier="{{ ansible_facts.tier }}")
    fleet.cache("first", tier="test")
    code, output = fleet.run("podman_fleet.memory.audit", podman_memory_policy=OF_POLICY, podman_memory_hosts="first,second")
    assert code == 2, output
    assert "host_variables of the policy: tier of host first can't be had from the inventory" in " ".join(output.split()), output
    assert "Look at the containers" not in output and not fleet.reports.exists()


@pytest.mark.parametrize("playbook", ["audit", "enforce"])
def test_playbooks_take_it_from_the_inventory(fleet, playbook):
    lay_inventory(fleet)
    code, output = fleet.run("podman_fleet.memory." + playbook, podman_memory_policy={**OF_POLICY, "host_variables": OF_POLICY["host_variables"][:5]},
                             podman_memory_hosts="first,second")
    assert code == 0, output
