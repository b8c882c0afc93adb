# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports appear whole or not at all, and `latest` always points to a whole one."""

from __future__ import annotations

import datetime
import os
import signal
import sys
import time

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report import publish

MOMENT = datetime.datetime(2026, 11, 23, 19, 20, 5, tzinfo=datetime.timezone.utc)


def build(text):
    def write(directory):
        with open(os.path.join(directory, "report.json"), "w", encoding="ascii") as stream:
            stream.write(text)
    return write


def read_latest(reports):
    with open(os.path.join(reports, "latest", "report.json"), encoding="ascii") as stream:
        return stream.read()


def test_publish(tmp_path):
    reports = str(tmp_path / "a" / "reports")
    assert publish.latest_report(reports) is None
    path = publish.publish(reports, MOMENT, build("1"))
    assert path == os.path.join(reports, "20261123T192005Z")
    assert publish.latest_report(reports) == os.path.realpath(path)
    assert os.readlink(os.path.join(reports, "latest")) == "20261123T192005Z"
    assert oct(os.stat(path).st_mode & 0o777) == oct(0o777 & ~publish._current_umask())


def test_two_in_one_second(tmp_path):
    first = publish.publish(str(tmp_path), MOMENT, build("1"))
    second = publish.publish(str(tmp_path), MOMENT, build("2"))
    assert os.path.basename(second) == "20261123T192005Z-2" and os.path.isdir(first)
    assert read_latest(tmp_path) == "2"


def test_a_failing_build_leaves_everything_as_it_was(tmp_path):
    publish.publish(str(tmp_path), MOMENT, build("1"))
    before = sorted(os.listdir(tmp_path))

    def fail(directory):
        build("half")(directory)
        raise OSError("disk full")
    with pytest.raises(OSError):
        publish.publish(str(tmp_path), MOMENT, fail)
    assert sorted(os.listdir(tmp_path)) == before
    assert read_latest(tmp_path) == "1"


def test_latest_that_is_a_directory_is_not_removed(tmp_path):
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest" / "mine").write_text("x", encoding="ascii")
    with pytest.raises(OSError):
        publish.publish(str(tmp_path), MOMENT, build("1"))
    assert (tmp_path / "latest" / "mine").exists()


def test_leftovers_of_yesterday_are_removed_and_those_of_a_running_audit_are_not(tmp_path):
    for name, age in (("old", 2 * 86400), ("young", 60)):
        path = tmp_path / (".partial-" + name)
        path.mkdir()
        os.utime(path, (time.time() - age,) * 2)
    publish.publish(str(tmp_path), MOMENT, build("1"))
    assert [name for name in os.listdir(tmp_path) if name.startswith(".partial-")] == [".partial-young"]


LONG = "x" * 100000


def publish_and_die(reports, step):
    """Publish a report in a process that is killed before its step-th call of the operating system; return whether it got that far."""
    child = os.fork()
    if child == 0:
        steps = iter(range(step))

        def count(event, _arguments):
            if event != "os.kill" and next(steps, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
        try:
            sys.addaudithook(count)
            publish.publish(str(reports), MOMENT, build(LONG))
        finally:
            os._exit(0)
    status = os.waitpid(child, 0)[1]
    return os.WIFSIGNALED(status)


def test_killed_at_any_moment(tmp_path):
    publish.publish(str(tmp_path), MOMENT, build(LONG))
    step = 0
    while publish_and_die(tmp_path, step):
        assert read_latest(tmp_path) == LONG
        for name in os.listdir(tmp_path):
            if name[0].isdigit():
                assert (tmp_path / name / "report.json").stat().st_size == len(LONG)
        step += 1
    assert step > 10
    # the last one lived to the end, and is the latest
    published = sorted((name for name in os.listdir(tmp_path) if name[0].isdigit()), key=lambda name: (len(name), name))
    assert os.readlink(tmp_path / "latest") == published[-1] and len(published) > 2
