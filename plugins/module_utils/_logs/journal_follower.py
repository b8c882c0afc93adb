# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Follow the journal from one run to the next, so that who writes much holds up nothing that is read of others.

While there is little, one journalctl reads everybody's entries. When there is more, or it fails, everybody is read apart, from a
cursor of their own: first what can be trusted, to its end, then a bounded number of each user's entries. Who writes more lags alone.
Knows the order of the readings; not what the entries mean, nor where the places are kept.
"""

import time
from typing import Callable, Dict, List, NamedTuple, Optional, Set

from .._system.command import CommandError
from .journal_cursor import EMPTY_READING, TRUSTED, Journal, Reading
from .records import Entry, writer_uid

# Entries of one reading: of everybody together, of one user, and of those that can be trusted, which go on with the next part.
# A container that starts and ends each second writes 240 a minute.
_MAX_TOGETHER = 5000
_MAX_OF_USER = 5000
_MAX_TRUSTED = 20000
_SECONDS_TOGETHER = 8.0
_SECONDS_OF_TRUSTED = 5.0  # at least
_SECONDS_OF_USERS = 5.0  # which the others leave for them
_MAX_USERS = 400  # who are read apart
_MAX_TOLD = 3  # users


class Places(NamedTuple):
    """Up to where the journal was read, by cursors; None: from the beginning."""

    resume: Optional[str]  # where the next reading begins
    cursor: Optional[str]  # of the last entry that was read
    # {uid or TRUSTED: from where on these entries are still to be read}; who was not read for the longest time comes first
    apart: Dict[int, Optional[str]]


class JournalFollower:
    """The readings of one run.

    :param handle: takes entries of the trusted and of users.
    :param begin_part: called before each reading, with whether what is trusted is read: what was handled before is whole.
    :param is_user: whether a uid that writes is a user's own, and not one of somebody's subordinate uids.
    """

    def __init__(self, journal: Journal, handle: Callable[[List[Entry]], None], begin_part: Callable[[bool], None],
                 is_user: Callable[[int], bool]) -> None:
        self._journal = journal
        self._handle_wanted = handle
        self._begin_part = begin_part
        self._is_user = is_user
        self._since = 0
        self._end = 0.0
        self.continued = False  # the entry at which the run before had ended was still there
        self.ended = False  # all that is trusted was read
        self.problems: List[str] = []  # for which something that is trusted may be missing
        self._users_problems: Dict[int, str] = {}  # by uid
        self._bad_entries = 0  # see Reading
        self.lagging: Set[int] = set()  # users of whom something was not read, or was gone before
        self._users_left_out = 0  # who have no place of their own
        self._entries_left_out = 0  # Podman's events that nobody wrote who can have containers

    def follow(self, places: Places, since: int, seconds: float, rebooted: bool) -> Places:
        """Read on; return the new places.

        :param since: microseconds since the epoch, from where on without a cursor.
        :param rebooted: the clock may have been set back meanwhile: entries of this boot may sort before the cursor.
        """
        self._since, self._end = since, time.monotonic() + seconds
        reading = self._read(None, places.resume, _SECONDS_TOGETHER, _MAX_TOGETHER)
        self.continued, self.ended = reading.continued, reading.ended
        cursor = reading.cursor or places.resume
        # From the end of the run before on, once more: an entry that another file of the journal got at the same time
        # may have been missed. Where that end is gone, there is nothing to go back to.
        resume, apart = (places.cursor if reading.continued else None) or cursor, dict(places.apart)
        if reading.problem or not reading.ended:
            try:
                self._take_apart(apart, places.resume, cursor)
                resume = cursor = self._journal.find_newest() or cursor
            except CommandError as exc:
                self._note_problem(str(exc))
        if TRUSTED in apart:
            self._follow_trusted(apart, TRUSTED in places.apart)
        if rebooted:
            self._note_problem(self._read(TRUSTED, None, self._seconds_left(), _MAX_TRUSTED, this_boot=True).problem)
            cursor = self._read(None, None, self._seconds_left(), _MAX_TOGETHER, this_boot=True).cursor or cursor
        self._follow_users(apart, set(places.apart))
        return Places(resume or cursor, cursor, apart)

    def describe_users(self, user_name: Callable[[int], str]) -> List[str]:
        """Return what was left out because of users, which makes nothing incomplete that others have.

        :param user_name: returns the name of a uid.
        """
        told = []
        for uid in sorted(self.lagging)[:_MAX_TOLD]:
            why = self._users_problems.get(uid)
            told.append("of what %s writes into the journal not all is read%s: that user's records of own containers are not complete"
                        % (user_name(uid), " (%s)" % why if why else ""))
        told += ["%d %s were left out" % (number, what) for number, what in (
            (self._bad_entries, "entries of the journal that no service writes"),
            (self._entries_left_out, "entries of the journal in Podman's words by uids that are no user's"),
            (self._users_left_out, "users who write into the journal")) if number]
        return told

    def _take_apart(self, apart: Dict[int, Optional[str]], begin: Optional[str], end: Optional[str]) -> None:
        """Give everybody a place who has none: the trusted where this run began, users where reading them together ended."""
        apart.setdefault(TRUSTED, begin)
        users = [uid for uid in self._journal.writers() if uid not in apart and self._is_user(uid)]
        room = max(0, _MAX_USERS - len(apart))
        self._users_left_out = len(users[room:])
        apart.update(dict.fromkeys(users[:room], end))

    def _follow_trusted(self, apart: Dict[int, Optional[str]], has_lagged: bool) -> None:
        """Read what is trusted, in parts, as far as the time lasts."""
        while True:
            seconds = max(_SECONDS_OF_TRUSTED, self._seconds_left() - _SECONDS_OF_USERS)
            reading = self._read(TRUSTED, apart[TRUSTED], seconds, _MAX_TRUSTED)
            self.continued = self.continued and (reading.continued or not has_lagged)
            self.ended, has_lagged = reading.ended, False
            self._note_problem(reading.problem)
            apart[TRUSTED] = reading.cursor or apart[TRUSTED]
            if reading.ended and not reading.problem:
                del apart[TRUSTED]
            if reading.ended or reading.problem or self._seconds_left() <= _SECONDS_OF_USERS:
                break

    def _follow_users(self, apart: Dict[int, Optional[str]], have_lagged: Set[int]) -> None:
        """Read a part of each user's entries. Each has an equal share of the time that is left; who needs less leaves it to others."""
        users = [uid for uid in apart if uid != TRUSTED]
        for number, uid in enumerate(users):
            if self._seconds_left() <= 0:
                break
            cursor = apart.pop(uid)
            reading = self._read(uid, cursor, self._seconds_left() / (len(users) - number), _MAX_OF_USER)
            if reading.problem:
                self._users_problems[uid] = reading.problem
            if reading.problem or not reading.ended:
                apart[uid] = reading.cursor or cursor
            if uid in have_lagged and not reading.continued:
                self.lagging.add(uid)
        self.lagging.update(uid for uid in apart if uid != TRUSTED)

    def _seconds_left(self) -> float:
        return self._end - time.monotonic()

    def _read(self, writer: Optional[int], cursor: Optional[str], seconds: float, entries: int, this_boot: bool = False) -> Reading:
        """One reading, of at least a second; see Journal.read()."""
        def read_from(begin: Optional[str]) -> Reading:
            self._begin_part(not writer)
            return self._journal.read(self._handle, begin, None if begin or this_boot else self._since, this_boot,
                                      seconds=max(1.0, seconds), entries=entries, writer=writer)

        try:
            reading = read_from(cursor)
            if cursor and reading.problem and reading.cursor is None:
                # it fails at the entry that is there, or the journal does not understand the cursor
                reading = reading._replace(continued=True) if self._journal.has(cursor) else read_from(None)
        except CommandError as exc:
            reading = EMPTY_READING._replace(problem=str(exc))
        self._bad_entries += reading.bad_entries
        return reading

    def _handle(self, entries: List[Entry]) -> None:
        wanted = [entry for entry in entries if self._is_wanted(entry)]
        self._entries_left_out += len(entries) - len(wanted)
        self._handle_wanted(wanted)

    def _is_wanted(self, entry: Entry) -> bool:
        uid = writer_uid(entry)
        return not uid or not entry.get("PODMAN_EVENT") or self._is_user(uid)

    def _note_problem(self, problem: Optional[str]) -> None:
        if problem and problem not in self.problems:
            self.problems.append(problem)
