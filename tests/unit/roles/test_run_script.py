# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The script of the role audit_schedule, as systemd and cron run it: one run at a time."""

import json
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import time

import pytest

jinja2 = pytest.importorskip("jinja2")

TEMPLATE = pathlib.Path(__file__).parents[3] / "roles" / "audit_schedule" / "templates" / "run.sh.j2"
SKIPPED = 75
SAY = "import os, sys; print('ran', os.environ['WHO'], os.getcwd(), sys.stdin.read()); sys.exit(%d)"


def render(**variables):
    # as Ansible's template module does
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    environment.filters.update(quote=lambda value: shlex.quote(str(value)), to_json=json.dumps)
    return environment.from_string(TEMPLATE.read_text(encoding="ascii")).render(**variables)


class Schedule:
    """A schedule's settings, and its script as systemd and cron start it."""

    def __init__(self, path):
        self.path, self.reports = path, path / "reports"
        self.settings = {
            "__audit_schedule_command": [sys.executable, "-c", SAY % 0], "audit_schedule_directory": str(path),
            "audit_schedule_environment": {"WHO": "me"}, "audit_schedule_reports": str(self.reports), "audit_schedule_wait": 0,
            "audit_schedule_run_timeout": 60}

    def start(self, command=None, **changes):
        script = self.path / ("run%d.sh" % len(list(self.path.glob("run*.sh"))))
        if command:
            changes["__audit_schedule_command"] = command
        script.write_text(render(**{**self.settings, **changes}), encoding="utf-8")
        return subprocess.Popen(["/bin/sh", str(script)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                stdin=subprocess.PIPE, universal_newlines=True)

    def run(self, **changes):
        process = self.start(**changes)
        output = process.communicate(timeout=60)[0]
        return process.returncode, output

    def start_busy(self, script="time.sleep(60)"):
        """Start one that takes so long; return when it has the lock and runs."""
        flag = self.path / "running"
        process = self.start(command=[
            sys.executable, "-c", "import os, pathlib, subprocess, sys, time; pathlib.Path(%r).touch(); %s" % (str(flag), script)])
        end = time.monotonic() + 30
        while not flag.exists():
            assert time.monotonic() < end and process.poll() is None, process.communicate()
            time.sleep(0.02)
        flag.unlink()
        return process


@pytest.fixture
def schedule(tmp_path):
    return Schedule(tmp_path)


@pytest.fixture
def busy(schedule):
    """A run that is under way until the test's end."""
    process = schedule.start_busy()
    yield process
    process.terminate()
    process.communicate()


def test_it_runs_the_command_there_and_with_the_environment(schedule):
    assert schedule.run() == (0, "ran me %s \n" % schedule.path)
    assert schedule.reports.is_dir()


def test_what_has_a_meaning_for_the_shell_is_kept(schedule):
    odd = "it's $HOME `id` \"%\" \\ ü;\nand more"
    code, output = schedule.run(command=["/bin/echo", odd], audit_schedule_environment={"WHO": odd})
    assert (code, output) == (0, odd + "\n")
    assert schedule.run(audit_schedule_environment={"WHO": odd})[1].startswith("ran %s " % odd)


@pytest.mark.parametrize("value, text", [(7, "7"), (True, "true"), ("yes", "yes")])
def test_numbers_and_switches_are_written_as_json(schedule, value, text):
    assert schedule.run(audit_schedule_environment={"WHO": value}) == (0, "ran %s %s \n" % (text, schedule.path))


def test_numbers_may_come_as_text(schedule):
    """Templates before ansible-core 2.19 make text of everything."""
    assert schedule.run(audit_schedule_wait="0")[0] == 0


def test_it_has_the_exit_code_of_the_command(schedule):
    assert schedule.run(command=[sys.executable, "-c", SAY % 4])[0] == 4
    assert schedule.run(command=["/nonexistent/ansible-playbook"])[0] == 127


def test_a_directory_that_is_not_there_is_a_failure(schedule):
    code, output = schedule.run(audit_schedule_directory="/nonexistent")
    assert code == 1 and "/nonexistent" in output and "ran" not in output.split()


def test_a_lock_that_cannot_be_opened_is_a_failure(schedule):
    (schedule.reports / ".lock").mkdir(parents=True)
    code, output = schedule.run()
    assert code not in (0, SKIPPED) and ".lock" in output and "ran" not in output.split()


def test_ending_it_ends_the_command(schedule):
    first = schedule.start_busy()
    first.terminate()
    first.communicate(timeout=30)
    assert first.returncode == -signal.SIGTERM
    assert schedule.run()[0] == 0


def test_a_second_run_is_skipped_and_says_why(schedule, busy):
    code, output = schedule.run()
    assert code == SKIPPED
    assert "another run is under way (pid %d since 2" % busy.pid in output and output.endswith("Z): skipped\n")
    assert "ran" not in output.split()


def test_a_second_run_waits(schedule):
    first = schedule.start_busy("time.sleep(1)")
    assert schedule.run(audit_schedule_wait=60) == (0, "ran me %s \n" % schedule.path)
    assert first.wait(timeout=30) == 0
    first.communicate()


def test_waiting_ends(schedule, busy):
    code, output = schedule.run(audit_schedule_wait=1)
    assert code == SKIPPED and "(pid %d since " % busy.pid in output and output.endswith("): skipped after 1 s\n")


def test_reports_of_others_are_no_reason_to_wait(schedule, busy, tmp_path):
    assert busy.poll() is None
    assert schedule.run(audit_schedule_reports=str(tmp_path / "others"))[0] == 0


def test_the_lock_is_held_while_a_process_of_the_run_is_left(schedule):
    """And is free when all of the run are gone, however they ended."""
    first = schedule.start_busy("subprocess.Popen(['sleep', '1'], close_fds=False); os.kill(os.getpid(), 9)")
    assert schedule.run()[0] == SKIPPED
    assert schedule.run(audit_schedule_wait=60)[0] == 0
    first.communicate()
    assert first.returncode == -signal.SIGKILL


def test_a_run_that_takes_too_long_is_ended_and_has_failed(schedule):
    begun = time.monotonic()
    code, output = schedule.run(command=["/bin/sleep", "60"], audit_schedule_run_timeout=1)
    assert code == 124 and time.monotonic() - begun < 30, output
    # and the next one has the lock
    assert schedule.run()[0] == 0


def test_a_run_that_hangs_is_no_reason_to_skip_in_silence(schedule, busy):
    """With cron nobody ends what is left of a run; what it waits for may never come (a disk in the network)."""
    assert schedule.run()[0] == SKIPPED
    lock = schedule.reports / ".lock"
    os.utime(str(lock), (time.time() - 3600, time.time() - 3600))
    code, output = schedule.run()
    assert code == 1 and "another run (pid %d since " % busy.pid in output and "it hangs" in output, output
    assert schedule.run(audit_schedule_run_timeout=7200)[0] == SKIPPED
