# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook awx, with a stand-in for awx.awx that has its recorded argument specs and writes down what it is told."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("ansible")

ROOT = pathlib.Path(__file__).parents[2]
SPECS = json.loads((ROOT / "tests" / "unit" / "awx" / "awx.awx-24.6.1.json").read_text(encoding="ascii"))
MODULE = """
import json, os
from ansible.module_utils.basic import AnsibleModule
SPEC = json.loads(%r)
module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
told = {key: value for key, value in module.params.items() if value is not None}
with open(os.environ["AWX_TOLD"], "a") as stream:
    stream.write(json.dumps([%r, told]) + chr(10))
module.exit_json(changed=True)
"""
SETTINGS = {
    "awx_name": "Memory", "awx_organization": "Ops",
    "awx_scm_url": "https://git.example.com/memory.git", "awx_image": "registry.example.com/ee:1",
    "awx_credentials": ["machines"], "awx_slices": 3,
    "awx_rrule": "DTSTART:20260101T031700Z RRULE:FREQ=DAILY;INTERVAL=1",
    "awx_extra_vars": {"oom_audit_since": "2d"},
    "awx_notification": {"type": "webhook", "configuration": {"url": "https://example.com"}},
}


class Awx:
    """Runs the playbook in a directory of its own."""

    def __init__(self, path):
        self.path = path
        self.told = path / "told"
        (path / "tree" / "ansible_collections" / "podman_fleet").mkdir(parents=True)
        (path / "tree" / "ansible_collections" / "podman_fleet" / "memory").symlink_to(ROOT)

    def install(self):
        """Put the stand-in where Ansible looks for collections."""
        folder = self.path / "tree" / "ansible_collections" / "awx" / "awx"
        (folder / "plugins" / "modules").mkdir(parents=True)
        (folder / "MANIFEST.json").write_text(json.dumps({"collection_info": {
            "namespace": "awx", "name": "awx", "version": SPECS["version"], "dependencies": {}}}), encoding="ascii")
        for name, spec in SPECS["modules"].items():
            (folder / "plugins" / "modules" / (name + ".py")).write_text(MODULE % (json.dumps(spec), name), encoding="ascii")

    def run(self, *words, **changes):
        """Return (exit code, output in one line)."""
        env = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        # alone: awx.awx of this machine, should it be installed, is not asked
        env.update(ANSIBLE_COLLECTIONS_PATH=str(self.path / "tree"), ANSIBLE_COLLECTIONS_SCAN_SYS_PATH="false",
                   ANSIBLE_HOME=str(self.path / "home"), ANSIBLE_LOCALHOST_WARNING="false", AWX_TOLD=str(self.told),
                   PYTHONDONTWRITEBYTECODE="1")
        done = subprocess.run(
            [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "podman_fleet.memory.awx",
             "-e", json.dumps({**SETTINGS, "ansible_python_interpreter": sys.executable, **changes}), *words],
            cwd=str(self.path), env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=300, check=False)
        return done.returncode, " ".join(done.stdout.decode().split())

    def calls(self):
        """Return [(module, arguments)] in order."""
        return [json.loads(line) for line in self.told.read_text(encoding="ascii").splitlines()]


@pytest.fixture
def awx(tmp_path):
    return Awx(tmp_path)


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """Return what AWX was told to have."""
    awx = Awx(tmp_path_factory.mktemp("awx"))
    awx.install()
    code, output = awx.run()
    assert code == 0, output
    return awx.calls()


def test_present(calls):
    # what others refer to comes before them
    assert [module for module, _args in calls] == [
        "notification_template", "execution_environment", "project", "inventory", "inventory_source",
        "job_template", "job_template", "job_template", "schedule"]
    assert {args["organization"] for _module, args in calls} == {"Ops"}
    assert {args["state"] for _module, args in calls} == {"present"}
    names = {args["name"] for _module, args in calls}
    assert names == {"Memory", "Memory: failure", "Memory: audit", "Memory: enforce", "Memory: prepare"}
    told = {(module, args["name"]): args for module, args in calls}
    assert told["project", "Memory"]["scm_url"] == SETTINGS["awx_scm_url"]
    assert "scm_branch" not in told["project", "Memory"] and "credential" not in told["project", "Memory"]
    source = told["inventory_source", "Memory"]
    assert (source["source"], source["source_project"], source["source_path"]) == ("scm", "Memory", "inventory.yml")
    schedule = told["schedule", "Memory: audit"]
    assert (schedule["unified_job_template"], schedule["rrule"]) == ("Memory: audit", SETTINGS["awx_rrule"])


def test_job_templates(calls):
    templates = {args["name"].split(": ")[1]: args for module, args in calls if module == "job_template"}
    assert {name: each["job_type"] for name, each in templates.items()} == {
        "audit": "run", "enforce": "check", "prepare": "check"}
    assert {name: each["playbook"] for name, each in templates.items()} == {
        name: "playbooks/%s.yml" % name for name in templates}
    assert [templates[name]["job_slice_count"] for name in ("audit", "enforce", "prepare")] == [3, 1, 1]
    for each in templates.values():
        assert each["notification_templates_error"] == ["Memory: failure"]
        assert each["credentials"] == ["machines"] and each["extra_vars"] == {"oom_audit_since": "2d"}
        assert each["ask_limit_on_launch"] and each["survey_enabled"] and each["survey_spec"]["spec"]
        assert "limit" not in each and each["execution_environment"] == "Memory"


def test_another_source_and_no_notification(awx):
    awx.install()
    code, output = awx.run(awx_source="ec2", awx_source_vars={"regions": ["eu"]},
                           awx_notification={})
    assert code == 0, output
    told = dict(awx.calls())
    assert "notification_template" not in told
    assert told["inventory_source"]["source_vars"] == {"regions": ["eu"]}
    assert "source_project" not in told["inventory_source"] and "source_path" not in told["inventory_source"]
    assert told["project"]["notification_templates_error"] == []


def test_absent_takes_users_of_a_thing_before_the_thing(awx):
    awx.install()
    code, output = awx.run(awx_state="absent", awx_scm_url="", awx_image="")
    assert code == 0, output
    calls = awx.calls()
    assert [module for module, _args in calls] == [
        "job_template", "job_template", "job_template", "inventory", "project", "execution_environment", "notification_template"]
    assert {args["state"] for _module, args in calls} == {"absent"}


def test_what_is_missing_is_said_first(awx):
    awx.install()
    code, output = awx.run(awx_image="")
    assert code == 2 and "awx_image, the execution environment ('')" in output
    assert not awx.told.exists()


def test_without_awx_awx_there_is_a_clear_message(awx):
    code, output = awx.run()
    assert code == 2
    assert "The collection awx.awx is not installed on this controller" in output
    assert "ansible-galaxy collection install awx.awx" in output
    assert awx.run("--syntax-check")[0] == 0
