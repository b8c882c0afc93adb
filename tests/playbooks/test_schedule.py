# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook schedule in check mode: nothing of this machine is changed. What it really makes is tested on a virtual machine."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("ansible")

ROOT = pathlib.Path(__file__).parents[2]
NAME = "podman-memory-test-schedule"


FILES = """
- hosts: localhost
  gather_facts: false
  tasks:
    - include_role: {name: podman_fleet.memory.audit_schedule, tasks_from: files_present}
"""


class Schedule:
    """Runs the playbook in a directory of its own."""

    def __init__(self, path):
        self.path = path
        (path / "tree" / "ansible_collections" / "podman_fleet").mkdir(parents=True)
        (path / "tree" / "ansible_collections" / "podman_fleet" / "memory").symlink_to(ROOT)

    def run(self, *words, **variables):
        """Return (exit code, output) of the playbook in check mode."""
        return self._ansible_playbook("podman_fleet.memory.schedule", "--check", "--tags", "schedule", *words, **variables)

    def files(self, *words, **variables):
        """Write the script and its variables into a directory of the test; return (exit code, output)."""
        (self.path / "files.yml").write_text(FILES, encoding="ascii")
        return self._ansible_playbook("files.yml", *words, __audit_schedule_etc=str(self.path / "etc"), **variables)

    def lines(self, name):
        """Return the lines of a file that files() wrote."""
        return (self.path / "etc" / name).read_text(encoding="utf-8").splitlines()

    def _ansible_playbook(self, *words, **variables):
        env = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        env.update(ANSIBLE_COLLECTIONS_PATH=str(self.path / "tree"), ANSIBLE_HOME=str(self.path / "home"),
                   ANSIBLE_LOCALHOST_WARNING="false", PYTHONDONTWRITEBYTECODE="1")
        given = {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "podman_memory_become": False,
            "audit_schedule_name": NAME, "audit_schedule_inventory": "/etc/fleet/inventory.yml",
            "audit_schedule_reports": str(self.path / "reports"), **variables}
        done = subprocess.run(
            [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "--diff", "-e", json.dumps(given), *words],
            cwd=str(self.path), env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=300, check=False)
        return done.returncode, done.stdout.decode()


@pytest.fixture
def schedule(tmp_path):
    return Schedule(tmp_path)


def lines_of(output):
    """The lines that would be written."""
    return [line[1:] for line in output.splitlines() if line.startswith("+") and not line.startswith("+++")]


def test_cron(schedule):
    code, output = schedule.run(audit_schedule_backend="cron")
    assert code == 0, output
    assert "17 3 * * * root /bin/sh /etc/%s/run.sh" % NAME in lines_of(output)


def test_systemd(schedule):
    code, output = schedule.run(audit_schedule_wait=60, audit_schedule_run_timeout=100)
    assert code == 0, output
    lines = lines_of(output)
    assert "ExecStart=/bin/sh /etc/%s/run.sh" % NAME in lines and "SuccessExitStatus=75" in lines
    assert "OnCalendar=*-*-* 03:17:00" in lines and "TimeoutStartSec=280" in lines


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to root")


@needs_root
def test_the_script_and_its_variables(schedule):
    code, output = schedule.files(
        audit_schedule_environment={"ANSIBLE_COLLECTIONS_PATH": "/srv/collections"}, audit_schedule_arguments=["--limit", "it's"],
        audit_schedule_extra_vars={"oom_audit_keep": 5}, audit_schedule_wait=60)
    assert code == 0, output
    lines = schedule.lines("run.sh")
    assert "export ANSIBLE_COLLECTIONS_PATH=/srv/collections" in lines
    assert "flock --conflict-exit-code 75 --wait 60 9" in lines
    assert lines[lines.index('echo "pid $$ since $(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$lock"') + 2] == (
        "exec timeout --kill-after=60 21600 ansible-playbook --inventory /etc/fleet/inventory.yml --extra-vars @%s/vars.json "
        "--limit 'it'\"'\"'s' podman_fleet.memory.audit </dev/null" % (schedule.path / "etc"))
    # what the schedule's extra variables say comes first; templates before ansible-core 2.19 make text of numbers
    values = {name: int(value) for name, value in json.loads("\n".join(schedule.lines("vars.json"))).items() if name != "oom_audit_reports"}
    assert values == {"oom_audit_keep": 5, "oom_audit_keep_days": 90}
    code, output = schedule.files(
        audit_schedule_environment={"ANSIBLE_COLLECTIONS_PATH": "/srv/collections"}, audit_schedule_arguments=["--limit", "it's"],
        audit_schedule_extra_vars={"oom_audit_keep": 5}, audit_schedule_wait=60)
    assert code == 0 and "changed=0" in output, "a second time nothing changes"


@needs_root
@pytest.mark.parametrize("words", [(), ("--check",), ("-vvv",)])
def test_secrets_are_for_the_user_alone(schedule, words):
    secrets = {"audit_schedule_environment": {"VAULT_TOKEN": "s3cret"}, "audit_schedule_arguments": ["-e", "password=s3cret"],
               "audit_schedule_extra_vars": {"oom_audit_webhook_headers": {"Authorization": "Bearer s3cret"}}}
    # as it may be on a controller
    before = os.umask(0)
    try:
        code, output = schedule.files("-e", json.dumps(secrets), *words)
    finally:
        os.umask(before)
    assert code == 0, output
    assert "s3cret" not in output
    if "--check" not in words:
        etc = schedule.path / "etc"
        assert "s3cret" in (etc / "run.sh").read_text(encoding="utf-8") and "s3cret" in (etc / "vars.json").read_text(encoding="utf-8")
        assert {path.name: oct(path.stat().st_mode & 0o777) for path in etc.iterdir()} == {"run.sh": "0o500", "vars.json": "0o600"}


def test_absent(schedule):
    code, output = schedule.run(audit_schedule_state="absent")
    assert code == 0, output
    assert "changed=0" in output


@pytest.mark.parametrize("variables, problem", [
    ({"audit_schedule_inventory": ""}, "audit_schedule_inventory ('') is required"),
    ({"audit_schedule_reports": "reports"}, "have to be absolute paths"),
    ({"audit_schedule_name": "a b"}, "audit_schedule_name ('a b')"),
    ({"audit_schedule_environment": {"A;reboot": 1}}, "the names in audit_schedule_environment (A;reboot)"),
    ({"audit_schedule_backend": "awx"}, "value of audit_schedule_backend must be one of: systemd, cron, got: awx"),
    ({"audit_schedule_keep": -1}, "cannot be negative"),
    ({"audit_schedule_run_timeout": 0}, "audit_schedule_run_timeout (0) has to be 1 or more"),
    ({"audit_schedule_backend": "cron", "audit_schedule_cron": "daily"}, "has to be five fields"),
])
def test_bad_settings(schedule, variables, problem):
    code, output = schedule.run(**variables)
    assert code == 2 and problem in " ".join(output.split()) and lines_of(output) == [], output
