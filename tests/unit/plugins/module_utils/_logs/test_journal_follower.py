# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which order the journal is read, from where, and how long. What is read of recorded journals is in test_run.py of the recorder."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs import journal_follower
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.journal_cursor import EMPTY_READING, TRUSTED, Reading
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.journal_follower import JournalFollower, Places

MUCH = Reading(cursor="s=stopped", continued=True, ended=False, problem=None)
ALL = Reading(cursor="s=last", continued=True, ended=True, problem=None)
FAILED = EMPTY_READING._replace(problem="journalctl: exit code 1", ended=True)


class Journal:
    """Answers as it is told to by `readings`, {writer: Reading}; all else was read to its end."""

    def __init__(self, readings, uids=(), looks=0.0):
        self.readings = readings
        self.uids = list(uids)
        self.asked = []  # (writer, cursor)
        self.looks = looks  # seconds that a look takes
        self.clock = 0.0
        self.times = {}

    def read(self, _handle, cursor, _since, _this_boot, seconds, entries, writer):
        self.asked.append((writer, cursor))
        self.times[writer] = seconds
        reading = self.readings.get(writer, ALL)
        self.clock += 0.0 if reading.ended else seconds
        return reading

    def find_newest(self):
        self.clock += self.looks
        return "s=newest"

    def has(self, cursor):
        return cursor == "s=resume"

    def writers(self):
        self.clock += self.looks
        return self.uids


@pytest.fixture
def follow(monkeypatch):
    def one(journal, places, is_user=lambda _uid: True):
        monkeypatch.setattr(journal_follower.time, "monotonic", lambda: journal.clock)
        follower = JournalFollower(journal, lambda _entries: None, lambda _trusted: None, is_user)
        return follower, follower.follow(places, 0, 20.0, False)

    return one


def test_all_together_from_the_end_of_the_run_before_the_last_on(follow):
    journal = Journal({})
    _follower, places = follow(journal, Places("s=resume", "s=cursor", {}))
    assert (journal.asked, places) == ([(None, "s=resume")], Places("s=cursor", "s=last", {}))


@pytest.mark.parametrize("reading, begin", [(MUCH, "s=stopped"), (FAILED, "s=resume")])
def test_each_apart(follow, reading, begin):
    """What is trusted once more from where this run began, each user from where reading all together ended."""
    journal = Journal({None: reading}, uids=[0, 1000, 1001])
    follower, places = follow(journal, Places("s=resume", "s=cursor", {}))
    assert journal.asked == [(None, "s=resume"), (TRUSTED, "s=resume"), (1000, begin), (1001, begin)]
    assert places == Places("s=newest", "s=newest", {})
    assert (follower.ended, follower.continued, follower.problems, follower.lagging) == (True, True, [], set())


def test_a_cursor_that_the_journal_does_not_understand(follow):
    journal = Journal({None: FAILED})
    follower, _places = follow(journal, Places("s=strange", "s=cursor", {}))
    assert journal.asked[:2] == [(None, "s=strange"), (None, None)] and not follower.continued


def test_who_lags_goes_on_from_there_and_is_the_last_the_next_time(follow):
    journal = Journal({None: MUCH, 1000: MUCH._replace(cursor="s=mine")}, uids=[1000, 1001])
    follower, places = follow(journal, Places("s=resume", "s=cursor", {1000: "s=old", 1002: "s=older"}))
    assert journal.asked[2:] == [(1000, "s=old"), (1002, "s=older"), (1001, "s=stopped")]
    assert (places.apart, follower.lagging) == ({1000: "s=mine"}, {1000})
    # who floods takes an own share of the time, and who needs less leaves it to the others
    assert [journal.times[uid] for uid in (1000, 1002, 1001)] == [4, 4, 8]


def test_what_was_gone_before_it_was_read_is_missing(follow):
    journal = Journal({1000: ALL._replace(continued=False)})
    follower, places = follow(journal, Places("s=resume", "s=cursor", {1000: "s=old"}))
    assert (places.apart, follower.lagging) == ({}, {1000})


def test_what_is_trusted_has_time_however_long_the_rest_takes(follow):
    journal = Journal({TRUSTED: MUCH}, uids=[1000])
    follower, places = follow(journal, Places("s=resume", "s=cursor", {TRUSTED: "s=old"}))
    assert journal.times[TRUSTED] == 15 and not follower.ended and places.apart == {TRUSTED: "s=stopped"}
    slow = Journal({None: MUCH}, uids=[1000], looks=10.0)
    follower, places = follow(slow, Places("s=resume", "s=cursor", {}))
    assert slow.times[TRUSTED] == 5 and follower.ended and places.apart == {1000: "s=stopped"} and follower.lagging == {1000}


def test_more_users_than_can_be_read(follow):
    journal = Journal({None: MUCH}, uids=range(1000, 2000))
    follower, _places = follow(journal, Places("s=resume", "s=cursor", {}), lambda uid: uid < 1500)
    assert len(journal.asked) == 401 and "101 users who write into the journal were left out" in follower.describe_users(str)
