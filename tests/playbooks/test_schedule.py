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


class Schedule:
    """Runs the playbook in a directory of its own."""

    def __init__(self, path):
        self.path = path
        (path / "tree" / "ansible_collections" / "podman_fleet").mkdir(parents=True)
        (path / "tree" / "ansible_collections" / "podman_fleet" / "memory").symlink_to(ROOT)

    def run(self, *words, **variables):
        """Return (exit code, output)."""
        env = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        env.update(ANSIBLE_COLLECTIONS_PATH=str(self.path / "tree"), ANSIBLE_HOME=str(self.path / "home"),
                   ANSIBLE_LOCALHOST_WARNING="false", PYTHONDONTWRITEBYTECODE="1")
        given = {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "podman_memory_become": False,
            "audit_schedule_name": NAME, "audit_schedule_inventory": "/etc/fleet/inventory.yml",
            "audit_schedule_reports": str(self.path / "reports"), **variables}
        done = subprocess.run(
            [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "podman_fleet.memory.schedule", "--check", "--diff",
             "--tags", "schedule", "-e", json.dumps(given), *words],
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
    code, output = schedule.run(
        audit_schedule_backend="cron", audit_schedule_environment={"ANSIBLE_COLLECTIONS_PATH": "/srv/collections"},
        audit_schedule_arguments=["--limit", "it's"], audit_schedule_extra_vars={"oom_audit_keep": 5}, audit_schedule_wait=60)
    assert code == 0, output
    lines = lines_of(output)
    assert "17 3 * * * root /bin/sh /etc/%s/run.sh" % NAME in lines
    assert "export ANSIBLE_COLLECTIONS_PATH=/srv/collections" in lines
    assert "flock --conflict-exit-code 75 --wait 60 9" in lines
    assert lines[lines.index('echo "pid $$ since $(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$lock"') + 2] == (
        "exec ansible-playbook --inventory /etc/fleet/inventory.yml --extra-vars @/etc/%s/vars.json --limit 'it'\"'\"'s' "
        "podman_fleet.memory.audit </dev/null" % NAME)
    # what the schedule's extra variables say comes first; templates before ansible-core 2.19 make text of numbers
    values = {name: value.strip('",') for name, _colon, value in (line.strip().partition(": ") for line in lines)}
    assert (values['"oom_audit_keep"'], values['"oom_audit_keep_days"']) == ("5", "90")


def test_systemd(schedule):
    code, output = schedule.run()
    assert code == 0, output
    lines = lines_of(output)
    assert "ExecStart=/bin/sh /etc/%s/run.sh" % NAME in lines and "SuccessExitStatus=75" in lines
    assert "OnCalendar=*-*-* 03:17:00" in lines and "flock --conflict-exit-code 75 --nonblock 9" in lines


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
    ({"audit_schedule_backend": "cron", "audit_schedule_cron": "daily"}, "has to be five fields"),
])
def test_bad_settings(schedule, variables, problem):
    code, output = schedule.run(**variables)
    assert code == 2 and problem in " ".join(output.split()) and lines_of(output) == [], output
