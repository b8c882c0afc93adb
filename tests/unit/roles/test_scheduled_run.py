# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tool of the role audit_schedule: one run at a time, and which reports are old."""

import datetime
import importlib.util
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

TOOL = pathlib.Path(__file__).parents[3] / "roles" / "audit_schedule" / "files" / "scheduled_run.py"
SPEC = importlib.util.spec_from_file_location("scheduled_run", TOOL)
tool = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tool)

NOW = datetime.datetime(2026, 11, 24, 12, 0, 0)
DAYS = ["202611%02dT030000Z" % day for day in range(1, 25)]  # the 1st to the 24th


# which reports are old


@pytest.mark.parametrize("keep, keep_days, kept", [
    (0, 0, DAYS),
    (3, 0, DAYS[-3:]),
    (100, 0, DAYS),
    (0, 7, DAYS[-7:]),  # 9 h on the 24th is not older; the 17th is 7 days and 9 h old
    (10, 7, DAYS[-10:]),
    (2, 7, DAYS[-7:]),
    (1, 0, DAYS[-1:]),
])
def test_what_is_kept(keep, keep_days, kept):
    old = tool.expired(DAYS, DAYS[-1], keep, keep_days, NOW)
    assert [name for name in DAYS if name not in old] == kept
    assert old == sorted(old)


def test_the_latest_is_never_old():
    assert DAYS[0] not in tool.expired(DAYS, DAYS[0], 1, 0, NOW)
    assert DAYS[0] not in tool.expired(DAYS, DAYS[0], 0, 1, NOW)


def test_the_newest_stays_when_latest_is_gone_and_all_are_old():
    assert tool.expired(DAYS, None, 0, 1, NOW + datetime.timedelta(days=1000)) == DAYS[:-1]


def test_a_clock_that_is_years_ahead_removes_no_more_than_age_allows():
    assert tool.expired(DAYS, DAYS[-1], 5, 30, NOW + datetime.timedelta(days=4000)) == DAYS[:-5]


def test_two_of_one_second_are_told_apart_by_number():
    names = ["20261124T030000Z-%d" % number for number in range(2, 12)] + ["20261124T030000Z"]
    random.Random(1).shuffle(names)
    assert tool.expired(names, None, 2, 0, NOW)[-1] == "20261124T030000Z-9"
    assert tool.expired(names, None, 2, 0, NOW)[0] == "20261124T030000Z"


@pytest.mark.parametrize("name", [
    "latest", ".lock", ".partial-abc", "notes", "20261124T030000Z.bak", "20261324T030000Z", "20261124T030000Z-x",
    "20261124T030000Z-", "x20261124T030000Z", "20261124T030000", "",
])
def test_what_is_no_report_is_never_removed(name):
    assert tool.report_key(name) is None
    assert tool.expired([name], None, 1, 1, NOW) == []


# removing them


@pytest.fixture
def reports(tmp_path):
    """Return a directory with five reports, `latest`, and things that are not ours."""
    path = tmp_path / "reports"
    for name in DAYS[:5]:
        (path / name).mkdir(parents=True)
        (path / name / "report.json").write_text("{}", encoding="ascii")
    (path / "latest").symlink_to(DAYS[4])
    (path / DAYS[5]).mkdir()  # a report's name, and no report
    (path / DAYS[6]).symlink_to(DAYS[0])  # a link is somebody's own
    (path / "notes").mkdir()
    (path / "notes" / "report.json").write_text("{}", encoding="ascii")
    return path


OTHERS = {"latest", DAYS[5], DAYS[6], "notes"}


def names(path):
    return {each for each in os.listdir(path) if each != ".lock"}


def test_prune(reports):
    assert tool.prune(str(reports), 2, 0, NOW) == 3
    assert names(reports) == {DAYS[3], DAYS[4]} | OTHERS
    assert tool.prune(str(reports), 2, 0, NOW) == 0


def test_prune_keeps_what_latest_points_to(reports):
    (reports / "latest").unlink()
    (reports / "latest").symlink_to(DAYS[1])
    tool.prune(str(reports), 1, 0, NOW)
    assert names(reports) == {DAYS[1], DAYS[4]} | OTHERS


def test_prune_without_a_directory(tmp_path):
    assert tool.prune(str(tmp_path / "none"), 1, 1, NOW) == 0


# a run


SAY = "import os, sys; print('ran', os.environ['WHO'], os.getcwd(), sys.stdin.read()); sys.exit(%d)"


class Schedule:
    """Settings in a file, and the tool as systemd and cron call it."""

    def __init__(self, path, reports):
        self.path, self.reports = path, reports
        self.settings = {
            "command": [sys.executable, "-c", SAY % 0], "directory": str(path), "environment": {"WHO": "me"},
            "reports": str(reports), "wait": 0, "keep": 0, "keep_days": 0}

    def start(self, **changes):
        number = len(list(self.path.glob("settings*.json")))
        file = self.path / ("settings%d.json" % number)
        file.write_text(json.dumps(dict(self.settings, **changes)), encoding="ascii")
        return subprocess.Popen([sys.executable, str(TOOL), str(file)], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, universal_newlines=True)

    def run(self, **changes):
        process = self.start(**changes)
        output = process.communicate(timeout=60)[0]
        return process.returncode, output

    def busy(self, seconds):
        """Start one that takes so long; return when it has the lock and runs."""
        flag = self.path / "running"
        script = "import pathlib, time; pathlib.Path(%r).touch(); time.sleep(%r)" % (str(flag), seconds)
        process = self.start(command=[sys.executable, "-c", script])
        end = time.monotonic() + 30
        while not flag.exists():
            assert time.monotonic() < end and process.poll() is None, process.communicate()
            time.sleep(0.02)
        flag.unlink()
        return process


@pytest.fixture
def schedule(tmp_path, reports):
    return Schedule(tmp_path, reports)


def test_it_runs_the_command_there_and_with_the_environment(schedule):
    assert schedule.run() == (0, "ran me %s \n" % schedule.path)


def test_numbers_may_come_as_text_and_text_as_numbers(schedule):
    """Templates before ansible-core 2.19 make text of everything."""
    code, output = schedule.run(wait="0", keep="2", keep_days="0", environment={"WHO": 7})
    assert code == 0 and output.startswith("ran 7 ") and "removed 3 old reports" in output


def test_it_has_the_exit_code_of_the_command_and_prunes_all_the_same(schedule):
    code, output = schedule.run(command=[sys.executable, "-c", SAY % 4], keep=1)
    assert code == 4 and "removed 4 old reports" in output
    assert names(schedule.reports) == {DAYS[4]} | OTHERS
    code, output = schedule.run(command=[sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])
    assert code == 128 + 9


def test_ending_it_ends_the_command(schedule):
    first = schedule.busy(60)
    first.terminate()
    first.communicate(timeout=30)  # until the command, too, has closed its output
    assert first.returncode == 128 + signal.SIGTERM
    assert schedule.run()[0] == 0


def test_it_makes_the_directory_of_the_reports(schedule, tmp_path):
    assert schedule.run(reports=str(tmp_path / "new" / "reports"))[0] == 0
    assert (tmp_path / "new" / "reports").is_dir()


def test_a_second_run_is_skipped_and_says_why(schedule):
    first = schedule.busy(60)
    try:
        code, output = schedule.run()
        assert code == tool.SKIPPED
        assert "another run is under way (pid %d since 2" % first.pid in output and output.endswith("): skipped\n")
        assert "ran" not in output.split()
    finally:
        first.terminate()
        first.communicate()


def test_a_second_run_waits(schedule):
    first = schedule.busy(2)
    code, output = schedule.run(wait=60)
    assert first.wait(timeout=30) == 0
    assert code == 0
    assert "waiting up to 60 s" in output and output.endswith("ran me %s \n" % schedule.path)
    first.communicate()


def test_waiting_ends(schedule):
    first = schedule.busy(60)
    try:
        code, output = schedule.run(wait=1)
        assert code == tool.SKIPPED and "did not end in 1 s (pid %d" % first.pid in output
    finally:
        first.terminate()
        first.communicate()


def test_reports_of_others_are_no_reason_to_wait(schedule, tmp_path):
    first = schedule.busy(60)
    try:
        assert schedule.run(reports=str(tmp_path / "others"))[0] == 0
    finally:
        first.terminate()
        first.communicate()


def test_the_lock_is_held_while_the_command_outlives_the_tool(schedule):
    """And is free when all of the run are gone, however they ended."""
    first = schedule.busy(3)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert schedule.run()[0] == tool.SKIPPED
    assert schedule.run(wait=60)[0] == 0
    first.communicate()


def test_old_reports_that_cannot_be_removed_are_an_error(schedule, monkeypatch, capsys):
    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tool.shutil, "rmtree", refuse)
    monkeypatch.setattr(tool.signal, "signal", lambda *_given: None)  # pytest's own stay
    assert tool.run(dict(schedule.settings, keep=1)) == 1
    assert "old reports could not be removed: [Errno 13] Permission denied" in capsys.readouterr().out
    # what is left of it is under a name that the next audit clears away
    assert sum(name.startswith(".partial-expired-") for name in names(schedule.reports)) == 1


@pytest.mark.parametrize("text, said", [
    ("{", "JSONDecodeError"),
    ("{}", "KeyError: 'reports'"),
])
def test_bad_settings(tmp_path, text, said, capsys):
    (tmp_path / "settings.json").write_text(text, encoding="ascii")
    assert tool.main([str(tmp_path / "settings.json")]) == 1
    assert said in capsys.readouterr().out


def test_no_settings(tmp_path, capsys):
    assert tool.main([str(tmp_path / "none.json")]) == 1
    assert "none.json" in capsys.readouterr().out
    assert tool.main([]) == 1
    assert "scheduled_run.py SETTINGS.json" in capsys.readouterr().out


def test_a_command_that_is_not_there(schedule):
    code, output = schedule.run(command=["/nonexistent/ansible-playbook"])
    assert code == 1 and "/nonexistent/ansible-playbook" in output
