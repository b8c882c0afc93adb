# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which reports are old, and that nothing else is ever removed."""

from __future__ import annotations

import datetime
import os
import random

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report import publish, retention

NOW = datetime.datetime(2026, 11, 24, 12, 0, 0, tzinfo=datetime.timezone.utc)
DAYS = ["202611%02dT030000Z" % day for day in range(1, 25)]  # the 1st to the 24th


@pytest.mark.parametrize("keep, keep_days, kept", [
    (0, 0, DAYS),
    (3, 0, DAYS[-3:]),
    (100, 0, DAYS),
    (0, 7, DAYS[-7:]),  # 9 h on the 24th is not older; the 17th is 7 days and 9 h old
    (10, 7, DAYS[-10:]),
    (2, 7, DAYS[-7:]),
    (1, 0, DAYS[-1:]),
    (-1, 0, DAYS),
    (-1, -1, DAYS),
    (-1, 7, DAYS[-7:]),
])
def test_what_is_kept(keep, keep_days, kept):
    expired = retention.expired_reports(DAYS, DAYS[-1], keep, keep_days, NOW)
    assert [name for name in DAYS if name not in expired] == kept
    assert expired == sorted(expired)


def test_the_latest_is_never_old():
    assert DAYS[0] not in retention.expired_reports(DAYS, DAYS[0], 1, 0, NOW)
    assert DAYS[0] not in retention.expired_reports(DAYS, DAYS[0], 0, 1, NOW)


def test_the_newest_stays_when_latest_is_gone_and_all_are_old():
    assert retention.expired_reports(DAYS, None, 0, 1, NOW + datetime.timedelta(days=1000)) == DAYS[:-1]


def test_a_clock_that_is_years_ahead_removes_no_more_than_age_allows():
    assert retention.expired_reports(DAYS, DAYS[-1], 5, 30, NOW + datetime.timedelta(days=4000)) == DAYS[:-5]


def test_two_of_one_second_are_told_apart_by_number():
    names = ["20261124T030000Z-%d" % number for number in range(2, 12)] + ["20261124T030000Z"]
    random.Random(1).shuffle(names)
    assert retention.expired_reports(names, None, 2, 0, NOW)[-1] == "20261124T030000Z-9"
    assert retention.expired_reports(names, None, 2, 0, NOW)[0] == "20261124T030000Z"


@pytest.mark.parametrize("name", [
    "latest", ".lock", ".partial-abc", "notes", "20261124T030000Z.bak", "20261324T030000Z", "20261124T030000Z-x",
    "20261124T030000Z-", "x20261124T030000Z", "20261124T030000", "20261124T030000Z\n", "",
])
def test_what_is_no_report_is_never_removed(name):
    assert retention.report_key(name) is None
    assert retention.expired_reports([name], None, 1, 1, NOW) == []


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


def test_prune(reports):
    assert retention.prune_reports(str(reports), 2, 0, NOW) == 3
    assert set(os.listdir(reports)) == {DAYS[3], DAYS[4]} | OTHERS
    assert retention.prune_reports(str(reports), 2, 0, NOW) == 0


def test_prune_keeps_what_latest_points_to(reports):
    (reports / "latest").unlink()
    (reports / "latest").symlink_to(DAYS[1])
    retention.prune_reports(str(reports), 1, 0, NOW)
    assert set(os.listdir(reports)) == {DAYS[1], DAYS[4]} | OTHERS


def test_prune_does_not_follow_links(reports, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").write_text("x", encoding="ascii")
    (reports / DAYS[0] / "link").symlink_to(tmp_path / "elsewhere")
    retention.prune_reports(str(reports), 1, 0, NOW)
    assert not (reports / DAYS[0]).exists() and (tmp_path / "elsewhere" / "precious").exists()


def test_prune_without_a_directory(tmp_path):
    assert retention.prune_reports(str(tmp_path / "none"), 1, 1, NOW) == 0


def test_what_cannot_be_removed_is_an_error_and_no_longer_a_report(reports, monkeypatch):
    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(retention.shutil, "rmtree", refuse)
    with pytest.raises(PermissionError):
        retention.prune_reports(str(reports), 1, 0, NOW)
    monkeypatch.undo()
    # what is left of it is under a name that the next report clears away
    leftover, = (name for name in os.listdir(reports) if name.startswith(".partial-expired-"))
    os.utime(reports / leftover, (0, 0))
    publish.publish(str(reports), NOW, lambda directory: None)
    assert not (reports / leftover).exists()
