# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of the playbook prepare: who is touched, who is left alone, and what the end says.

The modules are stand-ins that say what a host in a certain state says; what they really do is tested on real hosts
(tests/integration/test_prepare.py). With a local connection Ansible refuses to reboot: a host that does not come back.
"""

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

# The first name in `users` says what the host is like.
CGROUP_FACTS = """
import json
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.podman_fleet.memory.plugins.module_utils._cgroup_v2.plan import list_blockers, plan_preparation
module = AnsibleModule(argument_spec={"users": {"type": "list"}, "timeout": {"type": "int"}}, supports_check_mode=True)
kind = module.params["users"][0]
def change(ident, argument=None):
    return {"id": ident, "what": ident, "why": "test", "argument": argument, "reboot": True, "users": [], "file": None,
            "configured": None}
changes = {"v1": [change("remove_argument", "x=0")], "old": [change("upgrade_kernel")]}.get(kind, [])
facts = json.loads(%r)
facts.update(changes_needed=changes, users=[], missing=[], v2_ready=not changes)
facts.update(plan=plan_preparation(facts), blockers=list_blockers(facts))
module.exit_json(ansible_facts={"podman_cgroup": facts})
"""
KERNEL_CMDLINE = """
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule(argument_spec={"present": {"type": "list"}, "absent": {"type": "list"}, "backup": {"type": "bool"},
                                      "timeout": {"type": "int"}}, supports_check_mode=True)
module.exit_json(changed=True, reboot_required=True)
"""
CONTAINER_DRAIN = """
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule(argument_spec={"state": {"type": "str"}, "users": {"type": "list"}, "timeout": {"type": "int"},
                                      "containers": {"type": "list"}, "wait": {"type": "int"},
                                      "required_users": {"type": "list"}, "crun_users": {"type": "list"}},
                       supports_check_mode=True)
hung = [{"user": "alice", "message": "alice: did not answer", "required": "alice" in module.params["required_users"]}]
module.exit_json(changed=False, containers=[], missing=[], runtimes=[], notes=["3 containers are stopped"], problems=hung)
"""
INVENTORY = """
all:
  vars: {ansible_connection: local, ansible_python_interpreter: "%s"}
  hosts:
    a-gone: {ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1, ansible_ssh_retries: 0}
    b-old: {cgroup_v2_users: [old]}
    c-ready: {cgroup_v2_users: [ready]}
    d-v1: {cgroup_v2_users: [v1]}
    e-v1: {cgroup_v2_users: [v1]}
    f-ready: {cgroup_v2_users: [ready]}
"""
TITLES = {"FAILED": "failed", "CANNOT": "cannot", "NEED A": "reboot", "NOT REACHED": "not reached", "NOT STARTED": "not started",
          "READY": "ready"}


@pytest.fixture(scope="module")
def prepare(tmp_path_factory):
    """Runs the playbook with stand-ins: prepare(*words) is (exit code, output, {host: state})."""
    path = tmp_path_factory.mktemp("prepare")
    memory = path / "tree" / "ansible_collections" / "podman_fleet" / "memory"
    (memory / "plugins" / "modules").mkdir(parents=True)
    for name in ("roles", "playbooks", "meta", "galaxy.yml", "plugins/action", "plugins/filter", "plugins/plugin_utils",
                 "plugins/module_utils", "plugins/modules/oom_facts.py", "plugins/modules/settings_check.py"):
        (memory / name).symlink_to(ROOT / name)
    real = json.dumps(cgroup_facts(Recorded("debian13", path / "recorded").snapshot()))
    for name, text in (("cgroup_facts", CGROUP_FACTS % real), ("kernel_cmdline", KERNEL_CMDLINE), ("container_drain", CONTAINER_DRAIN)):
        (memory / "plugins" / "modules" / (name + ".py")).write_text(text, encoding="ascii")
    (path / "inventory.yml").write_text(INVENTORY % sys.executable, encoding="ascii")

    def run(*words, playbook=memory / "playbooks" / "prepare.yml"):
        done = subprocess.run(
            [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", str(path / "inventory.yml"),
             str(playbook), "-e", "podman_memory_become=false", *words],
            env=dict(os.environ, HOME=str(path), ANSIBLE_COLLECTIONS_PATH=str(path / "tree"), ANSIBLE_NOCOLOR="1",
                     ANSIBLE_SSH_ARGS="-o ConnectTimeout=5", ANSIBLE_LOCAL_TEMP=str(path / "tmp")),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, check=False, timeout=300)
        return done.returncode, done.stdout, states(done.stdout)

    return run


def states(output):
    found, state = {}, None
    for line in re.findall(r'^ +"(.*?)",?$', output.partition("TASK [Show the summary]")[2], re.M):
        state = next((each for title, each in TITLES.items() if line.startswith(title)), state)
        if re.match(r"  [a-z]", line):
            found[line.strip()] = state
    return found


def test_nothing_is_rebooted_without_leave(prepare):
    code, output, told = prepare()
    assert told == {"a-gone": "cannot", "b-old": "cannot", "c-ready": "ready", "d-v1": "reboot", "e-v1": "reboot",
                    "f-ready": "ready"}, output
    assert code == 2, "hosts were left behind"
    assert "TASK [podman_fleet.memory.cgroup_v2 : Reboot]" not in output
    assert "upgrade_kernel: test" in output and "3 containers are stopped" in output
    assert "Failed to connect" in output.partition("TASK [Show the summary]")[2], "why it could not be reached"


def test_a_host_that_needs_a_reboot_is_no_failure(prepare):
    code, output, told = prepare("--limit", "c-ready,d-v1")
    assert (code, told) == (0, {"c-ready": "ready", "d-v1": "reboot"}), output


def test_it_stops_at_the_first_that_does_not_come_back(prepare):
    code, output, told = prepare("-e", "cgroup_v2_reboot_ok=true")
    assert told == {"a-gone": "cannot", "b-old": "cannot", "c-ready": "ready", "d-v1": "failed", "e-v1": "not started",
                    "f-ready": "not started"}, output
    assert code == 2
    assert "would reboot the control node" in output.partition("TASK [Show the summary]")[2]
    assert output.count("TASK [podman_fleet.memory.cgroup_v2 : Reboot]") == 1


def test_one_whose_containers_are_not_known_keeps_the_host_as_it_is(prepare):
    code, output, told = prepare("-e", "cgroup_v2_reboot_ok=true", "--limit", "c-ready,d-v1,e-v1",
                                 "-e", '{"cgroup_v2_users": ["v1", "alice"]}')
    assert (code, told) == (2, {"c-ready": "cannot", "d-v1": "cannot", "e-v1": "cannot"}), output
    assert "alice: did not answer (nothing was stopped" in output
    assert "Stop the containers]" not in output and "cgroup_v2 : Reboot]" not in output


FACTS = """
- hosts: e-v1
  gather_facts: false
  tasks:
    - set_fact: {cacheable: true, cgroup_v2_reboot_ok: true, cgroup_v2_timeout: x, cgroup_v2_status: {state: ready, why: []}}
"""


def test_a_host_whose_facts_are_settings_is_left_out(prepare, tmp_path, monkeypatch):
    """It gets no reboot by its own leave, and does not say of itself that it is ready; the others are looked at."""
    monkeypatch.setenv("ANSIBLE_CACHE_PLUGIN", "jsonfile")
    monkeypatch.setenv("ANSIBLE_CACHE_PLUGIN_CONNECTION", str(tmp_path / "facts"))
    (tmp_path / "facts.yml").write_text(FACTS, encoding="ascii")
    assert prepare(playbook=tmp_path / "facts.yml")[0] == 0
    code, output, told = prepare("--limit", "c-ready,d-v1,e-v1")
    assert (code, told) == (2, {"c-ready": "ready", "d-v1": "reboot", "e-v1": "cannot"}), output
    assert "must not set what the fleet's owner sets" in output.partition("TASK [Show the summary]")[2]
    assert "TASK [podman_fleet.memory.cgroup_v2 : Reboot]" not in output


def test_check_mode_reboots_nothing(prepare):
    code, output, told = prepare("--check", "-e", "cgroup_v2_reboot_ok=true", "--limit", "d-v1,e-v1")
    assert (code, told) == (0, {"d-v1": "reboot", "e-v1": "reboot"}), output
