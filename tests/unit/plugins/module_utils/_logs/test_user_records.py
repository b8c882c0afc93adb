# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user's part of the journal: what is asked for, and that a flood costs its writer alone."""

import json

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs import journal, user_records
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.journalctl import MAX_LINE, Ending
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import SECOND

ID, OTHER = "ab" * 32, "cd" * 32


class Journalctl:
    """In place of the command: prints lines until its reader wants no more, and then comes too late if it is told to."""

    def __init__(self):
        self.lines = []
        self.late = False
        self.err = ""
        self.argv = None
        self.printed = 0

    def __call__(self, argv, take, _timeout, pass_by):
        self.argv = argv
        for line in self.lines:
            self.printed += 1
            if not (take if len(line) <= MAX_LINE else pass_by)(line):
                return Ending(None, late=False, err=self.err, long_lines=0)
        return Ending(None if self.late else 0, late=self.late, err=self.err, long_lines=0)


@pytest.fixture
def journalctl(monkeypatch):
    replacement = Journalctl()
    monkeypatch.setattr(journal, "read_lines", replacement)
    return replacement


def died(uid, second, ident=ID):
    return json.dumps({"__REALTIME_TIMESTAMP": str(second * SECOND), "PODMAN_EVENT": "died", "PODMAN_ID": ident, "_UID": str(uid)}).encode()


def ooms(number, uid=1000, **fields):
    entry = {"__REALTIME_TIMESTAMP": str(number * SECOND), "_UID": str(uid), "_COMM": "systemd", "_SYSTEMD_UNIT": "user@%d.service" % uid,
             "MESSAGE_ID": "fe6faa94e7774663a0da52717891d8ef", "USER_UNIT": "x%d.service" % number}
    return json.dumps(dict(entry, **fields)).encode()


def test_only_the_users_own_entries_are_asked_for_newest_first(journalctl):
    begin = ["journalctl", "--no-pager", "--quiet", "--all", "--output=json"]
    events = begin + ["--output-fields=PODMAN_EVENT,PODMAN_ID,PODMAN_NAME,PODMAN_IMAGE,PODMAN_EXIT_CODE,PODMAN_TIME,PODMAN_LABELS,"
                      "_UID,_CMDLINE,_SYSTEMD_CGROUP", "--since=@7"]
    user_records.read_podman_events(7 * SECOND, 1000, ["cd", "ab"], 60)
    assert journalctl.argv == events + ["PODMAN_EVENT=init", "PODMAN_EVENT=died", "PODMAN_EVENT=kill", "PODMAN_EVENT=stop",
                                        "PODMAN_EVENT=cleanup", "PODMAN_EVENT=remove", "PODMAN_ID=ab", "PODMAN_ID=cd", "_UID=1000", "--reverse"]
    user_records.read_podman_deaths(7 * SECOND, 0, 60)
    assert journalctl.argv == events + ["PODMAN_EVENT=died", "_UID=0", "--reverse"]
    user_records.read_user_unit_records(7 * SECOND, 1001, 60)
    assert journalctl.argv == begin + [
        "--output-fields=MESSAGE,MESSAGE_ID,UNIT,USER_UNIT,_UID,_PID,_COMM,_SYSTEMD_UNIT,_SYSTEMD_USER_UNIT", "--since=@7",
        "MESSAGE_ID=fe6faa94e7774663a0da52717891d8ef", "MESSAGE_ID=d989611b15e44c9dbf31e3c81256e4ed", "_COMM=systemd", "_UID=1001", "--reverse"]


def test_events_of_a_service_are_of_whoever_has_processes_in_it(journalctl):
    user_records.read_service_events(7 * SECOND, "x.service", ["ab"], 60)
    assert journalctl.argv[-3:] == ["PODMAN_ID=ab", "_SYSTEMD_UNIT=x.service", "--reverse"]


def test_what_others_wrote_is_left_out(journalctl):
    """Should a journalctl print it: journald's own field is what counts."""
    journalctl.lines = [died(1000, 9), died(1001, 8), died(1000, 7, OTHER), died(1000, 6)]
    answer = user_records.read_podman_events(0, 1000, [ID], 60)
    assert [entry["__REALTIME_TIMESTAMP"] for entry in answer.entries] == ["6000000", "9000000"] and answer.problem is None
    assert len(user_records.read_podman_deaths(0, 1000, 60).entries) == 3
    journalctl.lines = [ooms(9), ooms(8, _SYSTEMD_UNIT="session-1.scope"), ooms(7, _COMM="x"), ooms(6, 1001)]
    assert [entry["USER_UNIT"] for entry in user_records.read_user_unit_records(0, 1000, 60).entries] == ["x9.service"]


@pytest.mark.parametrize("line", [died(1000, 5), ooms(5), ooms(5, MESSAGE="x" * 1000), ooms(5, _SYSTEMD_UNIT="session-1.scope")])
def test_a_flood_is_read_as_far_as_its_share_lasts(journalctl, monkeypatch, line):
    """Its own newest ones are there, and it is known from when on: reading it all would take minutes."""
    monkeypatch.setattr(user_records, "MAX_USER", 5000)
    journalctl.lines = [ooms(9)] + [line] * 10 ** 6
    answer = user_records.read_user_unit_records(0, 1000, 60)
    assert journalctl.printed < 40
    assert answer.entries[-1]["USER_UNIT"] == "x9.service" and answer.since == 5 * SECOND
    assert answer.problem == "too many entries: only the newest 0 MiB of them were read"


def test_lines_that_are_no_entries_take_room_too(journalctl, monkeypatch):
    monkeypatch.setattr(user_records, "MAX_USER", 5000)
    journalctl.lines = [ooms(9)] + [ooms(5, PODMAN_LABELS="[" * 200)] * 10 ** 6
    answer = user_records.read_user_unit_records(0, 1000, 60)
    assert journalctl.printed < 30 and answer.bad_lines > 5 and (len(answer.entries), answer.since) == (1, 9 * SECOND)


def test_root_has_more_room(journalctl, monkeypatch):
    monkeypatch.setattr(user_records, "MAX_USER", 5000)
    journalctl.lines = [died(0, 5)] * 1000
    answer = user_records.read_podman_deaths(0, 0, 60)
    assert (len(answer.entries), answer.problem, answer.since) == (1000, None, None)


def test_what_came_until_the_time_was_over_is_complete_from_there_on(journalctl):
    journalctl.lines, journalctl.late = [ooms(9), ooms(7)], True
    answer = user_records.read_user_unit_records(0, 1000, 60)
    assert (len(answer.entries), answer.since) == (2, 7 * SECOND) and "did not answer in time" in answer.problem


def test_a_file_that_was_not_read_can_be_of_any_time(journalctl):
    journalctl.lines, journalctl.late, journalctl.err = [ooms(9)], True, "Journal file x is truncated, ignoring file."
    assert user_records.read_user_unit_records(0, 1000, 60).since is None


def test_lines_that_are_too_long_are_a_part_of_a_users_share(journalctl):
    journalctl.lines = [died(1000, 9)] + [b"x" * (MAX_LINE + 1)] * 50
    answer = user_records.read_podman_deaths(0, 1000, 60)
    assert journalctl.printed == 5 and "too many entries" in answer.problem
    assert (len(answer.entries), answer.since) == (1, 9 * SECOND)
