# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that isn't ours any more answers each module with what Ansible acts upon: artifacts of the job, facts, inventory."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from recorded_hosts import Recorded

from ansible_collections.podman_fleet.memory.plugins.module_utils._cgroup_v2.facts import cgroup_facts

pytest.importorskip("ansible")

ROOT = pathlib.Path(__file__).parents[2]
TASKS = """
    - podman_fleet.memory.oom_facts: {}
    - podman_fleet.memory.cgroup_facts: {users: []}
    - podman_fleet.memory.container_memory: {containers: []}
    - podman_fleet.memory.container_defaults: {state: present}
    - podman_fleet.memory.container_drain: {state: stopped}
    - podman_fleet.memory.kernel_cmdline: {present: [quiet]}
    - podman_fleet.memory.oom_recorder: {state: present}
      register: registered
""".strip("\n")
PLAY = """
- hosts: liar
  gather_facts: false
  tasks:
""" + TASKS + """
- hosts: liar
  gather_facts: false
  tasks:
    - copy:
        content: "{{ {'facts': ansible_facts, 'groups': groups, 'registered': registered} | to_json }}"
        dest: "{{ playbook_dir }}/known.json"
      delegate_to: localhost
      vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""
FACTS = json.loads((ROOT / "tests" / "unit" / "fixtures" / "oom_audit" / "debian13-root.json").read_text(encoding="ascii"))
RECORDER = {"code": "/opt/podman-memory/0", "service": "a.service", "timer": "a.timer", "history": "/var/lib/h", "textfile": None}
# As set_stats, group_by and add_host put it, and with what a setting of ours would be.
ANSWER = {
    "changed": False, "msg": "fine", "containers": [], "recorder": RECORDER,
    "ansible_stats": {"per_host": False, "aggregate": False, "data": {"podman_memory_hosts": "evil"}},
    "add_host": {"host_name": "evil", "groups": ["evil"], "host_vars": {}}, "add_group": "evil", "parent_groups": ["all"],
    "results": [{"ansible_stats": {"data": {"in_a_loop": "evil"}}}], "ansible_job_id": "1", "surprise": 1,
}


class Liar:
    """One host whose interpreter prints an answer whatever it is asked."""

    def __init__(self, path):
        self.path = path
        self.cgroup = cgroup_facts(Recorded("debian13", path / "recorded").snapshot())
        facts = dict(FACTS, containers=["odd", *FACTS["containers"]])
        self.answer = dict(ANSWER, ansible_facts={"podman_oom": facts, "podman_cgroup": self.cgroup, "elsewhere": 1})
        tree = path / "tree" / "ansible_collections" / "podman_fleet"
        tree.mkdir(parents=True)
        (tree / "memory").symlink_to(ROOT)
        (path / "inventory.json").write_text(json.dumps({"all": {"hosts": {"liar": {
            "ansible_connection": "local", "ansible_python_interpreter": str(path / "liar")}}}}), encoding="ascii")

    def run(self, play, answer, *arguments):
        """Return (exit code, standard output)."""
        (self.path / "answer.json").write_text(json.dumps(answer), encoding="ascii")
        (self.path / "liar").write_text("#!/bin/sh\nexec cat %s\n" % (self.path / "answer.json"), encoding="ascii")
        (self.path / "liar").chmod(0o755)
        (self.path / "play.yml").write_text(play, encoding="ascii")
        env = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        env.update(ANSIBLE_COLLECTIONS_PATH=str(self.path / "tree"), ANSIBLE_HOME=str(self.path / "home"), ANSIBLE_SHOW_CUSTOM_STATS="true",
                   ANSIBLE_LOCALHOST_WARNING="false", COLUMNS="300", PYTHONDONTWRITEBYTECODE="1")
        done = subprocess.run([sys.executable, "-m", "ansible", "playbook", "-i", "inventory.json", "play.yml", *arguments],
                              cwd=str(self.path), env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=180, check=False)
        return done.returncode, done.stdout.decode()

    def known(self):
        """What Ansible took over of the answers."""
        return json.loads((self.path / "known.json").read_text(encoding="ascii"))


@pytest.fixture
def liar(tmp_path):
    return Liar(tmp_path)


def test_nothing_but_a_module_s_own_results_reaches_ansible(liar):
    code, output = liar.run(PLAY, liar.answer)
    assert code == 0, output
    assert "CUSTOM STATS" not in output
    known = liar.known()
    # the door has let in what is left of those facts
    assert sorted(known["facts"]) == ["podman_cgroup", "podman_oom"] and known["facts"]["podman_cgroup"] == liar.cgroup
    assert known["facts"]["podman_oom"]["containers"] == FACTS["containers"] and known["facts"]["podman_oom"]["errors"]
    assert known["groups"] == {"all": ["liar"], "ungrouped": ["liar"]}
    assert {"recorder", "msg", "changed", "failed"} <= set(known["registered"])
    assert not {"containers", "surprise", "ansible_stats", "ansible_facts", "results", "ansible_job_id"} & set(known["registered"])
    told = " ".join(output.split())
    assert told.count("dropped, the module does not return that") == 7, output
    assert "host liar: " in told and " ansible_facts.elsewhere, ansible_facts.podman_cgroup, ansible_job_id, ansible_stats, " in told


HOST_MODULES = """
- hosts: liar
  gather_facts: false
  tasks:
""" + "".join("    - {podman_fleet.memory.host_module: {name: %s, arguments: {%s}}, register: registered, ignore_errors: true}\n" % each for each in (
    ("command", "argv: [loginctl]"), ("file", "path: /x/y, state: directory"), ("copy", "dest: /x/y, content: z"), ("package", "name: crun"),
    ("systemd_service", "daemon_reload: true"))) + PLAY.partition("registered\n")[2]


def test_nor_do_those_of_ansible_s_own_modules(liar):
    code, output = liar.run(HOST_MODULES, liar.answer)
    assert code == 0 and "CUSTOM STATS" not in output, output
    known = liar.known()
    assert known["facts"] == {} and known["groups"] == {"all": ["liar"], "ungrouped": ["liar"]}
    assert known["registered"]["msg"] == "fine"
    assert not {"containers", "surprise", "ansible_stats", "ansible_facts", "results", "ansible_job_id"} & set(known["registered"])
    told = " ".join(output.split())
    for name in ("command", "file", "systemd_service"):
        assert "host liar: its answer to %s: ansible_stats: dropped" % name in told, output


@pytest.mark.parametrize("task", [
    "{podman_fleet.memory.kernel_cmdline: {present: [quiet]}, loop: [1, 2]}",
    "{podman_fleet.memory.kernel_cmdline: {present: [quiet]}, until: false, retries: 1, delay: 0, ignore_errors: true}",
    "{podman_fleet.memory.kernel_cmdline: {present: [quiet]}, check_mode: true, diff: true, run_once: true}",
    "{podman_fleet.memory.oom_facts: {}, become: true, become_user: root, become_method: su}",
    "{oom_facts: {}, collections: [podman_fleet.memory]}",
    "{podman_fleet.memory.cgroup_facts: {users: []}, delegate_to: liar, delegate_facts: true}",
])
def test_however_the_task_is_run(liar, task):
    code, output = liar.run("- {hosts: liar, gather_facts: false, tasks: [%s]}" % task, liar.answer)
    assert code == 0, output
    assert "CUSTOM STATS" not in output
    assert "host liar: " in output and "ansible_stats" in output


def test_no_result_goes_around_it(liar):
    """With async, Ansible would fetch the result itself, as that of async_status."""
    code, output = liar.run("- {hosts: liar, gather_facts: false, tasks: [{podman_fleet.memory.oom_facts: {}, async: 10, poll: 1}]}", liar.answer)
    assert code == 2 and re.search("does not support async|async is not supported", output), output


@pytest.mark.parametrize("stats", [1, [], {"data": 7}, {"data": {"a": 1}, "per_host": True}])
def test_no_host_ends_the_run_by_it(liar, stats):
    play = "- {hosts: liar, gather_facts: false, tasks: [{podman_fleet.memory.kernel_cmdline: {present: [quiet]}}, {debug: {msg: goes on}}]}"
    code, output = liar.run(play, dict(liar.answer, ansible_stats=stats))
    assert code == 0 and "goes on" in output and "CUSTOM STATS" not in output, output


@pytest.mark.parametrize("task, answer, message", [
    ("oom_facts: {}", {"ansible_facts": {"podman_oom": [["x"]]}}, "its answer is not podman_fleet.memory/facts/v1"),
    ("cgroup_facts: {}", {"ansible_facts": {"podman_cgroup": {}}}, "its answer is not podman_fleet.memory/cgroup/v1"),
    ("kernel_cmdline: {present: [quiet]}", {"reboot_required": "x"}, "its answer is not what kernel_cmdline returns: reboot_required is not"),
])
def test_an_answer_that_is_none_is_a_failure_of_that_host(liar, task, answer, message):
    play = "- {hosts: liar, gather_facts: false, tasks: [{podman_fleet.memory.%s}]}" % task
    code, output = liar.run(play, dict(answer, changed=False))
    assert code == 2 and message in output, output


def test_what_does_not_pass_is_told(liar):
    play = "- {hosts: liar, gather_facts: false, tasks: [{podman_fleet.memory.container_drain: {state: stopped}}]}"
    code, output = liar.run(play, {"changed": False, "containers": [{"id": "x"}], "notes": ["\u202ex"] * 5000}, "-v")
    told = " ".join(output.split())
    assert code == 0 and '"containers": []' in output and "\u202e" not in output, output
    assert "host liar: its answer to container_drain: containers.0.id is not a text of at most 64 characters" in told, output
    assert "notes has 5000 elements, of which the first 100 are kept" in told, output
