# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read what one user's processes wrote into the journal: the service manager, Podman.

Newest first, and no more than so many bytes: who writes millions of entries delays nobody, and lacks only older ones of
their own. Knows how to ask; not what the entries mean.
"""

from typing import Callable, Collection, List

from .journal import MAX_SYSTEM, MAX_USER, JournalEntries, Reader, run_journalctl
from .journalctl import journalctl_argv
from .records import (
    EVENT_FIELDS,
    EVENT_MATCHES,
    UNIT_FIELDS,
    USER_UNIT_MATCHES,
    Entry,
    field_text,
    manager_uid,
    received_at,
    writer_uid,
)


def read_user_unit_records(since: int, uid: int, timeout: float) -> JournalEntries:
    """Read what a user's systemd manager recorded of OOM kills.

    :param since: microseconds since the epoch, here and in the functions below.
    """
    argv = journalctl_argv(UNIT_FIELDS, since) + USER_UNIT_MATCHES
    return _read_newest(argv, uid, timeout, lambda entry: manager_uid(entry) == uid)


def read_podman_events(since: int, uid: int, idents: Collection[str], timeout: float) -> JournalEntries:
    """Read Podman's events of a user's containers, given by id: an index look-up for each."""
    wanted = set(idents)
    argv = journalctl_argv(EVENT_FIELDS, since) + EVENT_MATCHES + ["PODMAN_ID=" + ident for ident in sorted(wanted)]
    return _read_newest(
        argv, uid, timeout, lambda entry: writer_uid(entry) == uid and field_text(entry.get("PODMAN_ID")) in wanted)


def read_podman_deaths(since: int, uid: int, timeout: float) -> JournalEntries:
    """Read the death of every container that a user's Podman recorded."""
    argv = journalctl_argv(EVENT_FIELDS, since) + ["PODMAN_EVENT=died"]
    return _read_newest(argv, uid, timeout, lambda entry: writer_uid(entry) == uid)


def read_service_events(since: int, service: str, idents: Collection[str], timeout: float) -> JournalEntries:
    """Read Podman's events of containers that somebody wrote in a service of the system's manager.

    Only who has processes in it can write them: the service's user, and who is root in the containers.
    """
    argv = journalctl_argv(EVENT_FIELDS, since) + EVENT_MATCHES + ["PODMAN_ID=" + ident for ident in sorted(idents)]
    return _read(argv + ["_SYSTEMD_UNIT=" + service], timeout, lambda _entry: True, MAX_USER)


def _read_newest(argv: List[str], uid: int, timeout: float, is_wanted: Callable[[Entry], bool]) -> JournalEntries:
    return _read(argv + ["_UID=%d" % uid], timeout, is_wanted, MAX_USER if uid else MAX_SYSTEM)


def _read(argv: List[str], timeout: float, is_wanted: Callable[[Entry], bool], limit: int) -> JournalEntries:
    """Read entries; where time or room does not last, the answer's `since` tells how far back they were read."""
    return run_journalctl(argv + ["--reverse"], timeout, lambda: _NewestReader(is_wanted, limit))


class _NewestReader(Reader):
    """Keeps the entries that are wanted of those that come newest first, until they are too many."""

    def __init__(self, is_wanted: Callable[[Entry], bool], limit: int) -> None:
        super().__init__()
        self._is_wanted = is_wanted
        self._limit = limit  # bytes; lines that are not wanted count too
        self._size = 0
        self._kept: List[Entry] = []

    def take(self, line: bytes) -> bool:
        super().take(line)
        return self._has_room(line)

    def pass_by(self, piece: bytes) -> bool:
        return self._has_room(piece)

    def _has_room(self, read: bytes) -> bool:
        self._size += len(read)
        if self._size > self._limit:
            self.full = "too many entries: only the newest %d MiB of them were read" % (self._limit >> 20)
        return self.full is None

    def keep(self, entry: Entry, size: int) -> None:
        self.since = received_at(entry)
        if self._is_wanted(entry):
            self._kept.append(entry)

    def entries(self) -> List[Entry]:
        return self._kept[::-1]
