# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Journals recorded on real hosts (tests/unit/fixtures/README.md), as the recorder reads them."""

import os

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.journal_cursor import TRUSTED, Reading
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.records import OOMD_UNIT, parse_entries

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures")
HOSTS = ("debian12-podman4.3.1", "debian13-podman5.4.2")


def entries(host):
    """The journal's entries of one host, oldest first, each once; a cursor is made up where none was recorded."""
    by_cursor = {}
    for kind in ("kernel", "systemd", "podman"):
        with open(os.path.join(FIXTURES, "journal_" + kind, host + ".json"), "rb") as handle:
            for entry in parse_entries(handle.read())[0]:
                entry.setdefault("__CURSOR", "%s/%s/%s" % (
                    entry["__REALTIME_TIMESTAMP"], entry.get("__MONOTONIC_TIMESTAMP"), len(by_cursor)))
                by_cursor[entry["__CURSOR"]] = entry
    return sorted(by_cursor.values(), key=lambda entry: int(entry["__REALTIME_TIMESTAMP"]))


class FakeJournal:
    """A journal of these entries: only those from `begin` to `end` are in it."""

    def __init__(self, recorded):
        self.entries = recorded
        self.begin = 0
        self.end = len(recorded)
        self.chunk = 50
        self.problem = None
        self.bad_entries = 0
        self.poison = None  # an entry of a user's for which journalctl has not memory enough
        self.readings = []  # the writers who were asked for

    def _available(self, writer=None):
        return [entry for entry in self.entries[self.begin:self.end] if is_of(entry, writer)]

    def read(self, handle, cursor=None, since=None, this_boot=False, seconds=20, entries=20000, writer=None):
        self.readings.append(writer)
        place = next((index for index, entry in enumerate(self.entries) if entry["__CURSOR"] == cursor), 0)
        available = [entry for entry in self.entries[max(place, self.begin):self.end] if is_of(entry, writer)]
        taken = available[:entries]
        if self.poison in taken and not writer:  # journalctl fails at it; of a user alone it prints no such field
            taken = taken[:taken.index(self.poison)]
        for start in range(0, len(taken), self.chunk):
            handle(taken[start:start + self.chunk])
        return Reading(taken[-1]["__CURSOR"] if taken else None, bool(taken) and taken[0]["__CURSOR"] == cursor,
                       len(taken) == len(available) or self.poison in available,
                       "journalctl: exit code 1" if self.poison in available and not writer else self.problem, self.bad_entries)

    def find_newest(self):
        available = self._available()
        return available[-1]["__CURSOR"] if available else None

    def has(self, cursor):
        return cursor in [entry["__CURSOR"] for entry in self._available()]

    def writers(self):
        return sorted({int(entry["_UID"]) for entry in self._available() if "_UID" in entry})


def is_of(entry, writer):
    """Whether an entry is a writer's, as Journal.read() means it."""
    kernel = entry.get("_TRANSPORT") == "kernel"
    if writer == TRUSTED:
        return kernel or entry.get("_PID") == "1" or entry.get("_SYSTEMD_UNIT") == OOMD_UNIT or (
            entry.get("_UID") == "0" and "PODMAN_EVENT" in entry)
    return writer is None or (not kernel and entry.get("_UID") == str(writer))


class FakeHost:
    """What the recorder asks a host about itself."""

    def __init__(self, boot, counted=None, booted=1):
        self.boot = boot
        self.counted = counted
        self.began = booted

    def boot_id(self):
        return self.boot

    def oom_kills_since_boot(self):
        return self.counted

    def booted_at(self):
        return self.began
